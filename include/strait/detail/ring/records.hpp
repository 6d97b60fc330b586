// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_RECORDS_HPP
#define STRAIT_DETAIL_RING_RECORDS_HPP

#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/concepts.hpp>
#include <strait/detail/ring/header.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// A ring of messages that vary in size, for one sender and one receiver: records one behind the other, in memory that is
// mapped twice back to back, so that each record is contiguous also where the ring wraps.
//
//   record:  0 header u64 {low 32: size + 1, high 32: low bits of position / 8}   unit payload   padding to a multiple of unit
//
// unit is max(8, alignment). A header of 0 says that no record is there. The writer clears the header behind a record
// before it commits the record by storing its header. So a reader always finds 0 behind the last record, and a writer that is
// killed at any moment leaves at most a record that does not exist. The low bits of the position tell a header from payload
// of an earlier round: a ring that has anything else there is damaged.
//
// Both mappings are the same memory, which the compiler does not know: headers are always reached by a masked position.
namespace strait::detail {

template <message_layout L>
struct record_shape {
    static_assert(L.alignment <= 4096, "strait: a message type aligned to more than a page does not fit into a mapping");

    static constexpr std::uint64_t unit = std::max<std::size_t>(8, L.alignment);
    static constexpr unsigned pace = 50;  // nanoseconds between polls: a record touches more than the polled line

    static constexpr std::uint64_t length(std::uint64_t size) noexcept { return (unit + size + unit - 1) / unit * unit; }
    static constexpr std::uint64_t header(std::uint64_t position, std::uint64_t size) noexcept
    {
        return position / 8 << 32 | (size + 1);
    }
    // Whether this can be the header of a record at this position.
    static constexpr bool possible(std::uint64_t header, std::uint64_t position, std::uint64_t max_size) noexcept
    {
        return header >> 32 == (position / 8 & 0xffff'ffff) && size(header) <= max_size;
    }
    // Of a header that says that no record is there: a size larger than any message.
    static constexpr std::uint32_t size(std::uint64_t header) noexcept { return static_cast<std::uint32_t>(header) - 1; }
};

template <message_layout L>
class record_writer {
    using shape = record_shape<L>;

public:
    static constexpr unsigned pace = shape::pace;

    record_writer() noexcept { detach(); }

    // Goes on behind the last committed record. Must be called only while no other writer lives.
    error_code attach(ring_view const& v) noexcept
    {
        std::uint64_t const consumed = v.header->consumed.load(std::memory_order_acquire);  // pairs with release()
        std::uint64_t position = consumed;
        if (consumed % shape::unit != 0 || consumed > ring_header::far)
            return errc::peer_corrupt;
        for (;;) {
            STRAIT_STEP();
            if (position - consumed > v.capacity - shape::unit)  // not even room for the header behind
                return errc::peer_corrupt;
            std::uint64_t const header = shared_word(v.data + (position & (v.capacity - 1))).load(std::memory_order_relaxed);
            if (header == 0)
                break;
            if (!shape::possible(header, position, v.capacity))
                return errc::peer_corrupt;
            position += shape::length(shape::size(header));
        }
        header_ = v.header;
        data_ = v.data;
        mask_ = v.capacity - 1;
        max_size_ = v.max_message_size;
        position_ = position;
        limit_ = consumed + v.capacity;
        messages_ = bytes_ = 0;
        return {};
    }

    void detach() noexcept
    {
        header_ = &closed_state::header;
        data_ = closed_state::scratch;
        mask_ = 0;
        limit_ = 0;  // there is no room, however often commit() is called too late
    }

    ring_header& header() const noexcept { return *header_; }
    atomic<std::uint32_t>& receivers() const noexcept { return header_->receiver_sleeps; }
    atomic<std::uint32_t>& senders() const noexcept { return header_->sender_sleeps; }
    bool too_large(std::size_t n) const noexcept { return n > max_size_; }

    bool has_room(std::size_t n) const noexcept
    {
        return n <= max_size_ && position_ + shape::length(n) + shape::unit <= limit_;
    }
    std::span<std::byte> room(std::size_t n) const noexcept { return {data_ + (position_ & mask_) + shape::unit, n}; }

