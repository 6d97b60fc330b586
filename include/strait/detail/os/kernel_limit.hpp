// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_KERNEL_LIMIT_HPP
#define STRAIT_DETAIL_OS_KERNEL_LIMIT_HPP

#include <strait/detail/os/descriptor.hpp>

#include <cstddef>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

namespace strait::detail {

// The number in a file below /proc/sys, such as a limit for unprivileged processes; `usual` where it cannot be read or
// is 0.
inline std::size_t host_setting(char const* file, std::size_t usual) noexcept
{
    descriptor const fd(::open(file, O_RDONLY | O_CLOEXEC));
    char text[32] = {};
    if (!fd || ::read(fd.get(), text, sizeof text - 1) <= 0)
        return usual;
    auto const value = std::strtoul(text, nullptr, 10);
    return value == 0 ? usual : value;
}

}  // namespace strait::detail

#endif
