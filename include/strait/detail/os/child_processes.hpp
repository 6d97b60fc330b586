// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_CHILD_PROCESSES_HPP
#define STRAIT_DETAIL_OS_CHILD_PROCESSES_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strait::detail {

// Child processes, which only this object reaps. Each can be waited for by a descriptor (pidfd_open(2)), so no handler
// of SIGCHLD is needed. Each holds the read end of a pipe, the life line, which ends when this process dismisses it or
// dies.
//
// Distinct objects: safe. Shared objects: unsafe.
class child_processes {
public:
    struct child {
        ::pid_t pid;
        guarded_descriptor ended;  // readable when it has ended; none on a kernel before 5.3
    };

    child_processes()
    {
        int fds[2];
        if (::pipe2(fds, O_CLOEXEC) != 0)
            raise(last_failure());
        lives_ = descriptor(fds[0]);
        life_line_ = guarded_descriptor(descriptor(fds[1]));
        if (!lives_ || !life_line_)
            raise(errc::descriptor_limit);
    }
    child_processes(child_processes const&) = delete;
    child_processes& operator=(child_processes const&) = delete;

    // Kills the children that are left.
    ~child_processes() { end(deadline::poll()); }

    // Forks a child that calls body(life line) and exits: with 0, or with 1 after an exception. Null: no more process
    // is to be had.
    template <class Body>
    child* start(Body body)
    {
        std::fflush(nullptr);  // else what is buffered would be written twice
        ::pid_t const pid = ::fork();
        if (pid == 0) {
            int status = 0;
            try {
                body(lives_.get());
            } catch (...) {
                status = 1;
            }
            std::fflush(nullptr);
            ::_exit(status);
        }
        if (pid < 0)
            return nullptr;
        children_.push_back({pid, guarded_descriptor(descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))))});
        return &children_.back();
    }

    bool all_are_watched() const noexcept
    {
        return std::all_of(children_.begin(), children_.end(), [](child const& c) { return static_cast<bool>(c.ended); });
    }

    // Calls gone(child) for each child that has ended, and forgets it.
    template <class Gone>
    void reap(Gone gone)
    {
        std::erase_if(children_, [&](child& c) {
            if (!reaped(c.pid, WNOHANG))
                return false;
            gone(c);
            return true;
        });
    }

    // Closes the life line, waits up to the deadline until all have ended, and kills those that have not.
    void end(deadline until) noexcept
    {
        life_line_.reset();
        for (child& c : children_) {
            bool done = reaped(c.pid, WNOHANG);
            while (!done && !until.passed()) {
                STRAIT_STEP();
                deadline const slice = until.capped(std::chrono::milliseconds(c.ended ? 1000 : 10));
                (void)wait_descriptor(c.ended.get(), POLLIN, slice);  // poll(2) skips a negative descriptor, and waits
                done = reaped(c.pid, WNOHANG);
            }
            if (!done) {
                ::kill(c.pid, SIGKILL);
                (void)reaped(c.pid, 0);
            }
        }
        children_.clear();
    }

private:
    // True also when another part of the program has reaped it, and when SIGCHLD is ignored.
    static bool reaped(::pid_t pid, int flags) noexcept
    {
        return uninterrupted([&] { return ::waitpid(pid, nullptr, flags); }) != 0;
    }

    descriptor lives_;
    guarded_descriptor life_line_;
    std::vector<child> children_;
};

}  // namespace strait::detail

#endif
