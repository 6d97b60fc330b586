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
struct lossless_header {
    static constexpr std::uint64_t most_receivers = 64;
    static constexpr std::uint64_t joining = ~std::uint64_t{0};  // in a cursor: not known yet, so there is no room

    ring_header slowest;
    alignas(128) atomic<std::uint64_t> tail;
    alignas(128) atomic<std::uint64_t> active;
    alignas(128) eventcount receivers;
    ring_header cursors[most_receivers];
};

static_assert(offsetof(lossless_header, tail) == 512 && offsetof(lossless_header, active) == 640 &&
              offsetof(lossless_header, receivers) == 768 && offsetof(lossless_header, cursors) == 896);

// What a closed, moved from or inherited end looks at. Its eventcount says that a receiver sleeps: flush() takes its slow path.
inline constinit lossless_header lossless_closed_state{.slowest = {}, .tail = {}, .active = {}, .receivers = eventcount(1), .cursors = {}};

// A mapped ring whose extent has been checked. `ring` is what the writer or the reader of an spsc ring needs of it.
struct lossless_view {
    lossless_header* header;
    ring_view ring;
    std::uint64_t place;
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
        error_code const e = single::traits(how, type, t);
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
        v.ring = {r == role::sender ? &v.header->slowest : &v.header->cursors[place], c.memory()->data() + first, capacity,
                  single::max_size(c, capacity)};
        v.place = place;
        return {};
    }
};

}  // namespace strait::detail

#endif
