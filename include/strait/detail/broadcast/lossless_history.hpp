// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSLESS_HISTORY_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSLESS_HISTORY_HPP

#include <strait/detail/broadcast/lossless_geometry.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/header.hpp>
#include <strait/detail/ring/records.hpp>
#include <strait/detail/ring/slots.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

// The last messages of a lossless broadcast ring, for receivers that join later. The writer leaves `history_room` slots or bytes before
// its position as they are: the room that it finds ends there, as if one more receiver were so far behind. A receiver sets its bit
// in `active` before it reads the tail, so what lies up to `history_room` before that tail is there, and stays until its cursor says where
// it begins: the room that a writer has found without seeing the bit ends a capacity behind that place (lossless_writer).
//
// A slot's position is the number of its message. Records are counted: when the writer looks for room, and has written an eighth
// of `history_room` since it did this last, it notes where it is and how many records lie before. A receiver counts from the first of
// these notes that is near enough. While a receiver joins, at most one note is made, over the oldest, which lies too far back.
//
// A writer that is killed while it makes a note leaves an old position beside a new number, too far back to be used, or the
// beginning of a ring that is new, of which the first note is used.
namespace strait::detail {

// Counts messages of which none can be overwritten meanwhile.
template <message_layout L>
class lossless_walk {
    static constexpr bool varies = L.fixed_size == 0;

public:
    lossless_walk(lossless_view const& v, std::uint64_t position) noexcept : ring_(v.ring), position_(position) {}

    std::uint64_t position() const noexcept { return position_; }

    // Goes behind the message at our position; false when none is committed there.
    bool step() noexcept
    {
        if constexpr (varies) {
            std::byte const* const record = ring_.data + (position_ & (ring_.capacity - 1));
            std::uint64_t const header = shared_word(record).load(std::memory_order_acquire);  // pairs with record_writer::commit()
            if (!record_shape<L>::possible(header, position_, ring_.max_message_size))
                return false;
            position_ += record_shape<L>::length(record_shape<L>::size(header));
        } else {
            std::byte const* const slot = ring_.data + (position_ & (ring_.capacity - 1)) * slot_shape<L>::stride;
            if (shared_word(slot).load(std::memory_order_acquire) != position_ + 1)  // pairs with slot_writer::commit()
                return false;
            ++position_;
        }
        return true;
    }

    // Goes up to `end`, and adds to `count` how many messages that were. False: no message ends there.
    bool count_to(std::uint64_t end, std::uint64_t& count) noexcept
    {
        while (position_ < end) {
            STRAIT_STEP();
            if (!step())
                return false;
            ++count;
        }
        return position_ == end;
    }

private:
    ring_view ring_;
    std::uint64_t position_;
};

struct noted_record {
    std::uint64_t position;
    std::uint64_t number;
};

// The note at this place, if it is about a record up to `end` that the history has there.
template <message_layout L>
bool read_note(lossless_view const& v, std::size_t place, std::uint64_t end, noted_record& found) noexcept
{
    found.position = v.header->notes[place].position.load(std::memory_order_acquire);  // pairs with lossless_notes::make()
    found.number = v.header->notes[place].number.load(std::memory_order_relaxed);
    return found.position <= end && end - found.position <= v.history_room && found.position % record_shape<L>::unit == 0;
}

// What the writer does for later receivers. Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class lossless_notes {
    static constexpr bool varies = L.fixed_size == 0;

public:
    // Finds how many records the former writers have written. Called at the position where this writer goes on.
    error_code attach(lossless_view const& v, std::uint64_t position) noexcept
    {
        notes_ = v.header->notes;
        history_room_ = v.history_room;
        if (!varies || history_room_ == 0)
            return {};
        noted_record newest{};
        bool any = false;
        for (std::size_t i = 0; i != lossless_header::most_notes; ++i)
            if (noted_record n; read_note<L>(v, i, position, n) && (!any || n.position > newest.position)) {
                newest = n;
                place_ = i;
                any = true;
            }
        count_ = newest.number;
        last_ = newest.position;
        lossless_walk<L> walk(v, last_);
        return any && walk.count_to(position, count_) ? error_code() : make_error_code(errc::peer_corrupt);
    }

    bool is_asked_for() const noexcept { return history_room_ != 0; }

    // Notes where the writer is, and how many records lie before, if that is due; `written` is how many since attach().
    void make(std::uint64_t position, std::uint64_t written) noexcept
    {
        if (!varies || history_room_ == 0 || position - last_ < history_room_ / 8)
            return;
        place_ = (place_ + 1) % lossless_header::most_notes;
        notes_[place_].number.store(count_ + written, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("room: number of a record noted");
        notes_[place_].position.store(position, std::memory_order_release);  // pairs with read_note()
        STRAIT_CRASH_POINT("room: place of a record noted");
        last_ = position;
    }

    // Where the room of a writer at this position ends, which wants to write n bytes.
    std::uint64_t limit(std::uint64_t position, std::uint64_t capacity, std::size_t n) const noexcept
    {
        std::uint64_t const end = position - std::min(position, history_room_) + capacity;
        if constexpr (varies)
            return std::min(end, last_ + history_room_ / 8 + record_shape<L>::length(n) + record_shape<L>::unit);
        return end;
    }

private:
    lossless_note* notes_ = nullptr;
    std::uint64_t history_room_ = 0;
    std::uint64_t count_ = 0;  // of records before the position of attach()
    std::uint64_t last_ = 0;   // the position of the last note
    std::size_t place_ = 0;
};

// Where a receiver begins that wants v.history messages before `end`, the tail that it has read after it has set its bit. Adds
// to `missed` how many of them were sent and are not there. peer_corrupt: no writer has left this.
template <message_layout L>
error_code begin_of_history(lossless_view const& v, std::uint64_t end, std::uint64_t& begin, std::uint64_t& missed) noexcept
{
    if (end > ring_header::far || (L.fixed_size == 0 && end % record_shape<L>::unit != 0))
        return errc::peer_corrupt;
    lossless_walk<L> beyond(v, end);
    beyond.step();  // the tail counts a message a moment after it is there
    end = beyond.position();
    if constexpr (L.fixed_size != 0) {
        begin = end - std::min(end, v.history);
        return {};
    }
    noted_record first{};
    bool any = false;
    for (std::size_t i = 0; i != lossless_header::most_notes; ++i)
        if (noted_record n; read_note<L>(v, i, end, n) && (!any || n.position < first.position)) {
            first = n;
            any = true;
        }
    std::uint64_t count = 0;
    lossless_walk<L> there(v, first.position);
    if (!any || !there.count_to(end, count))
        return errc::peer_corrupt;
    std::uint64_t const wanted = std::min(v.history, first.number + count);
    missed = wanted - std::min(wanted, count);
    lossless_walk<L> walk(v, first.position);
    for (; count > wanted; --count) {
        STRAIT_STEP();
        walk.step();
    }
    begin = walk.position();
    return {};
}

}  // namespace strait::detail

#endif
