// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_KERNEL_SPACE_HPP
#define STRAIT_DETAIL_OS_KERNEL_SPACE_HPP

#include <cstdint>

#include <sys/stat.h>

namespace strait::detail {

// A kind of name space of the kernel (namespaces(7)). Containers that share a directory often have each their own.
enum class kernel_space : std::uint8_t { none, ipc, pid, net };

// The number of the name space of this kind that the calling thread is in, unique among those that exist on this host.
// 0: there is no /proc, or no kind was asked for.
inline std::uint64_t number_of(kernel_space kind) noexcept
{
    char const* const path = kind == kernel_space::ipc   ? "/proc/thread-self/ns/ipc"
                             : kind == kernel_space::pid ? "/proc/thread-self/ns/pid"
                                                         : "/proc/thread-self/ns/net";
    struct ::stat found = {};
    return kind != kernel_space::none && ::stat(path, &found) == 0 ? found.st_ino : 0;
}

}  // namespace strait::detail

#endif
