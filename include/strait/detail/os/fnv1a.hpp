// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_FNV1A_HPP
#define STRAIT_DETAIL_OS_FNV1A_HPP

#include <strait/version.hpp>  // first: it says what compiler is needed

#include <cstdint>
#include <string_view>

namespace strait::detail {

// FNV-1a with 64 bits. Source: Fowler, Noll, Vo, "The FNV Non-Cryptographic Hash Algorithm", draft-eastlake-fnv. It
// tells values apart that differ by accident; an attacker can make two of the same hash. Names of kernel objects and
// fingerprints of types are made of it, so its values never change.
inline constexpr std::uint64_t fnv1a_basis = 0xcbf29ce484222325U;

constexpr std::uint64_t fnv1a_step(std::uint64_t hash, std::uint8_t byte) noexcept
{
    return (hash ^ byte) * 0x100000001b3U;
}

constexpr std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = fnv1a_basis) noexcept
{
    for (char const c : bytes)
        hash = fnv1a_step(hash, static_cast<std::uint8_t>(c));
    return hash;
}

}  // namespace strait::detail

#endif
