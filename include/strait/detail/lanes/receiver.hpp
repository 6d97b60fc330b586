// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_LANES_RECEIVER_HPP
#define STRAIT_DETAIL_LANES_RECEIVER_HPP

#include <strait/detail/lanes/reader.hpp>
#include <strait/detail/ring/receiver.hpp>
#include <strait/detail/wait/asymmetric_fence.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/wait.hpp>

#include <atomic>
#include <cstdint>

// What ring_receiver asks of the reader of many lanes.
namespace strait::detail {

// Stands for the words that a receiver sets before it sleeps: of the lanes, and the one at which it sleeps.
template <message_layout L>
struct sleep_word_adaptor {
    void store(std::uint32_t asleep, std::memory_order order) const noexcept
    {
        if (asleep != 0)
            lanes.rest();
        else
            lanes.wake();
        lanes.receiver_word().store(asleep, order);
    }

    lane_reader<L>& lanes;
};

template <message_layout L>
void await_doorbell(sleep_word_adaptor<L> const& words, asymmetric_fence const& fence) noexcept
{
    words.store(at_doorbell, std::memory_order_relaxed);
    STRAIT_CRASH_POINT("wait: doorbell asked for");
    fence.heavy();  // pairs with the light() of peer_sleeps()
}

template <message_layout L>
void stop_awaiting_doorbell(sleep_word_adaptor<L> const& words) noexcept
{
    words.store(0, std::memory_order_relaxed);
}

template <message_layout L>
void futex_wait(sleep_word_adaptor<L> const& adaptor, std::uint32_t seen, deadline until) noexcept
{
    futex_wait(adaptor.lanes.receiver_word(), seen, until);
}

template <message_layout L>
sleep_word_adaptor<L> where_to_sleep(lane_reader<L>& r) noexcept
{
    return {r};
}

template <message_layout L>
void post_room(lane_reader<L>& r, asymmetric_fence const&, int) noexcept
{
    r.post();
}

}  // namespace strait::detail

#endif
