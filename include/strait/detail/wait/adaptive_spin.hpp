// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_ADAPTIVE_SPIN_HPP
#define STRAIT_DETAIL_WAIT_ADAPTIVE_SPIN_HPP

#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cstdint>

namespace strait::detail {

// Leaves the polled cache line alone for about this long. Polls back to back pull the line away from the peer that is
// writing it: spacing them gave 0.8 of the latency and twice the throughput. Only the order of magnitude matters, so the
// frequency of the counter is taken to be 2.5 GHz.
template <unsigned Nanoseconds>
inline void pause_polling() noexcept
{
#if defined(__x86_64__) || defined(__i386__)
    auto const start = __builtin_ia32_rdtsc();
    while (__builtin_ia32_rdtsc() - start < Nanoseconds * 5 / 2) {
    }
#elif defined(__aarch64__)
    // The counter of ARM is too coarse for this; a barrier of the instruction stream takes 10 to 20 ns, a yield nothing.
    for (unsigned i = 0; i < Nanoseconds; i += 20)
        asm volatile("isb" ::: "memory");
#else
    for (unsigned i = 0; i < Nanoseconds; i += 5)
        detail::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

// Polls for about this many nanoseconds, at least once, every Pace nanoseconds. Returns true as soon as ready() does.
template <unsigned Pace, class Ready>
bool spin_for(std::int64_t nanoseconds, deadline until, Ready& ready)
{
    if (nanoseconds == 0)
        return ready();
    for (std::int64_t end = 0;;) {
        for (int i = 0; i < 64; ++i) {
            if (ready())
                return true;
            pause_polling<Pace>();
        }
        // The clock is read only when the first polls have failed.
        std::int64_t const now = deadline::now();
        if (end == 0)
            end = std::min(now + nanoseconds, until.nanoseconds());
        if (now >= end)
            return false;
    }
}

// Remembers whether polling before sleeping has been worth it. With both ends on one core the peer cannot run while we
// poll, and with slow traffic nothing comes in time: then most waits sleep at once, and one in a few tries again, so that
// two ends on two cores do not wake each other for ever.
class adaptive_spin {
public:
    bool pays() const noexcept { return failures_ < tolerated; }
    bool worthwhile() noexcept { return pays() || ++skipped_ >= interval_; }
    void succeeded() noexcept { *this = {}; }
    void failed() noexcept
    {
        if (failures_ < tolerated)
            ++failures_;
        else
            interval_ = std::min(2 * interval_, longest);
        skipped_ = 0;
    }

private:
    static constexpr std::uint32_t tolerated = 4;
    static constexpr std::uint32_t longest = 256;
    std::uint32_t failures_ = 0;
    std::uint32_t skipped_ = 0;
    std::uint32_t interval_ = 16;
};

// Before sleeping in the kernel: repeats `attempt` for about as long as two wake-ups take, if that has been worth it.
// `attempt` is a system call that returns true when there is no need to sleep.
template <class Attempt>
bool try_before_sleeping(adaptive_spin& spin, deadline until, Attempt attempt)
{
    if (until.is_poll() || !spin.worthwhile())
        return false;
    std::int64_t const end = std::min(deadline::now() + adaptive::spin_nanoseconds, until.nanoseconds());
    do {
        STRAIT_STEP();
        pause_polling<100>();
        if (attempt()) {
            spin.succeeded();
            return true;
        }
    } while (deadline::now() < end);
    spin.failed();
    return false;
}

}  // namespace strait::detail

#endif
