// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_CLEAN_HOST_HPP
#define SUPPORT_CLEAN_HOST_HPP

#include <support/names.hpp>
#include <support/residue.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>

namespace support {

/// What a test begins with, as its fixture or in its first line: it ends when it hangs, and when it is over it must have
/// given back its descriptors and left nothing on the host.
struct clean_host {
    clean_host() = default;
    clean_host(clean_host const&) = delete;
    clean_host& operator=(clean_host const&) = delete;
    ~clean_host()
    {
        BOOST_CHECK_EQUAL(open_descriptors(), descriptors);
        for (auto const& left : leftovers())
            BOOST_ERROR("left behind: " + left);
        names_given().clear();
    }

    watchdog watch;
    std::size_t descriptors = open_descriptors();
    std::string name = unique_name();
};

}  // namespace support

#endif
