// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_PAUSE_HPP
#define STRAIT_DETAIL_WAIT_PAUSE_HPP

#include <atomic>

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
        std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

}  // namespace strait::detail

#endif
