// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_LANES_WRITER_HPP
#define STRAIT_DETAIL_LANES_WRITER_HPP

#include <strait/detail/lanes/geometry.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/sender.hpp>
#include <strait/detail/wait/wait_for_peer.hpp>
#include <strait/error.hpp>

#include <atomic>
#include <cstdint>

namespace strait::detail {

// A sender's side of its lane: that of a ring, and how the receiver is called.
template <message_layout L>
class lane_writer : public ring_writer<L> {
    using base = ring_writer<L>;

public:
    // Goes on behind what another sender may have left unread in this lane.
    error_code attach(lanes_view const& v) noexcept
    {
        if (error_code const e = base::attach(v.lane(v.own)))
            return e;
        // Whoever was killed while it called the receiver has left a word that promises a look which nobody will take.
        base::header().receiver_sleeps.store(1, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("take lane: calls asked for");
        v.header->opened.fetch_or(std::uint64_t{1} << v.own, std::memory_order_release);  // pairs with lane_reader
        STRAIT_CRASH_POINT("take lane: opened");
        all_ = v.header;
        bit_ = std::uint64_t{1} << v.own;
        return {};
    }

    // The word first, the bit then: the other way round the receiver could have looked, found nothing more, and said so
    // in the word, before we clear it.
    void call(int doorbell) noexcept
    {
        base::header().receiver_sleeps.store(0, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("call: word cleared");
        all_->called.fetch_or(bit_, std::memory_order_release);  // pairs with lane_reader::take_calls()
        STRAIT_CRASH_POINT("call: bit set");
        std::atomic_thread_fence(std::memory_order_seq_cst);     // pairs with the heavy() of wait_for_peer()
        if (all_->receiver_sleeps.load(std::memory_order_relaxed) != 0)
            wake_peer(all_->receiver_sleeps, doorbell);
    }

    std::atomic<std::uint32_t>& receiver_word() const noexcept { return all_->receiver_sleeps; }

private:
    lanes_header* all_ = nullptr;
    std::uint64_t bit_ = 0;
};

// For ring_sender, of one that has joined.
template <message_layout L>
std::atomic<std::uint32_t>& receiver_word_of(lane_writer<L> const& w) noexcept
{
    return w.receiver_word();
}

template <message_layout L>
void wake_receiver_of(lane_writer<L>& w, int doorbell) noexcept
{
    w.call(doorbell);
}

}  // namespace strait::detail

#endif
