// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSLESS_GEOMETRY_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSLESS_GEOMETRY_HPP

#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/detail/ring/header.hpp>
#include <strait/detail/wait/eventcount.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

// A ring with one sender whose every message goes to every receiver, in the segment that is its control file:
//
//   0 control block   4096 lossless_header   (at a page) messages, as those of a ring with one receiver   end
namespace strait::detail {

// Each receiver has the words that the receiver of an spsc ring has, its cursor, at the place of its lock.
//
//   4096  slowest    head, consumed  written by the sender: those of the slowest receiver when it last looked
//                    sender_sleeps   sleep word of the sender
//   4608  tail       u64  written by the sender at every message: here a receiver that joins begins
//   4736  active     u64  bit i: the sender waits for the receiver of place i when the ring is full. Set and cleared by that
//                         receiver; cleared by the sender when that receiver has died
//   4864  receivers  u32  eventcount of the receivers
//   4992  cursors    [64] head, consumed, of each receiver
//  37760  notes      [16] position, number: where some records begin, and how many lie before (lossless_history.hpp)
struct lossless_note {
    atomic<std::uint64_t> position;
    atomic<std::uint64_t> number;
};

struct lossless_header {
    static constexpr std::uint64_t most_receivers = 64;
    static constexpr std::size_t most_notes = 16;
    static constexpr std::uint64_t joining = ~std::uint64_t{0};  // in a cursor: not known yet, so there is no room

    ring_header slowest;
    alignas(128) atomic<std::uint64_t> tail;
    alignas(128) atomic<std::uint64_t> active;
    alignas(128) eventcount receivers;
    ring_header cursors[most_receivers];
    lossless_note notes[most_notes];
};

static_assert(offsetof(lossless_header, tail) == 512 && offsetof(lossless_header, active) == 640 &&
              offsetof(lossless_header, receivers) == 768 && offsetof(lossless_header, cursors) == 896 &&
              offsetof(lossless_header, notes) == 33664);

// What a closed, moved from or inherited end looks at. Its eventcount says that a receiver sleeps: flush() takes its slow path.
inline constinit lossless_header lossless_closed_state{.slowest = {}, .tail = {}, .active = {}, .receivers = eventcount(1), .cursors = {}, .notes = {}};

// A mapped ring whose extent has been checked. `ring` is what the writer or the reader of an spsc ring needs of it.
struct lossless_view {
    lossless_header* header;
    ring_view ring;
    std::uint64_t place;
    std::uint64_t history_room = 0;  // slots or bytes before its position that the sender does not overwrite
    std::uint64_t most_history = 0;  // in messages
    std::uint64_t history = 0;       // how many of the last messages this end asks for
};

inline std::uint64_t lossless_data_offset() noexcept { return data_offset_behind<lossless_header>(); }

// What membership needs to know. Messages are for the receivers that have joined: none is unread for a later one.
struct lossless_mechanism : no_backing_object {
    explicit constexpr lossless_mechanism(bool v) noexcept : varies(v) {}

    bool varies;  // the size of a message

    static std::uint64_t data_offset() noexcept { return lossless_data_offset(); }

    mirror mirrored(std::uint64_t size) const noexcept
    {
        std::uint64_t const first = lossless_data_offset();
        return varies && size > first && size % page_size() == 0 ? first : 0;
    }
};
static_assert(backing_object<lossless_mechanism>);

template <message_layout L>
struct lossless_geometry {
    using view_type = lossless_view;
    using mechanism_type = lossless_mechanism;
    using single = ring_geometry<L>;

    static mechanism_type mechanism() noexcept { return mechanism_type(single::varies); }
    static constexpr ::off_t places(role r) noexcept
    {
        return r == role::sender ? 1 : ::off_t{lossless_header::most_receivers};
    }

    static error_code traits(channel_options const& how, message_type const& type, channel_traits& t)
    {
        channel_options larger = how;
        if (how.history != 0) {
            t.history = how.history;
            t.history_room = history_room_for(how);
            if (t.history_room == 0)
                return errc::history_too_large;
            larger.capacity = base_capacity(how) + t.history_room;
        }
        error_code const e = single::traits(larger, type, t);
        t.max_message_size = largest(t.max_message_size, t.capacity, t.history_room);
        t.transport = "shm_ring/lossless";
        t.retained = false;
        t.size += lossless_data_offset() - ring_data_offset();
        return e;
    }

    // Where a participant finds the ring. The first opener has decided the sizes: what the control block says of them must fit
    // what is mapped, else peer_corrupt.
    static error_code view(participant const& c, role r, lossless_view& v)
    {
        std::uint64_t const first = lossless_data_offset();
        std::uint64_t const size = c.memory()->size();
        std::uint64_t const capacity = read_once(c.block().capacity);
        std::uint64_t const place = c.place();
        if (size <= first || !single::fits(capacity, size - first) || place >= lossless_header::most_receivers)
            return errc::peer_corrupt;
        v.header = &header_of<lossless_header>(c);
        v.place = place;
        v.history_room = c.block().history_room().load(std::memory_order_relaxed);
        v.most_history = c.block().history().load(std::memory_order_relaxed);
        if (v.history_room != 0 && !history_fits(v.history_room, capacity))
            return errc::peer_corrupt;
        v.ring = {r == role::sender ? &v.header->slowest : &v.header->cursors[place], c.memory()->data() + first, capacity,
                  largest(single::max_size(c, capacity), capacity, v.history_room)};
        return {};
    }

private:
    static constexpr std::uint64_t unit = single::varies ? record_shape<L>::unit : 1;

    static bool history_fits(std::uint64_t room, std::uint64_t capacity) noexcept
    {
        return room % unit == 0 && room < capacity && (!single::varies || (room >= 8 * unit && capacity - room >= 4 * unit));
    }

    // Records that are noted lie an eighth of `history_room` and one record from each other (lossless_history.hpp), and there is always
    // one in the history. The largest fits into the rest.
    static std::uint64_t largest(std::uint64_t size, std::uint64_t capacity, std::uint64_t room) noexcept
    {
        return !single::varies || room == 0 ? size : std::min({size, room / 2 - unit, capacity - room - 2 * unit});
    }

    static std::uint64_t base_capacity(channel_options const& how) noexcept
    {
        if (how.capacity != 0)
            return single::varies ? std::bit_ceil(std::max<std::uint64_t>({how.capacity, page_size(), 4 * unit})) : how.capacity;
        if constexpr (single::varies)
            return std::bit_ceil(std::max<std::uint64_t>(single::default_bytes, how.max_message_size + 2 * unit));
        else
            return std::max<std::uint64_t>(single::fewest_slots, single::default_bytes / single::unit());
    }

    // How much must stay for so many messages; 0: more than any memory has. Where the size of the largest message is not said,
    // as much as the ring has without them.
    static std::uint64_t history_room_for(channel_options const& how) noexcept
    {
        constexpr std::uint64_t far = std::uint64_t{1} << 45;
        if (how.history > far || how.capacity > far || how.max_message_size > far)
            return 0;
        if constexpr (!single::varies)
            return how.history;
        if (how.max_message_size == 0)
            return base_capacity(how);
        std::uint64_t const length = record_shape<L>::length(how.max_message_size);
        if (how.history >= far / length)
            return 0;
        std::uint64_t const messages = (how.history + 1) * length + unit;  // and the one that the first note may lie behind
        return (messages + messages / 4) / unit * unit + 8 * unit;
    }
};

}  // namespace strait::detail

#endif
