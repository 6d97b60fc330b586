// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_IN_PROCESS_QUEUE_HPP
#define STRAIT_DETAIL_IN_PROCESS_QUEUE_HPP

#include <strait/detail/membership/role.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/wait/sleep_word.hpp>
#include <strait/error.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace strait::detail {

// The state of an in-process channel that does not depend on its type. Every member is read and written under `mutex`.
struct object_channel {
    object_channel(std::string n, std::size_t c, bool k) : name(std::move(n)), capacity(c), keep(k) {}
    object_channel(object_channel const&) = delete;
    object_channel& operator=(object_channel const&) = delete;

    void join(role r)
    {
        std::lock_guard const hold(mutex);
        ++(r == role::sender ? senders : receivers);
        had_sender |= r == role::sender;
    }

    // arm() of a waitable_end (transport.hpp). The doorbell is a file without a name, made when an end first waits in
    // this way.
    wake_source arm(role r)
    {
        std::lock_guard const hold(mutex);
        if (!doorbell) {
            descriptor const file(::memfd_create("strait", MFD_CLOEXEC));
            descriptor opened;  // inotify reports only files that were opened by a path
            if (file && ::ftruncate(file.get(), 1) == 0 && !reopen(file.get(), O_RDONLY, opened))
                doorbell = guarded_descriptor(std::move(opened));
        }
        (r == role::sender ? sender_armed : receiver_armed) = true;
        return {.file = doorbell.get(), .again = !doorbell};
    }

    // To be called with the mutex held, after the change that the end waits for. `armed`: whether it waits by the
    // doorbell.
    void ring(bool& armed) noexcept
    {
        if (!armed) [[likely]]
            return;
        armed = false;
        ring_doorbell(doorbell.get());
    }

    // Its name leads here no more: those that wait are told.
    void remove()
    {
        std::lock_guard const hold(mutex);
        removed = true;
        room.notify_all();
        changed.notify_all();
        ring(sender_armed);
        ring(receiver_armed);
    }

    // True for the last participant of a channel with nothing unread.
    bool leave(role r, std::size_t unread_messages)
    {
        --(r == role::sender ? senders : receivers);
        room.notify_all();
        changed.notify_all();
        ring(sender_armed);
        ring(receiver_armed);
        return senders == 0 && receivers == 0 && unread_messages == 0 && !keep;
    }

    std::mutex mutex;
    std::condition_variable changed;  // a message is there, or a sender has left
    std::condition_variable room;
    std::string const name;  // empty for a pair
    std::size_t const capacity;
    std::size_t senders = 0;
    std::size_t receivers = 0;
    bool had_sender = false;
    bool abandoned = false;  // a pair was dropped, and no sender was taken from it
    bool keep;
    bool removed = false;  // by its name: no other end can come
    bool sender_armed = false;
    bool receiver_armed = false;
    guarded_descriptor doorbell;
    refusals refused;  // of ends of another type
};

template <class T>
struct object_queue : object_channel {
    using object_channel::object_channel;

    template <class U>
    result<void> push(U&& message, deadline until, std::uint64_t& waits)
    {
        // A copy is made before the lock is taken: the copy constructor of a T may use this very channel.
        if constexpr (std::is_lvalue_reference_v<U> && !std::is_trivially_copyable_v<T>)
            return push(T(message), until, waits);
        std::unique_lock hold(mutex);
        if (auto r = wait(hold, room, until, errc::full, waits, [&] { return messages.size() < capacity || removed; }); !r)
            return r;
        if (messages.size() >= capacity)
            return errc::removed;
        messages.push_back(std::forward<U>(message));
        ring(receiver_armed);
        hold.unlock();
        changed.notify_one();
        return {};
    }

    // Waits as push() does, with a predicate of its own: shared by both, GCC would not inline it into push().
    result<void> await_room(deadline until, std::uint64_t& waits)
    {
        std::unique_lock hold(mutex);
        auto r = wait(hold, room, until, errc::full, waits, [&] { return messages.size() < capacity || removed; });
        if (r && messages.size() >= capacity)
            r = errc::removed;
        hold.unlock();
        if (r)
            room.notify_one();  // another sender may have been passed over for this one, which takes nothing
        return r;
    }

    result<T> pop(deadline until, std::uint64_t& waits)
    {
        std::unique_lock hold(mutex);
        if (auto r = wait(hold, changed, until, errc::empty, waits, [&] { return !messages.empty() || is_over() || removed; }); !r)
            return result<T>{unexpect, r.error()};
        if (messages.empty())
            return result<T>{unexpect, make_error_code(is_over() ? errc::closed : errc::removed)};
        T message = std::move(messages.front());
        messages.pop_front();
        ring(sender_armed);
        hold.unlock();
        room.notify_one();
        return result<T>{std::in_place, std::move(message)};
    }

    // What push() would find without waiting: room (no error), that the channel was removed, or nothing.
    std::optional<error_code> look_for_room()
    {
        std::lock_guard const hold(mutex);
        if (messages.size() < capacity)
            return error_code();
        if (removed)
            return make_error_code(errc::removed);
        return {};
    }

    // What pop() would find without waiting: a message (no error), the end, or nothing.
    std::optional<error_code> look()
    {
        std::lock_guard const hold(mutex);
        if (!messages.empty())
            return error_code();
        if (is_over())
            return make_error_code(errc::closed);
        if (removed)
            return make_error_code(errc::removed);
        return {};
    }

    std::deque<T> messages;

private:
    bool is_over() const noexcept { return senders == 0 && (had_sender || abandoned); }

    template <class Ready>
    static result<void> wait(std::unique_lock<std::mutex>& hold, std::condition_variable& condition, deadline until,
                             errc when_polled, std::uint64_t& waits, Ready ready)
    {
        if (ready())
            return {};
        if (until.is_poll())
            return when_polled;
        ++waits;
        if (until.is_never()) {
            condition.wait(hold, ready);
            return {};
        }
        deadline::clock::time_point const when{std::chrono::nanoseconds(until.nanoseconds())};
        if (condition.wait_until(hold, when, ready))
            return {};
        return errc::timed_out;
    }
};

}  // namespace strait::detail

#endif
