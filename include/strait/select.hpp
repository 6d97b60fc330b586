// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SELECT_HPP
#define STRAIT_SELECT_HPP

#include <strait/detail/channel/ends.hpp>
#include <strait/detail/wait/epoll_wait_set.hpp>
#include <strait/detail/wait/thread_watcher.hpp>
#include <strait/detail/wait/wait_set.hpp>
#include <strait/error.hpp>
#include <strait/receiver.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace strait {

template <class Out, class In, class X>
class connection;

/// A descriptor of the application, to be waited for beside channels.
struct plain_descriptor {
    int descriptor;    ///< is not closed here
    short events = 1;  ///< as of poll(2): ready when one of these is there; 1 is POLLIN
};

/// One input that is ready.
struct selection {
    std::size_t index;  ///< the key of add(), or the place among the arguments of select(), from 0
    error_code error;   ///< none: a message is there, or the descriptor is ready; `closed`: the end of its stream; else a
                        ///< failure of the receiver, which is reported here once and not again
};

namespace detail {

template <class T, class X>
waited_for waiting_for(receiver<T, X>& in, std::size_t key)
{
    using end_type = typename ends<T, X>::receiver;
    static_assert(waitable_end<end_type>, "strait: this transport has no way to be waited for among others");
    waited_for w;
    w.key = key;
    w.end = &end_access::of(in);
    w.readiness = [](void* end) { return readiness_of(*static_cast<end_type*>(end)); };
    w.arm = [](void* end) { return static_cast<end_type*>(end)->arm(); };
    w.disarm = [](void* end) { static_cast<end_type*>(end)->disarm(); };
    return w;
}

template <class Out, class In, class X>
waited_for waiting_for(connection<Out, In, X>& c, std::size_t key)
{
    return waiting_for(c.in(), key);
}

inline waited_for waiting_for(plain_descriptor const& d, std::size_t key)
{
    waited_for w;
    w.key = key;
    w.source = {.descriptor = d.descriptor, .events = d.events};
    return w;
}

}  // namespace detail

/// Receivers of any types and mechanisms, connections, and plain descriptors, for one thread to wait for together. Waiting
/// sleeps, in poll(2) or, from 9 on, in epoll(7), until one of them is ready, and takes nothing: call try_receive() of
/// the one that is named. It is fair: after one was named the others come first. A receiver whose stream has ended is
/// named again and again until it is removed, because its stream goes on if another sender joins.
///
/// With many sockets, pipes and POSIX queues a wait makes system calls for those that are ready, and none for the
/// others. Rings and System V queues are looked at one by one, about half a microsecond for each ring, and once again before a
/// wait sleeps: a thousand rings cost a wait some hundred microseconds. Each ring also asks the kernel every millisecond whether
/// its senders live, and every 32 at most among many.
///
/// Nothing is polled while all are idle, and no thread is started. A transport without descriptors (a ring, a System V
/// queue, in_process) is woken by its channel's doorbell: its senders ring it only while a thread waits so. Each selector has
/// one inotify(7) instance for doorbells; where the system has no more of them (/proc/sys/fs/inotify/max_user_instances),
/// such channels are looked at every 50 ms.
///
/// `shm_ring<mpmc>`: the message that made a receiver ready is reserved for it, and no other receiver gets it.
///
/// What was added must stay where it is until it is removed or the selector is destroyed.
/// Distinct objects: safe. Shared objects, and ends that are in one: unsafe.
class selector {
public:
    selector() : few_(watcher_) {}

    /// Adds a receiver. Returns its key, which is not used again.
    template <class T, class X>
    std::size_t add(receiver<T, X>& in)
    {
        return add(detail::waiting_for(in, next_));
    }
    /// Adds the incoming end of a connection. Returns its key, which is not used again.
    template <class Out, class In, class X>
    std::size_t add(connection<Out, In, X>& c)
    {
        return add(c.in());
    }
    /// Adds a descriptor of the application, which is to be removed before it is closed. Returns its key, which is not
    /// used again.
    std::size_t add(plain_descriptor const& d)
    {
        return add(detail::waiting_for(d, next_));
    }

    /// Removes what has this key; false when nothing has.
    bool remove(std::size_t key) { return many_ ? many_->remove(key) : few_.remove(key); }

    /// Whether there is nothing to wait for.
    bool empty() const noexcept { return size() == 0; }
    /// How many there are to wait for.
    std::size_t size() const noexcept { return many_ ? many_->size() : few_.size(); }

    /// Waits until one is ready; errc::timed_out at the deadline, errc::empty at once for deadline::poll().
    [[nodiscard]] result<selection> wait(deadline until = deadline::never())
    {
        auto const found = many_ ? many_->wait(until) : few_.wait(until);
        if (!found)
            return found.error();
        return selection{found->key, found->error};
    }

private:
    // Up to so many are quicker asked one by one. Where there is no descriptor for epoll(7) all of them are.
    static constexpr std::size_t few = 8;

    std::size_t add(detail::waited_for const& w)
    {
        if (!many_ && few_.size() >= few) {
            auto many = std::make_unique<detail::epoll_wait_set>(watcher_);
            if (many->open()) {
                for (detail::waited_for const& known : few_.release())
                    many->add(known);
                many_ = std::move(many);
            }
        }
        many_ ? many_->add(w) : few_.add(w);
        return next_++;
    }

    detail::inotify_watcher watcher_;
    detail::wait_set few_;
    std::unique_ptr<detail::epoll_wait_set> many_;
    std::size_t next_ = 0;
};

/// Waits until one of these receivers, connections and plain descriptors is ready, and says which, as a selector does:
/// errc::timed_out at the deadline, errc::empty at once for deadline::poll(). A selector takes fewer system calls for a loop
/// over the same inputs. Any thread may call it; each has one inotify(7) instance from the first time that it sleeps here.
///
///     auto const chosen = strait::select(strait::deadline::never(), trades, quotes, strait::plain_descriptor{timer});
template <class... Inputs>
    requires(sizeof...(Inputs) != 0)
[[nodiscard]] result<selection> select(deadline until, Inputs&&... inputs)
{
    detail::thread_watcher& mine = detail::thread_watcher::get();
    detail::wait_set set(mine.watcher);
    std::size_t key = 0;
    (set.add(detail::waiting_for(inputs, key++)), ...);
    set.turn = mine.turn;
    auto const found = set.wait(until);
    mine.turn = set.turn;
    if (!found)
        return found.error();
    return selection{found->key, found->error};
}

}  // namespace strait

#endif
