// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_PENDING_WAIT_HPP
#define STRAIT_DETAIL_ASYNC_PENDING_WAIT_HPP

#include <strait/detail/wait/inotify_watcher.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/post.hpp>
#include <boost/intrusive/list.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <unordered_map>
#include <utility>

namespace strait::detail {

namespace asio = boost::asio;

// A handler of any type that waits, in memory of its own allocator. Handlers that are woken together are linked.
struct stored_handler {
    void (*finish)(stored_handler*, bool invoke);
    stored_handler* next = nullptr;

    // Destroys all of these, and posts them before if they are to be called.
    static void finish_all(stored_handler* woken, bool invoke)
    {
        while (woken) {
            stored_handler* const p = std::exchange(woken, woken->next);
            p->finish(p, invoke);
        }
    }

    void link(stored_handler*& woken) noexcept
    {
        next = woken;
        woken = this;
    }
};

template <class Executor, class Handler>
struct stored_handler_of : stored_handler {
    using allocator = typename std::allocator_traits<asio::associated_allocator_t<Handler>>::template rebind_alloc<
        stored_handler_of>;

    stored_handler_of(Executor const& e, Handler&& h) : ex(e), handler(std::move(h)) { this->finish = &end; }

    static stored_handler* make(Executor const& e, Handler&& h)
    {
        allocator a(asio::get_associated_allocator(h));
        stored_handler_of* const p = a.allocate(1);
        return ::new (static_cast<void*>(p)) stored_handler_of(e, std::move(h));
    }

    static void end(stored_handler* base, bool invoke)
    {
        auto* const self = static_cast<stored_handler_of*>(base);
        allocator a(asio::get_associated_allocator(self->handler));
        Executor const ex = self->ex;
        Handler handler(std::move(self->handler));
        self->~stored_handler_of();
        a.deallocate(self, 1);
        if (invoke)
            asio::post(ex, std::move(handler));
    }

    Executor ex;
    Handler handler;
};

// The wait of one end of a channel in an asio_service, whose lock protects all but `woken`.
struct pending_wait : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    // Called before a look that finds nothing: a wake-up after it prevents the wait that follows.
    void look() noexcept { woken.exchange(false, std::memory_order_acq_rel); }  // pairs with wake()

    // Ends the wait: its handler is linked into `ready`, or the wait for its descriptor is cancelled. Where there is no
    // wait, the one that follows is prevented, unless look() comes before.
    void wake(stored_handler*& ready)
    {
        woken.store(true, std::memory_order_release);  // pairs with look() and asio_service::wait()
        if (handler) {
            std::exchange(handler, nullptr)->link(ready);
            leave_list();
        } else if (descriptor) {
            cancel(std::exchange(descriptor, nullptr));
        }
    }

    void leave_list() noexcept
    {
        if (is_linked())
            unlink();
    }

    std::atomic<bool> woken{false};
    stored_handler* handler = nullptr;  // is called when this is woken
    void* descriptor = nullptr;         // else: an object of Asio with a wait under way
    void (*cancel)(void*) = nullptr;    // cancels that wait
    bool again = false;                 // not every event wakes it: it looks every now and then
    looks_after_closing looks;          // its looks after its file was closed, the next of which is at `look_at`
    std::chrono::steady_clock::time_point look_at{};
    int file = -1;                      // the file whose events wake it
    int watch = -1;                     // the watch of that file; -1: the file could not be watched
};

// Which events of inotify wake which waits; several waits may be for one file. Shared objects: unsafe.
class inotify_waits {
public:
    // Readable when an event has come. -1 before the first add().
    int fd() const noexcept { return watcher_.fd(); }

    // False: the file cannot be watched.
    bool add(pending_wait& w, int file)
    {
        w.file = file;
        w.watch = watcher_.add(file);
        if (w.watch >= 0)
            by_watch_.emplace(w.watch, &w);
        return w.watch >= 0;
    }

    void remove(pending_wait& w) noexcept
    {
        if (w.watch >= 0) {
            auto [at, end] = by_watch_.equal_range(w.watch);
            for (; at != end && at->second != &w; ++at) {}
            if (at != end)
                by_watch_.erase(at);
            if (by_watch_.count(w.watch) == 0)
                watcher_.remove(w.watch);
        }
        w.file = w.watch = -1;
        w.looks = {};
    }

    // Reads the events that have come. Calls handle(wait, whether the file was closed) for each wait that they are for.
    template <class Handle>
    void read_events(Handle handle)
    {
        watcher_.read_events([&](int watch, bool closed) {
            auto const [from, to] = watch == inotify_watcher::all ? std::pair(by_watch_.begin(), by_watch_.end())
                                                                  : by_watch_.equal_range(watch);
            for (auto at = from; at != to; ++at)
                handle(*at->second, closed);
        });
    }

    template <class Do>
    void for_each(Do visit)
    {
        for (auto& [watch, w] : by_watch_)
            visit(*w);
    }

private:
    inotify_watcher watcher_;
    std::unordered_multimap<int, pending_wait*> by_watch_;
};

}  // namespace strait::detail

#endif
