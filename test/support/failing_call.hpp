// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_FAILING_CALL_HPP
#define SUPPORT_FAILING_CALL_HPP

#include <array>
#include <cstddef>
#include <cstdint>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace support {

/// A system call that opening an end may need, and the error that the kernel is made to report for it.
struct failing_call {
    char const* name;
    unsigned number;
    int error;
    std::uint32_t flags = 0;  // of openat: only a call with these flags, where it is not 0
};

inline constexpr std::uint32_t for_writing = O_WRONLY | O_NONBLOCK;

/// Those that some transport needs after it has joined its channel.
inline constexpr std::array calls_of_opening{
    failing_call{"openat for writing", SYS_openat, EMFILE, for_writing},
    failing_call{"socket", SYS_socket, EMFILE},
    failing_call{"connect", SYS_connect, EACCES},
    failing_call{"mq_open", SYS_mq_open, EMFILE},
    failing_call{"msgctl", SYS_msgctl, EACCES},
    failing_call{"fallocate", SYS_fallocate, ENOSPC},
};

/// Those that some receiver needs then.
inline constexpr std::array calls_of_opening_receivers{
    failing_call{"socket", SYS_socket, EMFILE},
    failing_call{"bind", SYS_bind, EACCES},
    failing_call{"epoll_create1", SYS_epoll_create1, EMFILE},
    failing_call{"signalfd4", SYS_signalfd4, EMFILE},
    failing_call{"mq_open", SYS_mq_open, EMFILE},
};

/// From now on this process, and no other, gets this error for this call. False: the kernel does not allow that.
inline bool make_fail(failing_call const& c)
{
    // BPF: load the number; if it is the call's, load the flags; return the error or allow.
    constexpr std::uint32_t flags_at = offsetof(::seccomp_data, args) + 2 * sizeof(std::uint64_t);
    std::uint32_t const error = SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(c.error);
    std::array<::sock_filter, 7> code{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(::seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, c.number, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, flags_at),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, c.flags),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, c.flags, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    ::sock_fprog const program{static_cast<unsigned short>(code.size()), code.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace support

#endif
