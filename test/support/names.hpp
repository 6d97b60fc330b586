// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_NAMES_HPP
#define SUPPORT_NAMES_HPP

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

/// A channel name that no other test of this host has.
inline std::string unique_name()
{
    static int count = 0;
    names_given().push_back("test-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    return names_given().back();
}

}  // namespace support

#endif
