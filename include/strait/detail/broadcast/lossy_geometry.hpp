// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSY_GEOMETRY_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSY_GEOMETRY_HPP

#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/detail/ring/header.hpp>
#include <strait/detail/ring/records.hpp>
#include <strait/detail/ring/slots.hpp>
#include <strait/detail/wait/eventcount.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

// A ring whose sender overwrites the oldest message, whether it was read or not, in the segment that is its control file:
//
//   0 control block   4096 lossy_header   ring_data_offset() messages   end
//
// Receivers write nothing here but the bit that says that one of them sleeps. They map it for writing all the same: that
// bit, and the counts of who has joined and left, lie in it.
namespace strait::detail {

// What all ends share. All but the last word is written by the sender. The three in the middle are for messages that vary.
//
//   4096 tail       u64  at every message: how far the sender is; in messages where they have one size, else in bytes
//   4104 last       u64  at every message: where the last record before the tail begins
//   4224 claimed    u64  every sixteenth of the capacity: up to here the sender may be writing
//   4232 first[16]  u64  every sixteenth of the capacity: the first record that begins in each sixteenth or later
//   4480 receivers  u32  eventcount of the receivers
struct lossy_header {
    static constexpr std::uint64_t parts = 16;

    alignas(128) atomic<std::uint64_t> tail;
    atomic<std::uint64_t> last;
    alignas(128) atomic<std::uint64_t> claimed;
    atomic<std::uint64_t> first[parts];
    alignas(128) eventcount receivers;
};

static_assert(offsetof(lossy_header, last) == 8 && offsetof(lossy_header, claimed) == 128 && offsetof(lossy_header, first) == 136 &&
              offsetof(lossy_header, receivers) == 384 && sizeof(lossy_header) == 512 && sizeof(lossy_header) <= sizeof(ring_header));

// What a closed, moved from or inherited end looks at. Its eventcount says that a receiver sleeps: flush() takes its slow path.
inline constinit lossy_header lossy_closed_state{.tail = {}, .last = {}, .claimed = {}, .first = {}, .receivers = eventcount(1)};

// A mapped ring whose extent has been checked.
struct lossy_view {
    lossy_header* header;
    std::byte* data;
    std::uint64_t capacity;  // power of two; slots or bytes
    std::uint64_t max_message_size;
    std::uint64_t history = 0;  // how many of the last messages this receiver wants
};

// The records of messages that vary. They are those of record_shape, with the message's number before the payload.
//
//   record:  0 header u64   8 number u64   offset payload, padded to a multiple of unit
template <message_layout L>
struct lossy_record_shape : record_shape<L> {
    using record_shape<L>::unit;

    static constexpr std::uint64_t behind = 16;  // bytes written behind a record: the header and number of the next one
    static constexpr std::uint64_t offset = std::max<std::size_t>(16, L.alignment);
    static constexpr std::uint64_t length(std::uint64_t size) noexcept { return (offset + size + unit - 1) / unit * unit; }

    // The largest message: so that more than half of the ring can be read while a message is written, and there is always one
    // with which a reader can go on.
    static constexpr std::uint64_t largest(std::uint64_t capacity) noexcept
    {
        return std::min<std::uint64_t>(capacity / 4 - offset - unit - behind, std::numeric_limits<std::uint32_t>::max() - 1);
    }
};

// What membership needs to know. Messages are for the receivers that have joined: none is unread for a later one.
struct lossy_mechanism : ring_mechanism {
    using ring_mechanism::ring_mechanism;

    bool unread(participant const&, location const&) const noexcept { return false; }
};
static_assert(backing_object<lossy_mechanism>);

template <message_layout L>
struct lossy_geometry {
    using view_type = lossy_view;
    using mechanism_type = lossy_mechanism;
    using single = ring_geometry<L>;

    static constexpr bool varies = single::varies;
    static constexpr std::uint64_t least() noexcept { return varies ? std::max(page_size(), 16 * single::unit()) : 2; }

    static mechanism_type mechanism() noexcept { return mechanism_type(varies); }
    static constexpr ::off_t places(role r) noexcept { return r == role::sender ? 1 : lock_bytes::most; }

    static error_code traits(channel_options const& how, message_type const& type, channel_traits& t)
    {
        constexpr std::uint64_t far = std::uint64_t{1} << 46;
        channel_options larger = how;
        if (how.max_message_size > far)
            return errc::out_of_memory;
        if constexpr (varies)
            larger.capacity = how.capacity != 0 ? std::max<std::size_t>(how.capacity, least())
                                                : std::max<std::size_t>({single::default_bytes, least(), 8 * how.max_message_size});
        else
            larger.capacity = how.capacity == 1 ? 2 : how.capacity;
        if (error_code const e = single::traits(larger, type, t))
            return e;
        if (how.history > most_messages(t.capacity))
            return errc::history_too_large;
        t.transport = "shm_ring/lossy";
        t.retained = false;
        t.max_message_size = max_size(t.capacity, how.max_message_size);
        return {};
    }

    // How many messages a ring of this capacity can hold at most.
    static constexpr std::uint64_t most_messages(std::uint64_t capacity) noexcept
    {
        return varies ? capacity / lossy_record_shape<L>::length(0) : capacity;
    }

    // Where a participant finds the ring. The first opener has decided the sizes: what the control block says of them must fit
    // what is mapped, else peer_corrupt.
    static error_code view(participant const& c, role, lossy_view& v)
    {
        std::uint64_t const first = ring_data_offset();
        std::uint64_t const size = c.memory()->size();
        std::uint64_t const capacity = read_once(c.block().capacity);
        if (size <= first || !single::fits(capacity, size - first) || capacity < least())
            return errc::peer_corrupt;
        v = {&header_of<lossy_header>(c), c.memory()->data() + first, capacity,
             max_size(capacity, read_once(c.block().max_message_size))};
        return {};
    }

private:
    static std::uint64_t max_size(std::uint64_t capacity, std::uint64_t wanted) noexcept
    {
        if constexpr (!varies)
            return L.fixed_size;
        std::uint64_t const most = lossy_record_shape<L>::largest(capacity);
        return wanted == 0 ? most : std::min(wanted, most);
    }
};

}  // namespace strait::detail

#endif
