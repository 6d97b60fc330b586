// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_ROLE_HPP
#define STRAIT_DETAIL_MEMBERSHIP_ROLE_HPP

#include <cstdint>

#include <sys/types.h>

namespace strait::detail {

// Which end of a channel a participant is.
enum class role : std::uint8_t { sender, receiver };

// The bytes of a control file that its participants lock (os/range_lock.hpp). They lie beyond anything that is mapped.
// One is the set-up lock; each participant has one, its place; and for each role there is one that the holders of a
// make_pair() share as long as one of them may still take that role.
struct lock_bytes {
    static constexpr ::off_t setup = ::off_t{1} << 40;
    static constexpr ::off_t participants = setup + 1;
    static constexpr ::off_t most = 4096;  // places of each role
    static constexpr ::off_t promises = participants + 2 * most;

    static constexpr ::off_t first(role r) noexcept { return participants + (r == role::sender ? 0 : most); }
    static constexpr ::off_t promise(role r) noexcept { return promises + (r == role::sender ? 0 : 1); }
};

// The places that a participant may take, by their numbers among those of its role: from `begin` on, up to `end`.
struct place_range {
    constexpr place_range(::off_t to) noexcept : end(to) {}
    constexpr place_range(::off_t from, ::off_t to) noexcept : begin(from), end(to) {}

    ::off_t begin = 0;
    ::off_t end;
};

}  // namespace strait::detail

#endif
