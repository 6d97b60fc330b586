// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSY_RECORD_WRITER_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSY_RECORD_WRITER_HPP

#include <strait/detail/broadcast/lossy_geometry.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/concepts.hpp>
#include <strait/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

// The sender's side of a ring of messages that vary in size and are overwritten, whether they were read or not. Before the
// writer writes at a position it says so: `claimed` is where it may be writing up to, so what lies a capacity before that
// is overwritten. (That is the tail intent of Aeron's BroadcastTransmitter.) It claims a sixteenth of the capacity at a time,
// else each message would take the line of `claimed` from every reader. For each sixteenth it notes the first record that
// begins there: a reader whose own record is overwritten goes on there. Each record has its number, by which that reader knows
// how many it has missed.
//
// Progress: wait-free; a message takes a few stores, and one more for each sixteenth that it reaches. The writer looks at
// nothing that receivers do.
//
// Memory order.
//   claimed  followed by a release fence before any byte up to it is written; pairs with the acquire fence of a reader
//            between its copy and its look at `claimed`: a copy that holds a byte of a later round sees the claim for it.
//            Itself a release: a reader that finds it sees the notes about all that it leaves valid
//   header   release; pairs with the acquire load of a reader: number and payload are seen
//   tail     release; pairs with the acquire load of a receiver that joins: the number behind the last record is seen
//
// A writer that is killed leaves a claim that it has not used, which costs readers a few records that they could still have
// read; or a record that the tail does not count, which the next writer counts. Notes about a record that was not committed
// are about a sixteenth that is not yet reached; they are made anew when it is.
namespace strait::detail {

template <message_layout L>
class lossy_record_writer {
    using shape = lossy_record_shape<L>;

public:
    static constexpr unsigned pace = 0;  // it never waits

    lossy_record_writer() noexcept { detach(); }

    // Goes on behind the last committed record. Must be called only while no other writer lives.
    error_code attach(lossy_view const& v) noexcept
    {
        std::uint64_t position = v.header->tail.load(std::memory_order_acquire);  // pairs with commit()
        std::uint64_t const claimed = v.header->claimed.load(std::memory_order_relaxed);
        std::uint64_t const part = v.capacity / lossy_header::parts;
        auto const word = [&](std::uint64_t at) {
            return shared_word(v.data + (at & (v.capacity - 1))).load(std::memory_order_relaxed);
        };
        if (position % shape::unit != 0 || position > ring_header::far || claimed % part != 0 ||
            claimed > position + v.capacity || (position != 0 && claimed < position + shape::behind))
            return errc::peer_corrupt;
        if (std::uint64_t const header = word(position); header != 0) {
            if (!shape::possible(header, position, v.max_message_size))
                return errc::peer_corrupt;
            position += shape::length(shape::size(header));
            if (word(position) != 0 || claimed < position + shape::behind)
                return errc::peer_corrupt;
        }
        header_ = v.header;
        data_ = v.data;
        mask_ = v.capacity - 1;
        max_size_ = v.max_message_size;
        position_ = position;
        number_ = word(position + 8);
        claimed_ = claimed;
        messages_ = bytes_ = 0;
        attached_ = true;
        if (std::uint64_t const counted = header_->tail.load(std::memory_order_relaxed); counted != position)
            header_->last.store(counted, std::memory_order_relaxed);
        header_->tail.store(position, std::memory_order_release);  // pairs with lossy_record_reader::attach()
        STRAIT_CRASH_POINT("take over: tail told");
        return {};
    }

    void detach() noexcept
    {
        header_ = &lossy_closed_state;
        data_ = closed_state::scratch;
        mask_ = 0;
        attached_ = false;
    }

    eventcount& receivers() const noexcept { return header_->receivers; }
    bool too_large(std::size_t n) const noexcept { return n > max_size_; }

    bool has_room(std::size_t n) const noexcept { return attached_ && n <= max_size_; }

    std::span<std::byte> room(std::size_t n) noexcept
    {
        if (std::uint64_t const end = position_ + shape::length(n) + shape::behind; end > claimed_) [[unlikely]]
            claim(end);
        return {data_ + (position_ & mask_) + shape::offset, n};
    }

    void commit(std::size_t used) noexcept
    {
        if (!attached_) [[unlikely]]
            return;
        std::uint64_t const position = position_;
        std::uint64_t const next = position + shape::length(used);
        if ((position ^ next) > part() - 1) [[unlikely]]
            note(position, next);
        STRAIT_CRASH_POINT("commit: payload written");
        word(next + 8).store(++number_, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("commit: next number written");
        word(next).store(0, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("commit: next header cleared");
        word(position).store(shape::header(position, used), std::memory_order_release);  // pairs with take()
        STRAIT_CRASH_POINT("commit: header stored");
        header_->last.store(position, std::memory_order_release);  // pairs with skip()
        STRAIT_CRASH_POINT("commit: noted as the last");
        header_->tail.store(next, std::memory_order_release);  // pairs with attach() and skip()
        STRAIT_CRASH_POINT("commit: counted");
        position_ = next;
        ++messages_;
        bytes_ += used;
    }

    std::uint64_t messages() const noexcept { return messages_; }
    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    std::uint64_t part() const noexcept { return (mask_ + 1) / lossy_header::parts; }
    atomic<std::uint64_t>& word(std::uint64_t at) const noexcept { return shared_word(data_ + (at & mask_)); }

    void claim(std::uint64_t end) noexcept
    {
        claimed_ = (end + part() - 1) / part() * part();
        header_->claimed.store(claimed_, std::memory_order_release);  // pairs with catch_up()
        detail::atomic_thread_fence(std::memory_order_release);  // pairs with that of take()
        STRAIT_CRASH_POINT("reserve: oldest given up");
    }

    // The record behind this one is the first in each sixteenth that begins behind `position`, up to `next`.
    void note(std::uint64_t position, std::uint64_t next) noexcept
    {
        for (std::uint64_t i = position / part() + 1; i * part() <= next; ++i) {
            STRAIT_STEP();
            header_->first[i % lossy_header::parts].store(next, std::memory_order_relaxed);
        }
        STRAIT_CRASH_POINT("commit: beginning of a part noted");
    }

    std::byte* data_;
    std::uint64_t mask_;
    std::uint64_t position_ = 0;
    std::uint64_t number_ = 0;  // of the message to come
    std::uint64_t claimed_ = 0;
    std::uint64_t max_size_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    lossy_header* header_;
    bool attached_;
};

static_assert(overwriting_ring_writer<lossy_record_writer<message_layout{0, 1, 2}>, lossy_view>);

}  // namespace strait::detail

#endif
