// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSLESS_WRITER_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSLESS_WRITER_HPP

#include <strait/detail/broadcast/lossless_geometry.hpp>
#include <strait/detail/broadcast/lossless_history.hpp>
#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/range_lock.hpp>
#include <strait/detail/ring/concepts.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/detail/ring/sender.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace strait::detail {

// The sender's side of a lossless broadcast ring: that of the sender of an spsc ring, whose receiver is here the slowest of
// all. (Those are Disruptor's gating sequences; here the sequence of a dead receiver is removed.)
//
// Progress: committing is wait-free. Room is made by the slowest living receiver, so the sender waits for a receiver that
// is stopped, and for none that is dead.
//
// A receiver that joins sets its bit in `active` and then reads the tail. We have stored the tail when we read the bits. Between
// the two is a full fence on both sides. So there are two cases. Either we see its bit, and its cursor says where it is, or
// that it is joining: then there is no room. Or it sees a tail that is not before the position at which we looked, and begins
// so far ahead that no room which we have found without it reaches its first message.
//
// A sender that dies leaves a message that does not exist, or one that exists and that the tail does not count yet: the next
// sender counts it. A receiver that dies leaves its bit and a cursor: reap() clears the bit.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class lossless_writer : public spsc_writer<L> {
    using base = spsc_writer<L>;

public:
    // Goes on behind the last committed message. Must be called only while no other writer lives.
    error_code attach(lossless_view const& v) noexcept
    {
        if (v.history > v.most_history)
            return errc::history_too_large;
        if (error_code const e = base::attach(v.ring))
            return e;
        this->limit_ = 0;  // there may be no receiver
        if (error_code const e = notes_.attach(v, this->position_))
            return e;
        met_receiver_ = false;
        all_ = v.header;
        whole_ = v.ring.capacity;
        all_->tail.store(this->position_, std::memory_order_release);  // pairs with lossless_reader::attach()
        STRAIT_CRASH_POINT("take over: tail told");
        return {};
    }

    void detach() noexcept
    {
        base::detach();
        all_ = &lossless_closed_state;
    }

    eventcount& receivers() const noexcept { return all_->receivers; }

    void commit(std::size_t used) noexcept
    {
        base::commit(used);
        all_->tail.store(this->position_, std::memory_order_release);  // pairs with lossless_reader::attach()
        STRAIT_CRASH_POINT("commit: counted");
    }

    // Whether a receiver has joined and not left; it may be dead.
    bool has_receivers() noexcept
    {
        bool const has = all_->active.load(std::memory_order_acquire) != 0;  // pairs with lossless_reader::leave()
        met_receiver_ = met_receiver_ || has;
        return has;
    }
    // Whether a receiver was seen since attach().
    bool has_met_receiver() const noexcept { return met_receiver_; }

    // Looks whether the slowest receiver has posted more room.
    bool refresh(std::size_t n) noexcept
    {
        std::uint64_t const behind = farthest(&ring_header::head);
        if (behind > whole_)  // there is no receiver, or one is joining
            return false;
        note_slowest(behind);
        return base::refresh(n) && leaves_history(n);
    }

    // Looks at the exact words, `consumed`, which the receivers write all the time.
    std::optional<error_code> inspect(std::size_t n) noexcept
    {
        std::uint64_t const behind = farthest(&ring_header::consumed);
        if (behind == no_reader || behind == unknown)
            return {};
        if (behind > whole_)
            return errc::peer_corrupt;
        note_slowest(behind);
        std::optional<error_code> const seen = base::inspect(n);
        if (seen && !*seen && !leaves_history(n))
            return {};
        return seen;
    }

    // Removes the receivers that have died; returns whether there were any. The holder of a place's lock decides on its bit:
    // while we hold it no receiver can join there. The lock also orders what the dead one did before what we do, so the orders
    // below are more than is needed.
    bool reap(int fd) noexcept
    {
        bool reaped = false;
        for (std::uint64_t m = all_->active.load(std::memory_order_acquire); m != 0; m &= m - 1) {
            STRAIT_STEP();
            ::off_t const place = lock_bytes::first(role::receiver) + std::countr_zero(m);
            if (!try_lock_byte(fd, place))
                continue;
            STRAIT_CRASH_POINT("reap: place of the dead taken");
            all_->active.fetch_and(~(m & -m), std::memory_order_acq_rel);
            STRAIT_CRASH_POINT("reap: waited for no longer");
            unlock_byte(fd, place);
            reaped = true;
        }
        return reaped;
    }

    std::uint64_t depth() const noexcept
    {
        std::uint64_t const behind = all_ == &lossless_closed_state ? 0 : farthest(&ring_header::consumed);
        return behind <= whole_ ? behind : 0;
    }

