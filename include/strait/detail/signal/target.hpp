// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SIGNAL_TARGET_HPP
#define STRAIT_DETAIL_SIGNAL_TARGET_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/signal/protocol.hpp>
#include <strait/error.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace strait::detail {

// When this thread began, in clock ticks since boot; 0: it has ended. `task` is its directory in /proc.
inline std::uint64_t thread_start(int task) noexcept
{
    descriptor const file(::openat(task, "stat", O_RDONLY | O_CLOEXEC));
    char text[1024] = {};
    if (!file || ::read(file.get(), text, sizeof text - 1) <= 0)
        return 0;
    char const* at = std::strrchr(text, ')');  // behind its name, which may hold any characters
    for (int field = 2; at && field != 22; ++field)
        at = std::strchr(at + 1, ' ');
    return at ? std::strtoull(at, nullptr, 10) : 0;
}

// Whether it blocks this signal. If not, the signal might kill its process.
inline bool thread_blocks(int task, int number) noexcept
{
    descriptor const file(::openat(task, "status", O_RDONLY | O_CLOEXEC));
    char text[8192] = {};
    if (!file || ::read(file.get(), text, sizeof text - 1) <= 0)
        return false;
    char const* const mask = std::strstr(text, "\nSigBlk:");
    return mask && (std::strtoull(mask + 8, nullptr, 16) >> (number - 1) & 1) != 0;
}

inline descriptor open_task(::pid_t process, ::pid_t thread)
{
    std::string const path = "/proc/" + std::to_string(process) + "/task/" + std::to_string(thread);
    return descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// The thread to which signals are sent. What the control file says of it may be a lie or out of date, so a signal is
// sent only if it is exactly that thread and blocks the signal. A later thread of the same number never gets one: the
// signal is sent to a descriptor of the thread (Linux 6.9). On older kernels its directory in /proc is asked before
// each signal whether the thread is still there; a sender that is stopped between the two for so long that the numbers
// start again could signal another thread.
class signal_target {
public:
    // no_receiver: the thread has gone. peer_corrupt: there is such a thread, but it is none of a receiver.
    // `by_descriptor`: use a descriptor of the thread where the kernel has these.
    error_code open(signal_address const& a, bool by_descriptor = true)
    {
        close();
        if (a.process() <= 0 || a.tid() <= 0 || a.number() < SIGRTMIN || a.number() > SIGRTMAX)
            return errc::peer_corrupt;
        descriptor thread;
        if (by_descriptor) {
            constexpr unsigned of_a_thread = O_EXCL;  // PIDFD_THREAD
            thread.reset(static_cast<int>(::syscall(SYS_pidfd_open, a.tid(), of_a_thread)));
            if (!thread && errno != EINVAL && errno != ENOSYS && errno != EPERM)
                return errno == ESRCH ? make_error_code(errc::no_receiver) : last_failure();
        }
        by_descriptor_ = static_cast<bool>(thread);
        descriptor task = open_task(a.process(), a.tid());
        if (!task && errno != ENOENT && errno != ESRCH)
            return last_failure();
        if (!task || thread_start(task.get()) != a.start)
            return errc::no_receiver;
        if (!thread_blocks(task.get(), a.number()))
            return thread_start(task.get()) == a.start ? errc::peer_corrupt : errc::no_receiver;
        to_ = a;
        fd_ = guarded_descriptor(by_descriptor_ ? std::move(thread) : std::move(task));
        return {};
    }

    void close() noexcept { fd_.reset(); }
    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
    signal_address const& address() const noexcept { return to_; }

    bool is_there() const noexcept
    {
        return by_descriptor_ ? ::syscall(SYS_pidfd_send_signal, fd_.get(), 0, nullptr, 0U) == 0
                              : thread_start(fd_.get()) != 0;
    }

    // Sends without waiting. After false errno says why not: ESRCH when the thread has gone, EAGAIN when its user has
    // RLIMIT_SIGPENDING signals pending.
    bool send(signal_frame const& f) const noexcept
    {
        ::siginfo_t info = f.info(to_.number());
        if (by_descriptor_) [[likely]]
            return ::syscall(SYS_pidfd_send_signal, fd_.get(), to_.number(), &info, 0U) == 0;
        if (thread_start(fd_.get()) == 0) {
            errno = ESRCH;
            return false;
        }
        return ::syscall(SYS_rt_tgsigqueueinfo, to_.process(), to_.tid(), to_.number(), &info) == 0;
    }

private:
    guarded_descriptor fd_;  // of the thread, or of its directory in /proc; closed in a child of fork()
    signal_address to_;
    bool by_descriptor_ = false;
};

}  // namespace strait::detail

#endif
