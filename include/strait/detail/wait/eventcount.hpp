// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_EVENTCOUNT_HPP
#define STRAIT_DETAIL_WAIT_EVENTCOUNT_HPP

#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/wait/asymmetric_fence.hpp>
#include <strait/detail/wait/ends_together.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/detail/wait/sleep_word.hpp>
#include <strait/detail/wait/wait_for_peer.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <cstdint>
#include <optional>

namespace strait::detail {

// The sleep word of many ends, which many others wake. It is a futex that holds a count of wakes and, in its two lowest
// bits, whether a waiter may be asleep at the futex or in an event loop that the channel's doorbell wakes. A waiter sets
// its bit, looks once more, and sleeps while the word is still what it was then. An end that has published and sees a bit
// increments the count, which clears both bits, and wakes all waiters.
//
// No wake is lost. A waiter that has found nothing sleeps only if the count has not changed since it set the bit. An end
// that publishes later sees the bit, or the waiter sees the publication (the two fences), and the count changes. A bit
// without a count, cleared by the waking end and set again by a second waiter, would let the first waiter sleep on a look
// that is out of date. All waiters are woken and not one: the one could be killed before it takes the message. Those that
// find nothing set the bit again. A waiter never clears a bit itself, so a killed one costs its peers one system call,
// once. A waking end that is killed between counting and waking costs the waiters the rest of their slice of 50 ms.
//
// All zero at first.
class eventcount {
public:
    constexpr eventcount() noexcept = default;
    constexpr explicit eventcount(std::uint32_t word) noexcept : word_(word) {}

    // After publishing: whether a waiter may be asleep.
    bool any(asymmetric_fence const& fence) const noexcept
    {
        fence.light();  // pairs with the heavy() of wait_for_peer() and await_doorbell()
        return (word_.load(std::memory_order_relaxed) & asleep) != 0;
    }

    // Wakes all waiters, if the word says that there may be one. `doorbell` is the channel's file. The order of the exchange, as
    // that of announce(), is more than is needed: what was published lies before the fence of any().
    void wake(int doorbell) noexcept
    {
        STRAIT_CRASH_POINT("wake: sleeper seen");
        std::uint32_t seen = word_.load(std::memory_order_relaxed);
        if ((seen & asleep) == 0 || !word_.compare_exchange_strong(seen, (seen | asleep) + 1, std::memory_order_seq_cst))
            return;  // another end wakes them
        STRAIT_CRASH_POINT("wake: announced");
        if ((seen & at_doorbell) != 0)
            ring_doorbell(doorbell);
        if ((seen & at_futex) != 0)
            futex_wake_all(word_);
        STRAIT_CRASH_POINT("wake: woken");
    }

    // Wakes all waiters at the futex, whatever the bits say. For an end that has left, which is a publication that a look at
    // the bits does not cover, and which has rung the doorbell.
    void wake_all() noexcept
    {
        word_.fetch_add(asleep + 1, std::memory_order_seq_cst);
        STRAIT_CRASH_POINT("wake: all counted");
        futex_wake_all(word_);
    }

    // Before sleeping at the futex; returns what sleep() takes.
    std::uint32_t announce() noexcept { return word_.fetch_or(at_futex, std::memory_order_seq_cst) | at_futex; }
    void sleep(std::uint32_t announced, deadline until) noexcept { futex_wait(word_, announced, until.capped(wait_slice)); }

    // Before sleeping in an event loop. The bit stays set until a peer clears it.
    void await_doorbell(asymmetric_fence const& fence) noexcept
    {
        word_.fetch_or(at_doorbell, std::memory_order_seq_cst);
        STRAIT_CRASH_POINT("wait: doorbell asked for");
        ends_together::heavy(fence);  // pairs with the light() of any()
    }

private:
    static constexpr std::uint32_t asleep = at_futex | at_doorbell;

    atomic<std::uint32_t> word_{0};
};

static_assert(sizeof(eventcount) == 4);

// The functions of wait/sleep_word.hpp for an eventcount. A waiter clears no bit when it is awake again.
inline void await_doorbell(eventcount& count, asymmetric_fence const& fence) noexcept { count.await_doorbell(fence); }
inline void stop_awaiting_doorbell(eventcount&) noexcept {}
inline bool peer_sleeps(eventcount const& count, asymmetric_fence const& fence) noexcept { return count.any(fence); }
inline void wake_peer(eventcount& count, int doorbell) noexcept { count.wake(doorbell); }
inline void wake_from_futex(eventcount& count) noexcept { count.wake_all(); }

// Waits at an eventcount until a peer has done something, as wait_for_peer() of a word that belongs to one end alone.
template <waiting_strategy Wait, unsigned Pace, class Ready, class Check>
error_code wait_for_peer(eventcount& count, waiter& w, deadline until, errc poll_says, Ready ready, Check check)
{
    if constexpr (Wait::sleeps) {
        if (!until.is_poll()) {
            ++w.waits;
            if (w.spin.worthwhile()) {
                if (spin_for<Pace>(Wait::spin_nanoseconds, until, ready)) {
                    w.spin.succeeded();
                    return {};
                }
                w.spin.failed();
            }
            for (bool slept = false;; slept = true) {
                STRAIT_STEP();
                std::uint32_t const announced = count.announce();
                STRAIT_CRASH_POINT("wait: announced");
                w.fence.heavy();  // pairs with the light() of any()
                std::int64_t const now = deadline::now();
                if (std::optional<error_code> const done = check(now, slept))
                    return *done;
                if (now >= until.nanoseconds())
                    return errc::timed_out;
                STRAIT_CRASH_POINT("wait: looked in vain");
                count.sleep(announced, until);
                STRAIT_CRASH_POINT("wait: awake");
                if (ready())
                    return {};
            }
        }
    }
    atomic<std::uint32_t> never_asleep{0};  // a poll, or a strategy that never sleeps
    return wait_for_peer<Wait, Pace>(never_asleep, w, until, poll_says, ready, check);
}

}  // namespace strait::detail

#endif
