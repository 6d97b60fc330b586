// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSLESS_WRITER_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSLESS_WRITER_HPP

#include <strait/detail/broadcast/lossless_geometry.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/range_lock.hpp>
#include <strait/detail/ring/sender.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace strait::detail {

// The sender's side of a ring whose messages go to every receiver: that of a ring with one receiver, which is here the
// slowest of all. (Disruptor's gating sequences; here a sequence of the dead is taken out.)
//
// Progress: committing is wait-free. Room is given by the slowest living receiver, so the sender waits for a receiver that
// is stopped, and for none that is dead.
//
// A receiver that joins sets its bit and then reads the tail; we have stored the tail when we look at the bits; between the
// two is a full fence on both sides. So either we see its bit, and its cursor or that it is joining, which lets nothing
// pass; or it sees a tail not before the position at which we looked, and begins so far on that no room which we have
// found without it reaches its first message.
//
// A death leaves: of a sender, a message that does not exist, or one that exists and which the tail does not count yet:
// the next sender counts it. Of a receiver, its bit and a cursor, or `joining`: bury() removes them.
template <message_layout L>
class lossless_writer : public ring_writer<L> {
    using base = ring_writer<L>;

public:
    error_code attach(lossless_view const& v) noexcept
    {
        if (error_code const e = base::attach(v.ring))
            return e;
        this->limit_ = 0;  // nobody may be there
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

    lossless_header& all() const noexcept { return *all_; }

    void commit(std::size_t used) noexcept
    {
        base::commit(used);
        all_->tail.store(this->position_, std::memory_order_release);  // pairs with lossless_reader::attach()
        STRAIT_CRASH_POINT("commit: counted");
    }

    bool has_members() const noexcept { return all_->members.load(std::memory_order_acquire) != 0; }

    // Looks whether the slowest receiver has posted more room.
    bool refresh(std::size_t n) noexcept
    {
        std::uint64_t const behind = farthest(&ring_header::head);
        if (behind > whole_)  // or nobody is there, or not known
            return false;
        let_pass(behind);
        return base::refresh(n);
    }

    // The same by the exact words; nothing while full.
    std::optional<error_code> inspect(std::size_t n) noexcept
    {
        std::uint64_t const behind = farthest(&ring_header::consumed);
        if (behind == no_reader || behind == unknown)
            return {};
        if (behind > whole_)
            return errc::peer_corrupt;
        let_pass(behind);
        return base::inspect(n);
    }

    // Removes the receivers that have died; true if there were any. Who holds the lock of a place decides on its bit: while
    // we hold it nobody can join there.
    bool reap(int fd) noexcept
    {
        bool reaped = false;
        for (std::uint64_t m = all_->members.load(std::memory_order_acquire); m != 0; m &= m - 1) {
            ::off_t const place = lock_bytes::first(role::receiver) + std::countr_zero(m);
            if (!try_lock_byte(fd, place))
                continue;
            STRAIT_CRASH_POINT("reap: place of the dead taken");
            all_->members.fetch_and(~(m & -m), std::memory_order_acq_rel);
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
    static constexpr std::uint64_t unknown = no_reader - 1;  // somebody is joining

    // How far the slowest receiver is behind.
    std::uint64_t farthest(std::atomic<std::uint64_t> ring_header::*word) const noexcept
    {
        std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with that of lossless_reader::attach()
        std::uint64_t most = 0;
        std::uint64_t m = all_->members.load(std::memory_order_acquire);  // pairs with lossless_reader::leave()
        if (m == 0)
            return no_reader;
        for (; m != 0; m &= m - 1) {
            ring_header const& cursor = all_->cursors[std::countr_zero(m)];
            std::uint64_t const at = (cursor.*word).load(std::memory_order_acquire);  // pairs with release() and post()
            if (at == lossless_header::joining)
                return unknown;
            most = std::max(most, this->position_ - at);
        }
        return std::min(most, unknown - 1);
    }

    // For the base, and for the next sender, which looks for the last message from here on.
    void let_pass(std::uint64_t behind) noexcept
    {
        this->header_->consumed.store(this->position_ - behind, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("room: slowest noted");
        this->header_->head.store(this->position_ - behind, std::memory_order_relaxed);
    }

    lossless_header* all_ = &lossless_closed_state;
    std::uint64_t whole_ = 0;
};

}  // namespace strait::detail

#endif
