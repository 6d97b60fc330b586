// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_EVENTCOUNT_HPP
#define STRAIT_DETAIL_WAIT_EVENTCOUNT_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/wait/asymmetric_fence.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/detail/wait/wait_for_peer.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <atomic>
#include <cstdint>
#include <optional>

namespace strait::detail {

// Where many ends sleep and many others wake them: a futex word of a count of wakes and, lowest, two bits that say that
// somebody may be asleep, here or in an event loop that the channel's bell wakes. A sleeper sets its bit, looks once more, and sleeps while the word is still what it was then.
// Who has published and sees a bit counts on, which clears both, and wakes all.
//
// No wake is lost. A sleeper that has looked in vain sleeps only if nobody has counted since it set the bit; who
// publishes later sees the bit, or the sleeper its publication (the two fences), and counts. A bit alone, cleared by the
// waker and set again by a second sleeper, would let the first one sleep on a look that is out of date. All are woken,
// not one: the one could be killed before it takes the message. Those who find nothing set the bit again. Nobody clears
// it for himself, so a killed sleeper costs its peers one system call, once; a waker killed between counting and waking
// costs the sleepers the rest of their slice of 50 ms.
//
// All zero at first.
class eventcount {
public:
    constexpr eventcount() noexcept = default;
    constexpr explicit eventcount(std::uint32_t word) noexcept : word_(word) {}

    // After publishing.
    bool any(asymmetric_fence const& fence) const noexcept
    {
        fence.light();  // pairs with the heavy() of wait_among_peers()
        return (word_.load(std::memory_order_relaxed) & asleep) != 0;
    }

    // `bell`: the channel's file.
    void wake(int doorbell) noexcept
    {
        STRAIT_CRASH_POINT("wake: sleeper seen");
        std::uint32_t seen = word_.load(std::memory_order_relaxed);
        if ((seen & asleep) == 0 || !word_.compare_exchange_strong(seen, (seen | asleep) + 1, std::memory_order_seq_cst))
            return;  // somebody else does it
        STRAIT_CRASH_POINT("wake: announced");
        if ((seen & at_doorbell) != 0)
            ring_doorbell(doorbell);
        if ((seen & at_futex) != 0)
            futex_wake_all(word_);
        STRAIT_CRASH_POINT("wake: woken");
    }

    // Whatever the bits say: for who has published by other means than a look at them would cover, and has rung the bell.
    void wake_all() noexcept
    {
        word_.fetch_add(asleep + 1, std::memory_order_seq_cst);
        STRAIT_CRASH_POINT("wake: all counted");
        futex_wake_all(word_);
    }

    std::uint32_t announce() noexcept { return word_.fetch_or(at_futex, std::memory_order_seq_cst) | at_futex; }
    void sleep(std::uint32_t announced, deadline until) noexcept { futex_wait(word_, announced, until.capped(wait_slice)); }

    // The same before sleeping in an event loop. Nobody clears it for himself here either.
    void await_doorbell(asymmetric_fence const& fence) noexcept
    {
        word_.fetch_or(at_doorbell, std::memory_order_seq_cst);
        STRAIT_CRASH_POINT("wait: doorbell asked for");
        fence.heavy();  // pairs with the light() of any()
    }

private:
    static constexpr std::uint32_t asleep = at_futex | at_doorbell;

    std::atomic<std::uint32_t> word_{0};
};

static_assert(sizeof(eventcount) == 4);

// As wait_for_peer(), among many that may sleep at the same word.
template <waiting_strategy Wait, unsigned Pace, class Ready, class Check>
error_code wait_among_peers(eventcount& count, waiter& w, deadline until, errc poll_says, Ready ready, Check check)
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
    std::atomic<std::uint32_t> nobody_sleeps{0};
    return wait_for_peer<Wait, Pace>(nobody_sleeps, w, until, poll_says, ready, check);
}

}  // namespace strait::detail

#endif
