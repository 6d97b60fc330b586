// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_QUIET_WRITE_HPP
#define STRAIT_DETAIL_OS_QUIET_WRITE_HPP

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <ctime>

#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

// Writing to a pipe whose reader may have gone, without SIGPIPE. The library changes no signal disposition of the
// application.
namespace strait::detail {

inline constexpr int rwf_nosignal = 0x100;  // RWF_NOSIGNAL of <linux/fs.h>, Linux 6.18

// Whether this kernel knows the flag, which the first write finds out. Tests clear it to reach the other path.
inline std::atomic<bool> kernel_writes_quietly{true};

// For older kernels. write(2) sends SIGPIPE to the calling thread. It is blocked there, so it becomes pending, and is
// then consumed, unless a SIGPIPE was pending before, which belongs to the application.
[[gnu::noinline, gnu::cold]] inline ::ssize_t masked_write(int fd, std::byte const* bytes, std::size_t count) noexcept
{
    ::sigset_t pipe_signal;
    ::sigset_t before;
    ::sigset_t pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    bool const was_pending = sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    ::ssize_t const written = ::write(fd, bytes, count);
    int const error = errno;
    if (written < 0 && error == EPIPE && !was_pending) {
        ::timespec const now{0, 0};
        while (::sigtimedwait(&pipe_signal, nullptr, &now) < 0 && errno == EINTR) {
        }
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    return written;
}

// write(2) that reports EPIPE and raises no signal.
inline ::ssize_t quiet_write(int fd, std::byte const* bytes, std::size_t count) noexcept
{
    if (kernel_writes_quietly.load(std::memory_order_relaxed)) [[likely]] {
        ::iovec const part{const_cast<std::byte*>(bytes), count};
        ::ssize_t const written = ::pwritev2(fd, &part, 1, -1, rwf_nosignal);
        if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)) [[likely]]
            return written;
        kernel_writes_quietly.store(false, std::memory_order_relaxed);
    }
    return masked_write(fd, bytes, count);
}

}  // namespace strait::detail

#endif
