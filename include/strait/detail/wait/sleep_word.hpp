// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_SLEEP_WORD_HPP
#define STRAIT_DETAIL_WAIT_SLEEP_WORD_HPP

#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/wait/asymmetric_fence.hpp>
#include <strait/detail/wait/ends_together.hpp>
#include <strait/detail/wait/futex.hpp>

#include <cstdint>

#include <unistd.h>

// A sleep word is a 32 bit word of shared memory by which one end says that it may be asleep, and how its peer wakes it:
//
//   0  awake      1  asleep at the word, which is a futex      2  asleep in an event loop, which the channel's doorbell wakes
//
// The end stores 1 or 2, runs fence.heavy(), looks once more for what it waits for, and sleeps only then. Its peer
// publishes, runs fence.light(), and reads the word. So one of them sees the other (wait/asymmetric_fence.hpp).
//
// These functions have overloads for what stands in place of such a word: an eventcount, where many ends sleep
// (wait/eventcount.hpp), and the words of many lanes (lanes/reader.hpp, lanes/writer.hpp).
namespace strait::detail {

inline constexpr std::uint32_t at_futex = 1;
inline constexpr std::uint32_t at_doorbell = 2;

// Wakes an end that sleeps in an event loop, by reading a byte from the channel's file: inotify(7) reports that to each
// process that watches the file (wait/inotify_watcher.hpp). Reading changes nothing, needs no object beside the channel
// that could be left behind, cannot block, and raises no signal. It is called only when the end has stored at_doorbell. A
// process that is killed before it reads closes the file, which inotify reports as well.
[[gnu::noinline, gnu::cold]] inline void ring_doorbell(int file) noexcept
{
    char byte;
    (void)!::pread(file, &byte, 1, 0);
}

// The end is about to sleep in an event loop. After this it must look once more, and only then sleep.
inline void await_doorbell(atomic<std::uint32_t>& word, asymmetric_fence const& fence) noexcept
{
    word.store(at_doorbell, std::memory_order_relaxed);
    STRAIT_CRASH_POINT("wait: doorbell asked for");
    ends_together::heavy(fence);  // pairs with the light() of peer_sleeps()
}

// The end that called await_doorbell() is awake again.
inline void stop_awaiting_doorbell(atomic<std::uint32_t>& word) noexcept { word.store(0, std::memory_order_relaxed); }

// After publishing: whether the peer may be asleep. Every end asks, however it waits itself: its peer may wait in another
// way.
inline bool peer_sleeps(atomic<std::uint32_t> const& word, asymmetric_fence const& fence) noexcept
{
    fence.light();  // pairs with the heavy() of wait_for_peer() and await_doorbell()
    return word.load(std::memory_order_relaxed) != 0;
}

// Wakes a peer that may be asleep. `doorbell` is the channel's file.
inline void wake_peer(atomic<std::uint32_t>& word, int doorbell) noexcept
{
    STRAIT_CRASH_POINT("wake: sleeper seen");
    // The order is more than is needed: what was published lies before the fence of peer_sleeps(). It costs nothing beside the
    // system call.
    std::uint32_t const how = word.exchange(0, std::memory_order_seq_cst);
    STRAIT_CRASH_POINT("wake: announced");
    if (how == at_doorbell)
        ring_doorbell(doorbell);
    else
        futex_wake_all(word);
    STRAIT_CRASH_POINT("wake: woken");
}

// Wakes a peer that sleeps at the futex. For an end that has left: it has rung the doorbell while it left, and has no file
// any more to ring it with, so the word of a peer that waits for the doorbell stays as it is.
inline void wake_from_futex(atomic<std::uint32_t>& word) noexcept
{
    // Without the fence this end may not see that its peer sleeps, and its peer not that this end has left: a failed
    // compare_exchange is no fence.
    detail::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the heavy() of wait_for_peer()
    std::uint32_t how = at_futex;
    if (word.compare_exchange_strong(how, 0, std::memory_order_seq_cst))
        futex_wake_all(word);
    STRAIT_CRASH_POINT("wake: woken");
}

}  // namespace strait::detail

#endif
