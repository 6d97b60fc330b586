// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_THREAD_PREPARED_FOR_STOPS_HPP
#define SUPPORT_THREAD_PREPARED_FOR_STOPS_HPP

#include <support/watchdog.hpp>

#include <strait/detail/wait/thread_watcher.hpp>

#include <thread>

namespace support {

/// For tests with a stop token: the two descriptors that a thread keeps from its first such wait on are there before any are
/// counted. Another test may use up all inotify instances of this user for a while.
struct thread_prepared_for_stops {
    thread_prepared_for_stops()
    {
        strait::detail::thread_watcher& mine = strait::detail::thread_watcher::get();
        while (!mine.watcher.open())
            std::this_thread::yield();
        (void)mine.stop_event();
    }

private:
    watchdog watch_;
};

}  // namespace support

#endif
