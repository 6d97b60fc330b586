// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_GEOMETRY_HPP
#define STRAIT_DETAIL_RING_GEOMETRY_HPP

#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/os/mapping.hpp>
#include <strait/detail/ring/header.hpp>
#include <strait/detail/ring/records.hpp>
#include <strait/detail/ring/slots.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

// Where things lie in the segment of a ring, which is its channel's control file at the same time:
//
//   0 control block   4096 ring header   data_offset() messages   end
//
// The messages begin at a page, so their alignment is kept and they can be mapped twice.
namespace strait::detail {

// Where the next page begins behind this header, which lies behind the control block.
template <class Header>
std::uint64_t data_offset_behind() noexcept
{
    std::uint64_t const page = page_size();
    return (ring_header::offset + sizeof(Header) + page - 1) / page * page;
}

inline std::uint64_t ring_data_offset() noexcept { return data_offset_behind<ring_header>(); }

// Reads a value once. The control block lies in memory that a hostile peer may write: what is checked must be what is used.
template <class T>
T read_once(T const& shared) noexcept
{
    return *static_cast<T const volatile*>(&shared);
}

template <class Header>
Header& header_of(participant const& c) noexcept
{
    return *reinterpret_cast<Header*>(c.memory()->data() + ring_header::offset);
}

// What membership needs to know of a ring of any message type.
struct ring_mechanism : no_backing_object {
    explicit constexpr ring_mechanism(bool v) noexcept : varies(v) {}

    bool varies;  // the size of a message

    static std::uint64_t data_offset() noexcept { return ring_data_offset(); }

    mirror mirrored(std::uint64_t size) const noexcept
    {
        std::uint64_t const first = ring_data_offset();
        return varies && size > first && size % page_size() == 0 ? first : 0;
    }

    bool unread(participant const& c, location const&) const noexcept
    {
        std::uint64_t const first = ring_data_offset();
        std::uint64_t const size = c.memory()->size();
        return size > first && unread_in(c.block(), header_of<ring_header>(c), c.memory()->data() + first, size - first);
    }

    // Whether a committed message lies where the next receiver would go on. The content may be damaged, or of another type, so
    // the size of a slot is computed from the sizes in the control block.
    static bool unread_in(control_block const& block, ring_header const& header, std::byte const* data, std::uint64_t bytes) noexcept
    {
        std::uint64_t const capacity = read_once(block.capacity);
        if (!std::has_single_bit(capacity))
            return false;
        std::uint64_t const consumed = header.consumed.load(std::memory_order_acquire);  // pairs with release()
        if (read_once(block.element_size) == 0) {
            if (bytes != capacity || capacity < page_size() || consumed % 8 != 0)
                return false;
            using any = record_shape<message_layout{0, 1, 0}>;
            std::uint64_t const record = shared_word(data + (consumed & (capacity - 1))).load(std::memory_order_acquire);
            return record != 0 && any::possible(record, consumed, capacity - 16);
        }
        std::uint64_t const stride = bytes / capacity;
        if (bytes % capacity != 0 || stride < 16 || stride % 8 != 0)
            return false;
        return shared_word(data + (consumed & (capacity - 1)) * stride).load(std::memory_order_acquire) == consumed + 1;
    }
};
static_assert(backing_object<ring_mechanism>);

// How the messages of a ring with one sender and one receiver are written and read.
template <message_layout L>
using spsc_writer = std::conditional_t<L.fixed_size == 0, record_writer<L>, slot_writer<L>>;
template <message_layout L>
using spsc_reader = std::conditional_t<L.fixed_size == 0, record_reader<L>, slot_reader<L>>;

// How a ring with one sender and one receiver lies in memory.
template <message_layout L>
struct ring_geometry {
    using view_type = ring_view;
    using mechanism_type = ring_mechanism;

    static constexpr bool varies = L.fixed_size == 0;
    static constexpr std::uint64_t default_bytes = std::uint64_t{1} << 20;  // half of a usual L2
    static constexpr std::uint64_t fewest_slots = 8;                        // when a slot is large

    static constexpr std::uint64_t unit() noexcept { return varies ? record_shape<L>::unit : slot_shape<L>::stride; }

    static mechanism_type mechanism() noexcept { return mechanism_type(varies); }
    static constexpr ::off_t places(role) noexcept { return 1; }

    // What a new channel is to be. out_of_memory: no address space has so much.
    static error_code traits(channel_options const& how, message_type const& type, channel_traits& t)
    {
        constexpr std::uint64_t far = std::uint64_t{1} << 46;
        std::uint64_t capacity = how.capacity;
        std::uint64_t const max_message_size = how.max_message_size;
        t.transport = "shm_ring/spsc";
        t.type = &type;
        t.fingerprint = L.fingerprint ^ (std::max<std::size_t>(8, L.alignment) - 8);  // records say nothing of alignment
        t.element_size = L.fixed_size;
        t.retained = true;
        t.keep = how.keep;
        if (capacity > far || max_message_size > far)
            return errc::out_of_memory;
        if constexpr (varies) {
            if (capacity == 0)
                capacity = std::max(default_bytes, max_message_size + 2 * unit());
            t.capacity = std::bit_ceil(std::max({capacity, page_size(), 4 * unit()}));
            t.max_message_size = largest(t.capacity, max_message_size);
            t.size = ring_data_offset() + t.capacity;
        } else {
            if (capacity == 0)
                capacity = std::max(fewest_slots, default_bytes / unit());
            t.capacity = std::bit_ceil(capacity);
            if (t.capacity > far / unit())
                return errc::out_of_memory;
            t.max_message_size = L.fixed_size;
            t.size = ring_data_offset() + t.capacity * unit();
        }
        return {};
    }

    // Where a participant finds the ring. The first opener has decided the sizes: what the control block says of them must fit
    // what is mapped, else peer_corrupt.
    static error_code view(participant const& c, role, ring_view& v)
    {
        std::uint64_t const first = ring_data_offset();
        std::uint64_t const size = c.memory()->size();
        v.header = &header_of<ring_header>(c);
        v.data = c.memory()->data() + first;
        return size <= first ? errc::peer_corrupt : extent(c, size - first, v);
    }

    // The part of view() that depends on how many bytes the messages have.
    static error_code extent(participant const& c, std::uint64_t bytes, ring_view& v)
    {
        v.capacity = read_once(c.block().capacity);
        if (!fits(v.capacity, bytes))
            return errc::peer_corrupt;
        v.max_message_size = max_size(c, v.capacity);
        return {};
    }

    static bool fits(std::uint64_t capacity, std::uint64_t bytes) noexcept
    {
        return std::has_single_bit(capacity) && bytes % capacity == 0 && bytes / capacity == (varies ? 1 : unit()) &&
               (!varies || (capacity >= page_size() && capacity >= 4 * unit()));
    }

    static std::uint64_t max_size(participant const& c, std::uint64_t capacity) noexcept
    {
        return varies ? largest(capacity, read_once(c.block().max_message_size)) : L.fixed_size;
    }

private:
    // Behind the largest record there must still be room for a header, and a size plus one must fit into 32 bits.
    static std::uint64_t largest(std::uint64_t capacity, std::uint64_t wanted) noexcept
    {
        std::uint64_t const most =
            std::min<std::uint64_t>(capacity - 2 * unit(), std::numeric_limits<std::uint32_t>::max() - std::uint32_t{1});
        return wanted == 0 ? most : std::min(wanted, most);
    }
};

}  // namespace strait::detail

#endif
