// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_NAMES_HPP
#define SUPPORT_NAMES_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <unistd.h>

namespace support {

/// Every name that unique_name() has given out in this process.
inline std::vector<std::string>& names_given()
{
    static std::vector<std::string> all;
    return all;
}

/// How the names of this process begin. The number of a process is used again, and one that was killed has left its files:
/// so the time is in it, too.
inline std::string names_begin()
{
    static std::string const started = [] {
        std::uint64_t left = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) / 1000;
        std::string digits;
        for (; left != 0; left /= 36)
            digits += "0123456789abcdefghijklmnopqrstuvwxyz"[left % 36];
        return digits;
    }();
    return "test-" + std::to_string(::getpid()) + "-" + started + "-";
}

/// A channel name that no other test of this host has.
inline std::string unique_name()
{
    static int count = 0;
    names_given().push_back(names_begin() + std::to_string(++count));
    return names_given().back();
}

}  // namespace support

#endif
