// Distributed under the Boost Software License, Version 1.0.
#ifndef SYSV_MQUEUE_FIXTURE_HPP
#define SYSV_MQUEUE_FIXTURE_HPP

#include <support/names.hpp>
#include <support/residue.hpp>
#include <support/watchdog.hpp>

#include <strait/detail/sysv/queue_key.hpp>
#include <strait/error.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <sys/msg.h>

namespace sysv_queues {

// The number of a channel's queue; -1: there is none.
inline int queue_of(std::string const& name)
{
    strait::detail::location where;
    (void)strait::detail::location::find(name, strait::access_mode::owner, where);
    for (std::uint64_t attempt = 0; attempt != strait::detail::sysv_attempts_by_name; ++attempt)
        if (int const queue = ::msgget(strait::detail::sysv_key(where, attempt), 0); queue >= 0)
            return queue;
    return -1;
}

// The control file's note, at its place in the file.
inline void note(std::string const& name, std::size_t word, std::uint64_t value)
{
    std::fstream file(support::channel_directory() + "/" + name + ".channel", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offsetof(strait::detail::control_block, mechanism) + 8 * word));
    file.write(reinterpret_cast<char const*>(&value), sizeof value);
    BOOST_REQUIRE(file.good());
}

inline void put(int queue, long type, std::string const& bytes)
{
    std::vector<char> record(sizeof type + bytes.size());
    std::memcpy(record.data(), &type, sizeof type);
    std::copy(bytes.begin(), bytes.end(), record.begin() + sizeof type);
    BOOST_REQUIRE_EQUAL(::msgsnd(queue, record.data(), bytes.size(), IPC_NOWAIT), 0);
}

inline strait::error_code code(auto const& r) { return r ? strait::error_code() : r.error(); }

struct clean {
    clean() : descriptors(support::open_descriptors()) {}
    ~clean()
    {
        BOOST_CHECK_EQUAL(support::open_descriptors(), descriptors);
        for (auto const& name : support::leftovers())
            BOOST_ERROR("left behind: " + name);
        support::names_given().clear();
    }
    support::watchdog watch;
    std::size_t descriptors;
};

}  // namespace sysv_queues

#endif
