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

// write(2) to a pipe whose reader may be gone, without SIGPIPE: the library touches no signal disposition of the
// application.
namespace strait::detail {

inline constexpr int rwf_nosignal = 0x100;  // RWF_NOSIGNAL of <linux/fs.h>, Linux 6.18

// Whether this kernel knows the flag; the first write tells. Cleared by tests to reach the other path.
inline std::atomic<bool> kernel_writes_quietly{true};

// The way for older kernels. A SIGPIPE of write(2) is sent to the calling thread: blocked there it becomes pending, and is
// taken back unless it was pending before, and so is not ours.
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
