// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_CLOCK_HPP
#define STRAIT_BENCHMARK_CLOCK_HPP

#include <chrono>
#include <cstdint>

#include <sched.h>

namespace benchmark {

/// Nanoseconds of the monotonic clock, comparable between processes.
inline std::int64_t now() noexcept
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// The counter of the processor costs a quarter of what the clock costs, which would be a tenth of a cache line's round
// trip. What lies between the two reads is what was timed: the second one waits for the loads before it.
#if defined(__x86_64__)
inline std::uint64_t ticks_before() noexcept { return __builtin_ia32_rdtsc(); }
inline std::uint64_t ticks_after() noexcept
{
    unsigned processor;
    return __builtin_ia32_rdtscp(&processor);
}
#else
inline std::uint64_t ticks_before() noexcept { return static_cast<std::uint64_t>(now()); }
inline std::uint64_t ticks_after() noexcept { return static_cast<std::uint64_t>(now()); }
#endif

/// Nanoseconds of a tick, measured against the clock from construction on.
class tick_length {
public:
    double nanoseconds() const noexcept
    {
        return static_cast<double>(now() - time_) / static_cast<double>(ticks_after() - ticks_);
    }

private:
    std::int64_t time_ = now();
    std::uint64_t ticks_ = ticks_before();
};

/// Leaves a polled cache line alone for about 20 ns, as strait's rings do; the contestants of the limits and the bare
/// ring wait so, that the distance between polls is not what is compared.
inline void pause_20ns() noexcept
{
#if defined(__x86_64__)
    constexpr std::uint64_t ticks = 50;  // of about 2.5 GHz
    for (auto const start = ticks_before(); ticks_before() - start < ticks;)
        ;
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
}

/// Between two polls: 20 ns, and after every 50 us of them the core is given away, as strait's busy_spin does it. On a
/// core of its own that changes nothing; where something else runs there, it saves the whole slice that the peer waits.
class paced_polls {
public:
    void pause() noexcept
    {
        pause_20ns();
        if (++polls_ % 2500 == 0)
            ::sched_yield();
    }

private:
    unsigned polls_ = 0;
};

}  // namespace benchmark

#endif
