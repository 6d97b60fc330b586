// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_INOTIFY_WATCHER_HPP
#define STRAIT_DETAIL_WAIT_INOTIFY_WATCHER_HPP

#include <strait/detail/os/descriptor.hpp>

#include <cstddef>
#include <cstring>
#include <string>

#include <sys/inotify.h>
#include <unistd.h>

namespace strait::detail {

// Hears the bells (wait/sleep_word.hpp) of many channels at one descriptor. Hears also who closes a channel's file, as whoever
// leaves does, and the kernel for who dies: just before it frees the lock, so what that changes is seen a little later.
//
// A user has /proc/sys/fs/inotify/max_user_instances (128) of these, and max_user_watches files in all of them.
// Distinct objects: safe. Shared objects: unsafe.
class inotify_watcher {
public:
    // False: there is no more to be had.
    bool open()
    {
        if (!fd_)
            fd_ = guarded_descriptor(descriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)));
        return static_cast<bool>(fd_);
    }

    // Readable when something was heard. Not open in a child of fork().
    int fd() const noexcept { return fd_.get(); }

    // A number by which it is told, the same for the same file however often it is added; -1: it cannot be.
    int add(int file)
    {
        if (file < 0 || !open())
            return -1;
        return ::inotify_add_watch(fd_.get(), path_of_descriptor(file).c_str(), IN_ACCESS | IN_CLOSE);
    }

    // Of a file that has gone the kernel has removed it.
    void remove(int watch) noexcept { (void)!::inotify_rm_watch(fd_.get(), watch); }

    static constexpr int all = -1;  // something was heard that nobody knows of

    // Calls `heard(watch or all, whether it was closed)` for everything heard so far.
    template <class Heard>
    void listen(Heard heard)
    {
        alignas(::inotify_event) char events[4096];
        for (;;) {
            auto const size = ::read(fd_.get(), events, sizeof events);
            if (size <= 0)
                return;
            for (char const* at = events; at < events + size;) {
                ::inotify_event e;
                std::memcpy(&e, at, sizeof e);
                at += sizeof e + e.len;
                if ((e.mask & IN_Q_OVERFLOW) != 0)
                    heard(all, true);
                else if ((e.mask & IN_IGNORED) == 0)
                    heard(e.wd, (e.mask & IN_CLOSE) != 0);
            }
            if (static_cast<std::size_t>(size) < sizeof events / 2)
                return;
        }
    }

private:
    guarded_descriptor fd_;
};

}  // namespace strait::detail

#endif
