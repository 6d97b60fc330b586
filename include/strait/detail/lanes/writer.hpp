// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_LANES_WRITER_HPP
#define STRAIT_DETAIL_LANES_WRITER_HPP

#include <strait/detail/lanes/geometry.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/detail/wait/sleep_word.hpp>
#include <strait/error.hpp>

#include <cstdint>

namespace strait::detail {

template <message_layout L>
class lane_writer;

// Stands for the sleep word of the receiver of many lanes, as the sender of one lane sees it: it has the functions of
// wait/sleep_word.hpp that a publishing end calls.
template <message_layout L>
struct lane_receiver {
    lane_writer<L> const& lane;
};

template <message_layout L>
bool peer_sleeps(lane_receiver<L> const& receiver, asymmetric_fence const& fence) noexcept
{
    return peer_sleeps(receiver.lane.header().receiver_sleeps, fence);
}

template <message_layout L>
void wake_peer(lane_receiver<L> const& receiver, int doorbell) noexcept
{
    receiver.lane.call(doorbell);
}

template <message_layout L>
void wake_from_futex(lane_receiver<L> const& receiver) noexcept
{
    wake_from_futex(receiver.lane.receiver_word());
}

// A sender's side of its lane: a ring with one sender and one receiver, whose sender calls the receiver.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class lane_writer : public spsc_writer<L> {
    using base = spsc_writer<L>;

public:
    // Goes on behind what another sender may have left unread in this lane. Must be called only while we hold the lock of this
    // place.
    error_code attach(lanes_view const& v) noexcept
    {
        if (error_code const e = base::attach(v.lane(v.own)))
            return e;
        // A sender that was killed while it called the receiver has left a word of 0, although the receiver may not look.
        base::header().receiver_sleeps.store(1, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("take lane: calls asked for");
        // The kernel orders the memory of a new lane. The order here is for the words of the lane, and more than they need.
        v.header->opened.fetch_or(std::uint64_t{1} << v.own, std::memory_order_release);  // pairs with lane_reader
        STRAIT_CRASH_POINT("take lane: opened");
        all_ = v.header;
        bit_ = std::uint64_t{1} << v.own;
        return {};
    }

    // Calls the receiver to this lane, and wakes it. The word is cleared before the bit is set: the other way round the
    // receiver could look, find nothing more, and store 1 in the word before we clear it.
    void call(int doorbell) const noexcept
    {
        base::header().receiver_sleeps.store(0, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("call: word cleared");
        all_->called.fetch_or(bit_, std::memory_order_release);  // pairs with lane_reader::take_calls()
        STRAIT_CRASH_POINT("call: bit set");
        detail::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the heavy() of wait_for_peer()
        if (all_->receiver_sleeps.load(std::memory_order_relaxed) != 0)
            wake_peer(all_->receiver_sleeps, doorbell);
    }

    lane_receiver<L> receivers() const noexcept { return {*this}; }
    atomic<std::uint32_t>& receiver_word() const noexcept { return all_->receiver_sleeps; }

private:
    lanes_header* all_ = nullptr;
    std::uint64_t bit_ = 0;
};

static_assert(ring_writer<lane_writer<message_layout{8, 8, 1}>, lanes_view>);

}  // namespace strait::detail

#endif
