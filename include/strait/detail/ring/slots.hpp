// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_SLOTS_HPP
#define STRAIT_DETAIL_RING_SLOTS_HPP

#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/concepts.hpp>
#include <strait/detail/ring/header.hpp>
#include <strait/detail/ring/slot_progress.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// A ring of messages of one size, for one sender and one receiver.
//
//   slot:  0 sequence u64   [8 progress u64, of large messages]   offset payload, fixed_size bytes   padding
//
// The slot of position p holds sequence p + 1 when its message is committed, and p + 1 - capacity (or 0 in the first
// round) before that. So one store makes a message exist. The sequence lies in the message's own cache line, so a small
// message costs one transfer of a line. (rigtorp::MPMCQueue and Vyukov's queue have the sequence in the slot, too; here there
// is one writer and one reader, so no compare-and-swap is needed.)
//
// The next slot's address and the limits are plain members: the copy of a payload may alias anything, and what is
// computed from shared state would be computed anew after it.
namespace strait::detail {

template <message_layout L>
struct slot_shape {
    static_assert(L.alignment <= 4096, "strait: a message type aligned to more than a page does not fit into a mapping");

    static constexpr bool shows_progress = slot_progress<L>::shown;
    static constexpr std::size_t offset = std::max<std::size_t>(shows_progress ? 64 : 8, L.alignment);
    static constexpr std::size_t stride = (offset + L.fixed_size + offset - 1) / offset * offset;
    static constexpr unsigned pace = 20;  // nanoseconds between polls

    // The sequence in the slot of this position while its message is not yet committed.
    static constexpr std::uint64_t vacant(std::uint64_t position, std::uint64_t capacity) noexcept
    {
        return position < capacity ? 0 : position + 1 - capacity;
    }
};

template <message_layout L>
class slot_writer {
    using shape = slot_shape<L>;

public:
    static constexpr unsigned pace = shape::pace;

    slot_writer() noexcept { detach(); }

    // Goes on behind the last committed message. Must be called only while no other writer lives.
    error_code attach(ring_view const& v) noexcept
    {
        std::uint64_t const consumed = v.header->consumed.load(std::memory_order_acquire);  // pairs with release()
        std::uint64_t position = consumed;
        if (consumed > ring_header::far)
            return errc::peer_corrupt;
        for (; position - consumed != v.capacity; ++position) {
            STRAIT_STEP();
            std::byte const* const slot = v.data + (position & (v.capacity - 1)) * shape::stride;
            std::uint64_t const sequence = shared_word(slot).load(std::memory_order_relaxed);
            if (sequence == position + 1)
                continue;
            if (sequence != shape::vacant(position, v.capacity))
                return errc::peer_corrupt;
            break;
        }
        header_ = v.header;
        capacity_ = v.capacity;
        first_ = v.data;
        last_ = v.data + v.capacity * shape::stride;
        slot_ = v.data + (position & (v.capacity - 1)) * shape::stride;
        start_ = position_ = position;
        limit_ = consumed + v.capacity;
        if constexpr (shape::shows_progress)
            slot_progress<L>::next_attempt(shared_word(slot_ + 8));  // a dead sender may have begun this message
        return {};
    }

    void detach() noexcept
    {
        header_ = &closed_state::header;
        slot_ = first_ = closed_state::scratch;
        last_ = first_ + shape::stride;
        limit_ = 0;  // there is no room, however often commit() is called too late
    }

    ring_header& header() const noexcept { return *header_; }
    atomic<std::uint32_t>& receivers() const noexcept { return header_->receiver_sleeps; }
    atomic<std::uint32_t>& senders() const noexcept { return header_->sender_sleeps; }
    static constexpr bool too_large(std::size_t n) noexcept { return n > L.fixed_size; }

    bool has_room(std::size_t) const noexcept { return position_ < limit_; }
    std::span<std::byte> room(std::size_t) const noexcept { return {slot_ + shape::offset, L.fixed_size}; }

    // Copies the message in pieces, which can be read before it is committed; calls begun() after the first one.
    template <class Begun>
    void copy_in(std::byte const* message, Begun begun) noexcept
        requires(shape::shows_progress)
    {
        slot_progress<L>::copy_in(message, slot_ + shape::offset, shared_word(slot_ + 8), begun);
    }

    void commit(std::size_t) noexcept
    {
        std::byte* const slot = slot_;
        if constexpr (shape::shows_progress)
            slot_progress<L>::next_attempt(shared_word(slot + 8));
        std::uint64_t const sequence = ++position_;
        slot_ = slot + shape::stride == last_ ? first_ : slot + shape::stride;
        STRAIT_CRASH_POINT("commit: payload written");
        shared_word(slot).store(sequence, std::memory_order_release);  // pairs with slot_reader::look()
        STRAIT_CRASH_POINT("commit: stored");
    }

    // Looks whether the receiver has posted more room.
    bool refresh(std::size_t) noexcept
    {
        std::uint64_t const used = position_ - header_->head.load(std::memory_order_acquire);  // pairs with post()
        if (used >= capacity_)  // full; or inspect() has seen a `consumed` that is ahead of the head
            return false;
        limit_ = position_ + (capacity_ - used);
        return true;
    }