private:
    static constexpr std::uint64_t no_reader = ~std::uint64_t{0};
    static constexpr std::uint64_t unknown = no_reader - 1;  // a receiver is joining

    // How far the slowest receiver is behind, by this word of the cursors.
    std::uint64_t farthest(atomic<std::uint64_t> ring_header::*word) const noexcept
    {
        detail::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with that of lossless_reader::attach()
        std::uint64_t most = 0;
        std::uint64_t m = all_->active.load(std::memory_order_acquire);  // pairs with lossless_reader::leave()
        if (m == 0)
            return no_reader;
        for (; m != 0; m &= m - 1) {
            STRAIT_STEP();
            ring_header const& cursor = all_->cursors[std::countr_zero(m)];
            std::uint64_t const at = (cursor.*word).load(std::memory_order_acquire);  // pairs with release() and post()
            if (at == lossless_header::joining)
                return unknown;
            most = std::max(most, this->position_ - at);
        }
        return std::min(most, unknown - 1);
    }

    // Whether the room that was found is enough also when the last messages stay for later receivers.
    bool leaves_history(std::size_t n) noexcept
    {
        if (!notes_.is_asked_for())
            return true;
        notes_.make(this->position_, this->messages());
        this->limit_ = std::min(this->limit_, notes_.limit(this->position_, whole_, n));
        return this->has_room(n);
    }

    // For the base, and for the next sender, which looks for the last message from here on.
    void note_slowest(std::uint64_t behind) noexcept
    {
        met_receiver_ = true;
        this->header_->consumed.store(this->position_ - behind, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("room: slowest noted");
        this->header_->head.store(this->position_ - behind, std::memory_order_relaxed);
    }

    lossless_header* all_ = &lossless_closed_state;
    std::uint64_t whole_ = 0;  // the capacity
    bool met_receiver_ = false;
    lossless_notes<L> notes_;
};

static_assert(ring_writer<lossless_writer<message_layout{8, 8, 1}>, lossless_view>);

// Messages are not retained, so the sender needs a receiver: it waits up to connect_timeout for the first one, and learns from
// a full ring that all have left or died.
template <message_layout L>
class room_watch<lossless_writer<L>> {
public:
    void start(channel_options const& how) noexcept { connect_until_ = deadline::after(how.connect_timeout); }

    // Receivers that make no room are asked for their locks seldom: that takes system calls.
    std::optional<error_code> look(lossless_writer<L>& ring, participant const& member, std::size_t n, std::int64_t now, bool slept)
    {
        if (ring.has_receivers()) {
            if (auto const seen = ring.inspect(n))
                return seen;
            if (!slept && now - asked_at_ < sender_watch::when_spinning)
                return {};
            asked_at_ = now;
            if (!ring.reap(member.fd()))
                return {};
            if (auto const seen = ring.inspect(n))
                return seen;
            if (ring.has_receivers())
                return {};
        }
        if (!awaits_receiver(ring, member))
            return make_error_code(errc::no_receiver);
        return {};
    }

    static errc poll_says(lossless_writer<L>& ring) noexcept { return ring.has_receivers() ? errc::full : errc::no_receiver; }

    bool awaits_receiver(lossless_writer<L> const& ring, participant const& member) const noexcept
    {
        return !ring.has_met_receiver() && !connect_until_.passed() && !member.has_lost_receiver() &&
               !(member.is_nameless() && member.receivers_gone());
    }

private:
    deadline connect_until_ = deadline::never();
    std::int64_t asked_at_ = 0;
};

}  // namespace strait::detail

#endif
