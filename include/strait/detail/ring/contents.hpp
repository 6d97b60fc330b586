// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_CONTENTS_HPP
#define STRAIT_DETAIL_RING_CONTENTS_HPP

#include <strait/detail/membership/contents.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/detail/ring/header.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace strait::detail {

// Counts the messages of a ring with one sender from the position at which its receiver goes on. It reads words that both ends may
// be writing, so a word that cannot be is damage only while the receiver's position has stayed where it was.
class ring_counter {
public:
    // The ring's header and its messages begin at these bytes of the view.
    ring_counter(channel_view const& v, std::uint64_t header, std::uint64_t data, std::uint64_t bytes) noexcept
        : view_(v), consumed_at_(header + offsetof(ring_header, consumed)), data_(data), bytes_(bytes),
          capacity_(v.control().block().capacity), fixed_(v.control().block().element_size != 0), unit_(v.alignment())
    {
    }

    // `overtaken`: whether the sender may overwrite what this receiver has not read.
    void count(channel_contents& c, bool overtaken = false) const
    {
        if (!std::has_single_bit(capacity_) || (fixed_ ? bytes_ % capacity_ != 0 || bytes_ / capacity_ < 16 || bytes_ / capacity_ % 8 != 0
                                                       : bytes_ != capacity_)) {
            c.damage = "its capacity is not that of a ring of its size";
            return;
        }
        if (!fixed_ && unit_ == 0)
            return;  // where the second record begins cannot be known
        for (int tries = 0; tries != 4; ++tries) {
            std::optional<std::uint64_t> const from = view_.word(consumed_at_);
            if (!from || *from > ring_header::far || (!fixed_ && *from % 8 != 0)) {
                c.damage = "the position of its receiver cannot be";
                return;
            }
            if (fixed_ ? count_slots(*from, c) : count_records(*from, c))
                return;
            if (view_.word(consumed_at_) == from && !overtaken) {
                c.damage = fixed_ ? "a slot holds the number of no message" : "what lies between its records is no record";
                return;
            }
        }
    }

private:
    static constexpr std::uint64_t most_records = std::uint64_t{1} << 16;

    enum class slot : std::uint8_t { free, taken, wrong };

    slot look(std::uint64_t position) const
    {
        auto const sequence = view_.word(data_ + (position & (capacity_ - 1)) * (bytes_ / capacity_));
        if (!sequence)
            return slot::wrong;
        auto const ahead = static_cast<std::int64_t>(*sequence - (position + 1));
        if (*sequence != 0 && ahead % static_cast<std::int64_t>(capacity_) != 0)
            return slot::wrong;
        return *sequence != 0 && ahead >= 0 ? slot::taken : slot::free;
    }

    // The messages lie one behind the other, so the first slot without one is found by halving.
    bool count_slots(std::uint64_t from, channel_contents& c) const
    {
        std::uint64_t low = 0;
        std::uint64_t high = capacity_;
        while (low != high) {
            STRAIT_STEP();
            std::uint64_t const middle = low + (high - low) / 2;
            slot const found = look(from + middle);
            if (found == slot::wrong)
                return false;
            (found == slot::taken ? low : high) = found == slot::taken ? middle + 1 : middle;
        }
        c.count(low);
        return true;
    }

    bool count_records(std::uint64_t from, channel_contents& c) const
    {
        using any = record_shape<message_layout{0, 1, 0}>;
        std::uint64_t position = from;
        for (std::uint64_t n = 0; n != most_records; ++n) {
            auto const header = view_.word(data_ + (position & (capacity_ - 1)));
            if (!header)
                return false;
            if (*header == 0 || position - from >= capacity_) {
                c.count(n);
                return true;
            }
            if (!any::possible(*header, position, capacity_ - 16))
                return false;
            position += (unit_ + any::size(*header) + unit_ - 1) / unit_ * unit_;
        }
        c.count(most_records, channel_contents::knowledge::at_least);
        return true;
    }

    channel_view const& view_;
    std::uint64_t consumed_at_;
    std::uint64_t data_;
    std::uint64_t bytes_;
    std::uint64_t capacity_;
    bool fixed_;
    std::uint64_t unit_;
};

struct ring_contents {
    static bool is_of(channel_view const& v) noexcept { return v.control().transport() == "shm_ring/spsc"; }

    static void look(channel_view const& v, channel_contents& c)
    {
        std::uint64_t const first = ring_data_offset();
        if (v.size() <= first)
            c.damage = "it is too short for a ring";
        else
            ring_counter(v, ring_header::offset, first, v.size() - first).count(c);
    }
};
static_assert(contents_reader<ring_contents>);

}  // namespace strait::detail

#endif
