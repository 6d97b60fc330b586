// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_OWN_MOUNTS_HPP
#define SUPPORT_OWN_MOUNTS_HPP

#include <support/child.hpp>

#include <concepts>
#include <initializer_list>
#include <string>

#include <sched.h>
#include <sys/mount.h>

namespace support {

/// What a child of with_own_mounts() returns where this kernel, or whoever started us, allows no mounts.
inline constexpr int no_own_mounts = 77;

/// Calls `body` in a process with mounts of its own, where these directories are empty; the exit status is what it returns.
template <std::invocable Body>
int with_own_mounts(std::initializer_list<char const*> emptied, Body body)
{
    child apart([&] {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
            return no_own_mounts;
        for (char const* const directory : emptied)
            if (::mount("none", directory, "tmpfs", 0, nullptr) != 0)
                return no_own_mounts;
        return static_cast<int>(body());
    });
    return apart.wait();
}

}  // namespace support

#endif