    // Looks at the exact word, `consumed`, which the receiver writes all the time.
    std::optional<error_code> inspect(std::size_t) noexcept
    {
        std::uint64_t const head = header_->head.load(std::memory_order_acquire);          // pairs with post()
        std::uint64_t const consumed = header_->consumed.load(std::memory_order_acquire);  // pairs with release()
        std::uint64_t const used = position_ - consumed;
        if (used > capacity_ || head > consumed)
            return errc::peer_corrupt;
        limit_ = consumed + capacity_;
        if (used == capacity_)
            return {};
        return error_code();
    }

    std::uint64_t messages() const noexcept { return position_ - start_; }
    std::uint64_t bytes() const noexcept { return messages() * L.fixed_size; }
    std::uint64_t depth() const noexcept
    {
        return header_ == &closed_state::header ? 0 : position_ - header_->consumed.load(std::memory_order_relaxed);
    }

protected:  // lossless_writer sets other limits
    std::byte* slot_;
    std::uint64_t position_ = 0;
    std::uint64_t limit_ = 0;  // the first position that is not known to be free
    std::byte* first_;
    std::byte* last_;
    ring_header* header_;
    std::uint64_t capacity_ = 0;
    std::uint64_t start_ = 0;
};

static_assert(ring_writer<slot_writer<message_layout{8, 8, 1}>, ring_view>);

template <message_layout L>
class slot_reader : public ring_reader_defaults {
    using shape = slot_shape<L>;

public:
    static constexpr unsigned pace = shape::pace;

    slot_reader() noexcept { detach(); }

    // Goes on at the first message that no receiver has consumed. Must be called only while no other reader lives.

    error_code attach(ring_view const& v) noexcept
    {
        std::uint64_t const head = v.header->head.load(std::memory_order_relaxed);
        std::uint64_t const consumed = v.header->consumed.load(std::memory_order_relaxed);
        if (head > consumed || consumed - head > v.capacity || consumed > ring_header::far)
            return errc::peer_corrupt;
        header_ = v.header;
        capacity_ = v.capacity;
        first_ = v.data;
        last_ = v.data + v.capacity * shape::stride;
        slot_ = v.data + (consumed & (v.capacity - 1)) * shape::stride;
        start_ = position_ = consumed;
        post();
        return {};
    }

    void detach() noexcept
    {
        header_ = &closed_state::header;
        slot_ = first_ = closed_state::no_message;
        last_ = first_ + shape::stride;
        post_at_ = position_ - 1;  // never
    }

    ring_header& header() const noexcept { return *header_; }
    atomic<std::uint32_t>& receivers() const noexcept { return header_->receiver_sleeps; }

    bool has_message() const noexcept
    {
        return shared_word(slot_).load(std::memory_order_acquire) == position_ + 1;  // pairs with slot_writer::commit()
    }
    bool look() const noexcept { return has_message(); }
    std::span<std::byte const> message() const noexcept { return {slot_ + shape::offset, L.fixed_size}; }
    atomic<std::uint64_t> const& progress() const noexcept
        requires(shape::shows_progress)
    {
        return shared_word(slot_ + 8);
    }
    // The reader whose next message may be partly written; null when there is none.
    slot_reader const* partly_written() const noexcept { return this; }

    // True when it is time to post().
    bool release() noexcept
    {
        std::byte const* const next = slot_ + shape::stride;
        slot_ = next == last_ ? first_ : next;
        ++position_;
        STRAIT_CRASH_POINT("release: message read");
        header_->consumed.store(position_, std::memory_order_release);  // pairs with inspect() and attach() of the writer
        STRAIT_CRASH_POINT("release: consumed");
        return position_ == post_at_;
    }

    bool posted() const noexcept { return posted_ == position_; }
    void post() noexcept
    {
        header_->head.store(position_, std::memory_order_release);  // pairs with slot_writer::refresh()
        STRAIT_CRASH_POINT("post: room posted");
        posted_ = position_;
        post_at_ = position_ + std::max<std::uint64_t>(1, std::min(capacity_ / 4, ring_header::posted_bytes / shape::stride));
    }
    void post_and_wake(asymmetric_fence const& fence, int doorbell) noexcept
    {
        post();
        if (peer_sleeps(header_->sender_sleeps, fence))
            wake_peer(header_->sender_sleeps, doorbell);
    }

    std::optional<error_code> inspect() noexcept
    {
        std::uint64_t const sequence = shared_word(slot_).load(std::memory_order_acquire);  // pairs with commit()
        if (sequence == position_ + 1)
            return error_code();
        if (sequence != shape::vacant(position_, capacity_))
            return errc::peer_corrupt;
        return {};
    }

    std::uint64_t messages() const noexcept { return position_ - start_; }
    std::uint64_t bytes() const noexcept { return messages() * L.fixed_size; }

private:
    std::byte const* slot_;
    std::uint64_t position_ = 0;
    std::uint64_t post_at_ = 0;
    std::byte const* first_;
    std::byte const* last_;
    ring_header* header_;
    std::uint64_t capacity_ = 0;
    std::uint64_t posted_ = 0;
    std::uint64_t start_ = 0;
};

static_assert(ring_reader<slot_reader<message_layout{8, 8, 1}>, ring_view>);

}  // namespace strait::detail

#endif
