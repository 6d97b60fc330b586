// Distributed under the Boost Software License, Version 1.0.
#ifndef WAKES_POINTS_HPP
#define WAKES_POINTS_HPP

#ifdef STRAIT_DETAIL_OS_CRASH_POINT_HPP
#error "The crash points of this program are defined here: include this before any header of the library."
#endif

#include <cstdint>
#include <string_view>

// In this program a wait slice lasts so long that no test gets through by it: a wake-up that is missing shows. Between any two
// effects that other ends can see, which the library marks with its crash points, a thread may stay for some microseconds.
namespace wakes {

void passed(std::string_view point) noexcept;

/// How many operations of this process have found something when their slice was over: they had not been woken to it. From
/// the first one on slices are as short as usual.
std::uint64_t missed() noexcept;

/// How many fences this thread has asked the kernel for, by membarrier(2).
std::uint64_t fences() noexcept;

/// To be called when an operation has returned.
void note() noexcept;

/// Stays here for some nanoseconds.
void stay(std::uint64_t random, std::uint64_t longest) noexcept;

/// Begins anew, with other moments at which threads stay.
void begin(std::uint64_t seed) noexcept;

}  // namespace wakes

#define STRAIT_CRASH_POINT(name) ::wakes::passed(name)

#endif
