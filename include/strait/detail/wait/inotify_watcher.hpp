// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_INOTIFY_WATCHER_HPP
#define STRAIT_DETAIL_WAIT_INOTIFY_WATCHER_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include <sys/inotify.h>
#include <unistd.h>

namespace strait::detail {

// When to look for the death of a process whose file was closed. The kernel frees its lock after that, a moment later
// on an idle machine and much later on a busy one, and no event reports it. So one looks again and again, at intervals
// that double.
class looks_after_closing {
public:
    // A file was closed.
    void begin() noexcept { pause_ = first; }

    // Whether a file was closed.
    bool any() const noexcept { return pause_.count() != 0; }

    // How long to wait until the next look. The one after that comes after twice as long.
    std::chrono::milliseconds next() noexcept { return std::exchange(pause_, std::min(2 * pause_, longest)); }

private:
    static constexpr std::chrono::milliseconds first{10};
    static constexpr std::chrono::milliseconds longest = std::chrono::hours(1);
    std::chrono::milliseconds pause_{0};
};

// Watches the files of many channels with inotify(7), at one descriptor. It reports a doorbell that was rung
// (wait/sleep_word.hpp), and a file that was closed: by an end that leaves, or by the kernel for a process that dies. The
// kernel closes the file just before it frees the lock, so what that changes is seen a little later. A file that was
// deleted (its number of names is an attribute) counts as one that was closed.
//
// A user has /proc/sys/fs/inotify/max_user_instances (128) of these, and max_user_watches files in all of them.
// Distinct objects: safe. Shared objects: unsafe.
class inotify_watcher {
public:
    // Opens the descriptor, if it is not open. False: the user has no more of them.
    bool open()
    {
        if (!fd_)
            fd_ = guarded_descriptor(descriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)));
        return static_cast<bool>(fd_);
    }

    // The descriptor, which is readable when there is an event. -1 before open(), and in a child of fork().
    int fd() const noexcept { return fd_.get(); }

    // Watches this file. Returns the number by which events name it, which is the same however often the file is added; -1
    // when it cannot be watched.
    int add(int file) { return add(file, IN_ACCESS | IN_CLOSE | IN_ATTRIB); }

    // Watches only whether this file is deleted.
    int add_for_removal(int file) { return add(file, IN_ATTRIB); }

    // Watches this file no longer. The kernel has done so itself for a file that was deleted.
    void remove(int watch) noexcept { (void)!::inotify_rm_watch(fd_.get(), watch); }

    static constexpr int all = -1;  // events were lost: there may be something at any file

    // Calls `report(watch or all, whether the file was closed)` for each event so far, but for no more than the kernel's queue
    // holds by default (16,384): others can make new ones without end, and those stay for the next call.
    template <class Report>
    void read_events(Report report)
    {
        alignas(::inotify_event) char events[4096];
        for (int reads = 0; reads != most_reads; ++reads) {
            STRAIT_STEP();
            auto const size = ::read(fd_.get(), events, sizeof events);
            if (size <= 0)
                return;
            for (char const* at = events; at < events + size;) {
                ::inotify_event e;
                std::memcpy(&e, at, sizeof e);
                at += sizeof e + e.len;
                if ((e.mask & IN_Q_OVERFLOW) != 0)
                    report(all, true);
                else if ((e.mask & IN_IGNORED) == 0)
                    report(e.wd, (e.mask & (IN_CLOSE | IN_ATTRIB)) != 0);
            }
            if (static_cast<std::size_t>(size) < sizeof events / 2)
                return;
        }
    }

    // The looks that wait_set makes after an event of closing, also one of an earlier wait.
    looks_after_closing looks;

private:
    static constexpr int most_reads = 64;

    int add(int file, std::uint32_t events)
    {
        if (file < 0 || !open())
            return -1;
        return ::inotify_add_watch(fd_.get(), path_of_descriptor(file).c_str(), events);
    }

    guarded_descriptor fd_;
};

}  // namespace strait::detail

#endif
