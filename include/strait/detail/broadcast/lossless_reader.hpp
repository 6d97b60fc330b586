// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSLESS_READER_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSLESS_READER_HPP

#include <strait/detail/broadcast/lossless_geometry.hpp>
#include <strait/detail/broadcast/lossless_history.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/concepts.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/error.hpp>

#include <cstdint>

namespace strait::detail {

// A receiver's side of a lossless broadcast ring: that of the receiver of an spsc ring, with a cursor of its own.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class lossless_reader : public spsc_reader<L> {
    using base = spsc_reader<L>;

public:
    // Begins at the end of what has been sent, or as many messages before it as are wanted. Must be called only while we hold the lock of this place. Why no message can be
    // overwritten before we have seen it is said at lossless_writer. A receiver that is killed here leaves its bit in `active`,
    // and a cursor that says "joining" or where it would have begun, until the sender finds its lock free.
    error_code attach(lossless_view const& v) noexcept
    {
        if (v.history > v.most_history)
            return errc::history_too_large;
        ring_header& own = *v.ring.header;
        own.head.store(lossless_header::joining, std::memory_order_relaxed);
        own.consumed.store(lossless_header::joining, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("join all: cursor unknown");
        v.header->active.fetch_or(bit(v.place), std::memory_order_seq_cst);  // a release would do: the fence is below
        STRAIT_CRASH_POINT("join all: member");
        detail::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with that of lossless_writer::farthest()
        std::uint64_t now = v.header->tail.load(std::memory_order_acquire);  // pairs with lossless_writer::commit()
        missed_ = 0;
        error_code e;
        if (v.history != 0)
            e = begin_of_history<L>(v, now, now, missed_);
        // These two need no release: nothing has been read yet for which the sender would have to wait.
        own.head.store(now, std::memory_order_release);
        STRAIT_CRASH_POINT("join all: cursor half told");
        own.consumed.store(now, std::memory_order_release);
        STRAIT_CRASH_POINT("join all: cursor told");
        if (!e)
            e = base::attach(v.ring);
        if (!e && v.history == 0 && this->look()) {  // the tail counts a message a moment after it is there
            (void)base::release();
            e = base::attach(v.ring);
        }
        if (e) {
            v.header->active.fetch_and(~bit(v.place), std::memory_order_release);
        } else {
            all_ = v.header;
            place_ = v.place;
        }
        return e;
    }

    void detach() noexcept
    {
        base::detach();
        all_ = &lossless_closed_state;
    }

    eventcount& receivers() const noexcept { return all_->receivers; }
    std::uint64_t dropped() const noexcept { return missed_; }

    // The sender sleeps at a word that all receivers share, and not at one in our cursor.
    void post_and_wake(asymmetric_fence const& fence, int doorbell) noexcept
    {
        base::post();
        if (peer_sleeps(all_->slowest.sender_sleeps, fence))
            wake_peer(all_->slowest.sender_sleeps, doorbell);
    }

    // Clears our bit. Afterwards, when the lock of our place is free, it may be the bit of another receiver.
    void leave() noexcept
    {
        all_->active.fetch_and(~bit(place_), std::memory_order_release);  // pairs with lossless_writer::farthest()
        STRAIT_CRASH_POINT("leave all: no member");
    }
    void left() noexcept { wake_from_futex(all_->slowest.sender_sleeps); }

private:
    static constexpr std::uint64_t bit(std::uint64_t place) noexcept { return std::uint64_t{1} << place; }

    lossless_header* all_ = &lossless_closed_state;
    std::uint64_t place_ = 0;
    std::uint64_t missed_ = 0;  // of the messages before it joined that it asked for
};

static_assert(ring_reader<lossless_reader<message_layout{8, 8, 1}>, lossless_view>);

}  // namespace strait::detail

#endif
