// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_WAIT_FOR_PEER_HPP
#define STRAIT_DETAIL_WAIT_WAIT_FOR_PEER_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/wait/adaptive_spin.hpp>
#include <strait/detail/wait/asymmetric_fence.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/detail/wait/sleep_word.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <cstdint>
#include <optional>

#include <sched.h>

namespace strait::detail {

// What an end remembers from one wait to the next.
struct waiter {
    asymmetric_fence fence;
    adaptive_spin spin;
    std::uint64_t waits = 0;
};

// Polls until ready() returns true or over() does, and never sleeps; gives the core away as Wait says. Returns what
// ready() said last.
template <waiting_strategy Wait, unsigned Pace, class Ready, class Over>
    requires(!Wait::sleeps)
bool poll_until(deadline until, Ready ready, Over over)
{
    while (!spin_for<Pace>(Wait::spin_nanoseconds, until, ready)) {
        STRAIT_STEP();
        if (over())
            return false;
        ::sched_yield();
    }
    return true;
}

// Waits until the peer has done something. `word` is this end's sleep word, or stands for several.
//   bool ready()                             a cheap look, polled about every Pace nanoseconds
//   optional<error_code> check(now, slept)   a thorough look, at each turn. Success: ready. An error: it will never be, and
//                                            why. Nothing: wait on. `slept` is true after a sleep that ended without a
//                                            publication, or because its slice was over
// Returns `poll_says` when `until` is a poll and nothing was found, else timed_out when it has passed.
template <waiting_strategy Wait, unsigned Pace, class Word, class Ready, class Check>
error_code wait_for_peer(Word&& word, waiter& w, deadline until, errc poll_says, Ready ready, Check check)
{
    if (until.is_poll()) {
        std::optional<error_code> const done = check(deadline::now(), false);
        return done ? *done : make_error_code(poll_says);
    }
    ++w.waits;
    if constexpr (!Wait::sleeps) {
        std::optional<error_code> done;
        auto const over = [&] {
            std::int64_t const now = deadline::now();
            done = check(now, false);
            if (!done && now >= until.nanoseconds())
                done = make_error_code(errc::timed_out);
            return done.has_value();
        };
        return poll_until<Wait, Pace>(until, ready, over) ? error_code() : *done;
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
            STRAIT_STEP();
            word.store(at_futex, std::memory_order_relaxed);
            STRAIT_CRASH_POINT("wait: announced");
            w.fence.heavy();  // pairs with the light() of peer_sleeps()
            std::int64_t const now = deadline::now();
            done = check(now, slept);
            if (!done && now >= until.nanoseconds())
                done = make_error_code(errc::timed_out);
            if (!done) {
                STRAIT_CRASH_POINT("wait: looked in vain");
                futex_wait(word, at_futex, until.capped(wait_slice));
                STRAIT_CRASH_POINT("wait: awake");
                if (ready())
                    done.emplace();
            }
            if (done)
                break;
        }
        word.store(0, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("wait: over");
        return *done;
    }
}

}  // namespace strait::detail

#endif
