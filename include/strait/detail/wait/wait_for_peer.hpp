// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_WAIT_FOR_PEER_HPP
#define STRAIT_DETAIL_WAIT_WAIT_FOR_PEER_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/wait/adaptive_spin.hpp>
#include <strait/detail/wait/asymmetric_fence.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/detail/wait/pause.hpp>
#include <strait/detail/wait/sleep_word.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include <sched.h>

namespace strait::detail {

// What one end keeps for its waits.
struct waiter {
    asymmetric_fence fence;
    adaptive_spin spin;
    std::uint64_t waits = 0;
};

// Polls for about so long, at least once.
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
        // The clock is asked only when the first polls have failed.
        std::int64_t const now = deadline::now();
        if (end == 0)
            end = std::min(now + nanoseconds, until.nanoseconds());
        if (now >= end)
            return false;
    }
}

// What such a word says of an end that sleeps.
inline constexpr std::uint32_t at_futex = 1;
inline constexpr std::uint32_t at_doorbell = 2;

// The end is about to sleep in an event loop: look once more, then sleep.
template <class Word>
void await_doorbell(Word&& sleeps, asymmetric_fence const& fence) noexcept
{
    sleeps.store(at_doorbell, std::memory_order_relaxed);
    STRAIT_CRASH_POINT("wait: doorbell asked for");
    fence.heavy();  // pairs with the light() of peer_sleeps()
}

// Waits until the peer has done something. `sleeps` is this end's word in the shared memory, or what stands for several:
// 1 while it may be asleep.
//   bool ready()                      a cheap look, polled about every Pace nanoseconds
//   optional<error_code> check(now, slept)   a thorough look, at each turn: success when ready, why it will never be, or
//                                     nothing. `slept`: a wake without a publication, or a slice, has just ended
// Reports `poll_says` for a poll that finds nothing, else timed_out.
template <waiting_strategy Wait, unsigned Pace, class Word, class Ready, class Check>
error_code wait_for_peer(Word&& sleeps, waiter& w, deadline until, errc poll_says, Ready ready, Check check)
{
    if (until.is_poll()) {
        std::optional<error_code> const done = check(deadline::now(), false);
        return done ? *done : make_error_code(poll_says);
    }
    ++w.waits;
    if constexpr (!Wait::sleeps) {
        for (;;) {
            if (spin_for<Pace>(Wait::spin_nanoseconds, until, ready))
                return {};
            std::int64_t const now = deadline::now();
            if (std::optional<error_code> const done = check(now, false))
                return *done;
            if (now >= until.nanoseconds())
                return errc::timed_out;
            ::sched_yield();
        }
    } else {
        if (w.spin.worthwhile()) {
            if (spin_for<Pace>(Wait::spin_nanoseconds, until, ready)) {
                w.spin.succeeded();
                return {};
            }
            w.spin.failed();
        }
        std::optional<error_code> done;
        for (bool slept = false;; slept = true) {
            sleeps.store(at_futex, std::memory_order_relaxed);
            STRAIT_CRASH_POINT("wait: announced");
            w.fence.heavy();  // pairs with the light() of wake_peer()
            std::int64_t const now = deadline::now();
            done = check(now, slept);
            if (!done && now >= until.nanoseconds())
                done = make_error_code(errc::timed_out);
            if (!done) {
                STRAIT_CRASH_POINT("wait: looked in vain");
                futex_wait(sleeps, at_futex, until.capped(wait_slice));
                STRAIT_CRASH_POINT("wait: awake");
                if (ready())
                    done.emplace();
            }
            if (done)
                break;
        }
        sleeps.store(0, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("wait: over");
        return *done;
    }
}

// After publishing: whether the peer may be asleep. Always asked, because the peer may wait by another policy than we.
inline bool peer_sleeps(std::atomic<std::uint32_t> const& sleeps, asymmetric_fence const& fence) noexcept
{
    fence.light();  // pairs with the heavy() of wait_for_peer()
    return sleeps.load(std::memory_order_relaxed) != 0;
}

// For who has left, which rang the bell, and has no file to ring with: a peer that waits for the bell keeps its word.
inline void wake_from_futex(std::atomic<std::uint32_t>& sleeps) noexcept
{
    std::uint32_t how = at_futex;
    if (sleeps.compare_exchange_strong(how, 0, std::memory_order_seq_cst))
        futex_wake_all(sleeps);
    STRAIT_CRASH_POINT("wake: woken");
}

// `bell`: the channel's file.
inline void wake_peer(std::atomic<std::uint32_t>& sleeps, int doorbell) noexcept
{
    STRAIT_CRASH_POINT("wake: sleeper seen");
    std::uint32_t const how = sleeps.exchange(0, std::memory_order_seq_cst);
    STRAIT_CRASH_POINT("wake: announced");
    if (how == at_doorbell)
        ring_doorbell(doorbell);
    else
        futex_wake_all(sleeps);
    STRAIT_CRASH_POINT("wake: woken");
}

}  // namespace strait::detail

#endif
