// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_PROCESS_HPP
#define STRAIT_DETAIL_OS_PROCESS_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/wait.hpp>

#include <cerrno>

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace strait::detail {

// A descriptor, close-on-exec, that is readable when this process has ended, also while it is not reaped
// (pidfd_open(2)). No descriptor, and errno, where there is none: ESRCH when there is no such process.
inline descriptor process_descriptor(::pid_t process) noexcept
{
    return descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
}

// Whether this process has ended. False also where that cannot be found out, and when another process has its number now.
inline bool has_ended(::pid_t process) noexcept
{
    if (process <= 0)
        return false;
    descriptor const ended = process_descriptor(process);
    return ended ? wait_readable(ended.get(), deadline::poll()).has_value() : errno == ESRCH;
}

}  // namespace strait::detail

#endif
