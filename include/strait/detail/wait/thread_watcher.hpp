// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_THREAD_WATCHER_HPP
#define STRAIT_DETAIL_WAIT_THREAD_WATCHER_HPP

#include <strait/detail/os/event_fd.hpp>
#include <strait/detail/wait/inotify_watcher.hpp>
#include <strait/detail/wait/wait_set.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <cstddef>
#include <optional>
#include <stop_token>

#include <poll.h>

namespace strait::detail {

// What a thread keeps from its first wait for many on: its inotify watcher, and the event by which a stop wakes it.
struct thread_watcher {
    inotify_watcher watcher;
    std::size_t turn = 0;  // of select()

    static thread_watcher& get()
    {
        static thread_local thread_watcher mine;
        return mine;
    }

    // Null: there is no descriptor to be had. A child of fork() makes its own.
    wake_event const* stop_event() noexcept
    {
        try {
            if (!event_ || event_->fd() < 0)
                event_.emplace();
            event_->clear();  // of what an earlier stop has written
            return &*event_;
        }
        catch (boost::system::system_error const&) {
            event_.reset();
            return nullptr;
        }
    }

private:
    std::optional<wake_event> event_;
};

// Sleeps until `w` has something (true) or a stop is requested (false). `w` is looked at first: what it has taken is never
// lost to a stop. The thread is woken by the peers of `w`, as in select(), and by the stop itself.
[[gnu::noinline, gnu::cold]] inline bool wait_until_stopped(waited_for w, std::stop_token const& stop)
{
    thread_watcher& mine = thread_watcher::get();
    wait_set set(mine.watcher);
    w.key = 0;
    set.add(w);
    if (!stop.stop_possible())
        return set.wait(deadline::never()).has_value();
    if (wake_event const* const event = mine.stop_event()) {
        waited_for stopped;
        stopped.key = 1;
        stopped.source = {.descriptor = event->fd(), .events = POLLIN};
        set.add(stopped);
        // Its destructor waits for a callback that is running, so nothing is written to the event later.
        std::stop_callback const ring(stop, [event]() noexcept { event->ring(); });
        auto const found = set.wait(deadline::never());
        return found && found->key == 0;
    }
    while (!stop.stop_requested())
        if (set.wait(deadline::after(stop_slice)))
            return true;
    return false;
}

}  // namespace strait::detail

#endif
