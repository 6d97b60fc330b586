// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_LANES_GEOMETRY_HPP
#define STRAIT_DETAIL_LANES_GEOMETRY_HPP

#include <strait/detail/lanes/header.hpp>
#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/os/allocation.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <fcntl.h>

// A ring with many senders and one receiver is many rings of one sender each, its lanes. Where they lie in the segment:
//
//   0 control block   4096 lanes_header   (at a page) 64 lanes of the same size   end
//
// Lane i is the ring (ring/geometry.hpp) of the sender that holds the i-th lock of its role. A lane has no memory before
// its first sender comes, but for lane 0: the file has a hole there. Memory that has been used stays until the channel
// goes.
namespace strait::detail {

inline std::uint64_t lanes_data_offset() noexcept
{
    std::uint64_t const page = page_size();
    return (ring_header::offset + sizeof(lanes_header) + page - 1) / page * page;
}

// A mapped segment of lanes whose extent has been checked.
struct lanes_view {
    lanes_header* header = nullptr;
    mapping* memory = nullptr;
    int fd = -1;
    std::uint64_t first = 0;   // where the lanes begin in the file
    std::uint64_t each = 0;    // bytes of a lane
    std::uint64_t own = 0;     // the lane of the sender that holds our place
    ring_view sizes{};

    ring_view lane(std::uint64_t i) const noexcept
    {
        return {&header->lanes[i], memory->at(first + i * each), sizes.capacity, sizes.max_message_size};
    }

    // A lane that is said to have memory can be used from now on. Nobody who can write into the segment is believed: to
    // look into a hole of a full file system raises SIGBUS, so the kernel is asked for the memory. Unlike
    // posix_fallocate() this writes nothing where the file system cannot do it; there the segment is believed.
    error_code ensure(std::uint64_t i) const noexcept
    {
        if (error_code const e = memory->map_piece(fd, i))
            return e;
        int const done = !memory->is_file() ? 0 : uninterrupted([&] {
            return ::fallocate(fd, 0, static_cast<::off_t>(first + i * each), static_cast<::off_t>(each));
        });
        return done == 0 || errno == EOPNOTSUPP ? memory->prepare(first + i * each, each) : error_code(last_failure());
    }

    // A lane that has had no memory yet.
    error_code make(std::uint64_t i) const noexcept
    {
        if (memory->is_file())
            if (result<void> const allocated = allocate(fd, each, first + i * each); !allocated)
                return allocated.error();
        STRAIT_CRASH_POINT("make lane: allocated");
        error_code const e = memory->map_piece(fd, i);
        return e ? e : memory->prepare(first + i * each, each);
    }
};

// What the door of a named channel needs to know of lanes of any message type.
struct lane_mechanism : no_backing_object {
    static constexpr bool in_pieces = true;  // of memory, each used when its sender comes

    explicit constexpr lane_mechanism(bool v) noexcept : varies(v) {}

    bool varies;  // the size of a message

    static std::uint64_t data_offset() noexcept { return lanes_data_offset(); }

    // Bytes of a lane; 0: the size is not one of lanes.
    static std::uint64_t each(std::uint64_t size) noexcept
    {
        std::uint64_t const first = lanes_data_offset();
        return size > first && (size - first) % lanes_header::most == 0 ? (size - first) / lanes_header::most : 0;
    }

    mirror mirrored(std::uint64_t size) const noexcept
    {
        std::uint64_t const bytes = each(size);
        return varies && bytes != 0 && bytes % page_size() == 0 ? mirror(lanes_data_offset(), bytes) : mirror();
    }

    bool unread(participant const& c, location const&) const noexcept
    {
        for (std::uint64_t i = 0; i != lanes_header::most; ++i)
            if (unread_in_lane(c, i))
                return true;
        return false;
    }

    // A sender rather takes a lane in which nothing is left of another one, lest it wait until that is read.
    bool is_good(participant const& c, role r, std::uint64_t place) const noexcept
    {
        return r != role::sender || !unread_in_lane(c, place);
    }

private:
    static bool unread_in_lane(participant const& c, std::uint64_t i) noexcept
    {
        std::uint64_t const bytes = each(c.memory()->size());
        if (bytes == 0)
            return false;
        auto* const header = reinterpret_cast<lanes_header*>(c.memory()->data() + ring_header::offset);
        lanes_view const v{header, c.memory().get(), c.fd(), lanes_data_offset(), bytes};
        if ((header->opened.load(std::memory_order_acquire) >> i & 1) == 0 || v.ensure(i))  // pairs with lane_writer::attach()
            return false;
        return ring_mechanism::unread_in(c.block(), header->lanes[i], v.lane(i).data, bytes);
    }
};
static_assert(backing_object<lane_mechanism>);

template <message_layout L>
struct lane_geometry {
    using view_type = lanes_view;
    using mechanism_type = lane_mechanism;
    using one_lane = ring_geometry<L>;

    static mechanism_type mechanism() noexcept { return mechanism_type(one_lane::varies); }
    static constexpr ::off_t places(role r) noexcept { return r == role::sender ? ::off_t{lanes_header::most} : 1; }

    // Each lane is what a ring with one sender would be.
    static error_code traits(channel_options const& how, std::string_view type_name, channel_traits& t)
    {
        constexpr std::uint64_t far = std::uint64_t{1} << 46;
        if (error_code const e = one_lane::traits(how, type_name, t))
            return e;
        std::uint64_t const each = t.size - ring_data_offset();
        if (each > far / (2 * lanes_header::most))  // no address space has so much
            return errc::out_of_memory;
        t.transport = "shm_ring/mpsc";
        t.allocated = lanes_data_offset() + each;
        t.size = lanes_data_offset() + lanes_header::most * each;
        return {};
    }

    // The first opener has decided the sizes: what the control block says of them must fit what is mapped.
    static error_code view(participant const& c, role r, lanes_view& v)
    {
        v.header = reinterpret_cast<lanes_header*>(c.memory()->data() + ring_header::offset);
        v.memory = c.memory().get();
        v.fd = c.fd();
        v.first = lanes_data_offset();
        v.each = lane_mechanism::each(c.memory()->size());
        if (v.each == 0)
            return errc::peer_corrupt;
        if (error_code const e = one_lane::extent(c, v.each, v.sizes))
            return e;
        if (r == role::receiver)
            return {};
        v.own = c.place();
        bool const opened = (v.header->opened.load(std::memory_order_acquire) >> v.own & 1) != 0;  // pairs with lane_writer::attach()
        return opened ? v.ensure(v.own) : v.make(v.own);
    }
};

}  // namespace strait::detail

#endif
