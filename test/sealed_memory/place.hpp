// Distributed under the Boost Software License, Version 1.0.
#ifndef SEALED_MEMORY_PLACE_HPP
#define SEALED_MEMORY_PLACE_HPP

#include "raw_sealed.hpp"

#include <strait/channel.hpp>

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/code.hpp>
#include <support/print.hpp>
#include <support/shared_page.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include <sys/stat.h>

namespace raw {

using number = strait::channel<std::uint64_t, strait::sealed_memory>;
using text = strait::channel<std::string, strait::sealed_memory>;

/// A directory of this mode in which a receiver's socket lies, for every user.
struct place : support::clean_host {
    explicit place(::mode_t mode)
    {
        char made[] = "/tmp/strait-test-XXXXXX";
        BOOST_REQUIRE(::mkdtemp(made));
        directory = made;
        ::chmod(made, mode);
        where = directory + "/c";
        how.access = strait::access_mode::everyone;
    }
    ~place() { std::filesystem::remove_all(directory); }

    std::string socket() const { return where + ".sock"; }

    std::string directory;
    std::string where;
    strait::sealed_memory::options how;
    support::shared_page page;
};

}  // namespace raw

#endif
