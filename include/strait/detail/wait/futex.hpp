// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_FUTEX_HPP
#define STRAIT_DETAIL_WAIT_FUTEX_HPP

#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/timespec.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstdint>
#include <limits>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace strait::detail {

// A waiter looks again after this time: the wake of a peer that was killed between its store and its wake is lost, and a
// death wakes no waiter.
inline constexpr std::chrono::milliseconds wait_slice{50};

static_assert(sizeof(atomic<std::uint32_t>) == 4 && atomic<std::uint32_t>::is_always_lock_free);

// Sleeps while `word` is `seen`, up to the deadline; may return without a reason. std::atomic::wait cannot be used here: in
// libstdc++ it is private to the process, and hangs across processes.
inline void futex_wait(atomic<std::uint32_t> const& word, std::uint32_t seen, deadline until) noexcept
{
    ::timespec const t = to_timespec(until.nanoseconds());
    ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, seen, until.is_never() ? nullptr : &t, nullptr, FUTEX_BITSET_MATCH_ANY);
}

// Wakes all that sleep at this word, in any process.
inline void futex_wake_all(atomic<std::uint32_t> const& word) noexcept
{
    ::syscall(SYS_futex, &word, FUTEX_WAKE, std::numeric_limits<int>::max(), nullptr, nullptr, 0);
}

}  // namespace strait::detail

#endif
