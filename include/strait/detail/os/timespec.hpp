// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_TIMESPEC_HPP
#define STRAIT_DETAIL_OS_TIMESPEC_HPP

#include <strait/wait.hpp>

#include <algorithm>
#include <cstdint>
#include <ctime>

namespace strait::detail {

// A number of nanoseconds, at least 0, as system calls take it.
inline ::timespec to_timespec(std::int64_t nanoseconds) noexcept
{
    return {static_cast<std::time_t>(nanoseconds / 1'000'000'000), static_cast<long>(nanoseconds % 1'000'000'000)};
}

// How long it is from now to the deadline, in nanoseconds; 0 for poll() and when the deadline has passed. For never()
// the caller passes no time to the system call, so the value does not matter.
inline std::int64_t nanoseconds_left(deadline until) noexcept
{
    return std::max<std::int64_t>(0, until.nanoseconds() - deadline::now());
}

}  // namespace strait::detail

#endif