    void commit(std::size_t used) noexcept
    {
        std::byte* const record = data_ + (position_ & mask_);
        std::uint64_t const header = shape::header(position_, used);
        position_ += shape::length(used);
        STRAIT_CRASH_POINT("commit: payload written");
        shared_word(data_ + (position_ & mask_)).store(0, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("commit: next header cleared");
        shared_word(record).store(header, std::memory_order_release);  // pairs with record_reader::look()
        STRAIT_CRASH_POINT("commit: stored");
        ++messages_;
        bytes_ += used;
    }

    // Looks whether the receiver has posted more room.
    bool refresh(std::size_t n) noexcept
    {
        std::uint64_t const head = header_->head.load(std::memory_order_acquire);  // pairs with post()
        if (position_ - head > mask_ + 1)  // inspect() has seen a `consumed` that is ahead of the head
            return false;
        limit_ = head + mask_ + 1;
        return has_room(n);
    }

    // Looks at the exact word, `consumed`, which the receiver writes all the time.
    std::optional<error_code> inspect(std::size_t n) noexcept
    {
        std::uint64_t const head = header_->head.load(std::memory_order_acquire);          // pairs with post()
        std::uint64_t const consumed = header_->consumed.load(std::memory_order_acquire);  // pairs with release()
        if (position_ - consumed > mask_ + 1 || head > consumed)
            return errc::peer_corrupt;
        limit_ = consumed + mask_ + 1;
        if (!has_room(n))
            return {};
        return error_code();
    }

    std::uint64_t messages() const noexcept { return messages_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::uint64_t depth() const noexcept
    {
        return header_ == &closed_state::header ? 0 : position_ - header_->consumed.load(std::memory_order_relaxed);
    }

protected:  // lossless_writer sets other limits
    std::byte* data_;
    std::uint64_t mask_;
    std::uint64_t position_ = 0;
    std::uint64_t limit_ = 0;  // the first position that is not known to be free
    std::uint64_t max_size_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    ring_header* header_;
};

static_assert(ring_writer<record_writer<message_layout{0, 1, 2}>, ring_view>);

template <message_layout L>
class record_reader : public ring_reader_defaults {
    using shape = record_shape<L>;

public:
    static constexpr unsigned pace = shape::pace;

    record_reader() noexcept { detach(); }

    // Goes on at the first record that no receiver has consumed. Must be called only while no other reader lives.

    error_code attach(ring_view const& v) noexcept
    {
        std::uint64_t const head = v.header->head.load(std::memory_order_relaxed);
        std::uint64_t const consumed = v.header->consumed.load(std::memory_order_relaxed);
        if (head > consumed || consumed - head > v.capacity || consumed % shape::unit != 0 || consumed > ring_header::far)
            return errc::peer_corrupt;
        header_ = v.header;
        data_ = v.data;
        mask_ = v.capacity - 1;
        max_size_ = v.max_message_size;
        position_ = consumed;
        messages_ = bytes_ = 0;
        post();
        return {};
    }

    void detach() noexcept
    {
        header_ = &closed_state::header;
        data_ = closed_state::no_message;
        mask_ = 0;
        post_at_ = ~std::uint64_t{0};  // never
    }

    ring_header& header() const noexcept { return *header_; }
    atomic<std::uint32_t>& receivers() const noexcept { return header_->receiver_sleeps; }

    bool look() noexcept
    {
        // The word is read once, because what was checked must be what is used. Pairs with record_writer::commit().
        std::uint64_t const header = shared_word(data_ + (position_ & mask_)).load(std::memory_order_acquire);
        size_ = shape::size(header);
        return shape::possible(header, position_, max_size_);
    }
    bool has_message() const noexcept
    {
        return shared_word(data_ + (position_ & mask_)).load(std::memory_order_relaxed) != 0;
    }
    std::span<std::byte const> message() const noexcept { return {data_ + (position_ & mask_) + shape::unit, size_}; }

    // True when it is time to post().
    bool release() noexcept
    {
        position_ += shape::length(size_);
        ++messages_;
        bytes_ += size_;
        STRAIT_CRASH_POINT("release: message read");
        header_->consumed.store(position_, std::memory_order_release);  // pairs with inspect() and attach() of the writer
        STRAIT_CRASH_POINT("release: consumed");
        return position_ >= post_at_;
    }

    bool posted() const noexcept { return posted_ == position_; }
    void post() noexcept
    {
        header_->head.store(position_, std::memory_order_release);  // pairs with record_writer::refresh()
        STRAIT_CRASH_POINT("post: room posted");
        posted_ = position_;
        post_at_ = position_ + std::min((mask_ + 1) / 4, ring_header::posted_bytes);
    }
    void post_and_wake(asymmetric_fence const& fence, int doorbell) noexcept
    {
        post();
        if (peer_sleeps(header_->sender_sleeps, fence))
            wake_peer(header_->sender_sleeps, doorbell);
    }

    std::optional<error_code> inspect() noexcept
    {
        std::uint64_t const header = shared_word(data_ + (position_ & mask_)).load(std::memory_order_acquire);  // pairs with commit()
        if (header == 0)
            return {};
        size_ = shape::size(header);
        return shape::possible(header, position_, max_size_) ? error_code() : make_error_code(errc::peer_corrupt);
    }

    std::uint64_t messages() const noexcept { return messages_; }
    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    std::byte const* data_;
    std::uint64_t mask_;
    std::uint64_t position_ = 0;
    std::uint64_t post_at_;
    std::uint64_t max_size_ = 0;
    std::uint32_t size_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t posted_ = 0;
    ring_header* header_;
};

static_assert(ring_reader<record_reader<message_layout{0, 1, 2}>, ring_view>);

}  // namespace strait::detail

#endif
