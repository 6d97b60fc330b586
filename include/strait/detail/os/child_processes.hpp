// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_CHILD_PROCESSES_HPP
#define STRAIT_DETAIL_OS_CHILD_PROCESSES_HPP

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

// Children of this process that nobody else reaps. Each can be waited for by a descriptor (pidfd_open(2)); no handler of
// SIGCHLD is needed. They hold the read end of a pipe, which ends when we let them go or die.
//
// Distinct objects: safe. Shared objects: unsafe.
class child_processes {
public:
    struct child {
        ::pid_t pid;
        guarded_descriptor ended;  // readable when it has; none on a kernel before 5.3
    };

    child_processes()
    {
        int fds[2];
        if (::pipe2(fds, O_CLOEXEC) != 0)
            raise(last_failure());
        lives_ = descriptor(fds[0]);
        life_line_ = guarded_descriptor(descriptor(fds[1]));
    }
    child_processes(child_processes const&) = delete;
    child_processes& operator=(child_processes const&) = delete;

    // Kills those that are left.
    ~child_processes() { end(deadline::poll()); }

    // The child calls body(life line) and exits: with 0, or 1 after an exception. Null: there is no more process to be had.
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

    // Those that have ended are reaped and forgotten, after gone(child).
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

    // Tells all of them to go, waits for that up to the deadline, kills who is left.
    void end(deadline until) noexcept
    {
        life_line_.reset();
        for (child& c : children_) {
            bool done = reaped(c.pid, WNOHANG);
            while (!done && !until.passed()) {
                deadline const slice = until.capped(std::chrono::milliseconds(c.ended ? 1000 : 10));
                (void)wait_descriptor(c.ended.get(), POLLIN, slice);  // poll(2) skips what is negative, and waits
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
    // Also when somebody else has, or SIGCHLD is ignored.
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
