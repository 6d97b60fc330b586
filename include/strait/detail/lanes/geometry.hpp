// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_LANES_GEOMETRY_HPP
#define STRAIT_DETAIL_LANES_GEOMETRY_HPP

#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/os/allocation.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

// A ring with many senders and one receiver is many rings with one sender each, its lanes. Where they lie in the segment:
//
//   0 control block   4096 lanes_header   (at a page) 64 lanes of the same size   end
//
// Lane i is the ring (ring/geometry.hpp) of the sender that holds the i-th lock of its role. A lane has no memory before
// its first sender joins, except lane 0: the file has a hole there. Memory that has been used stays until the channel is
// removed.
//
// The receiver polls some lanes in turn: it watches them. A sender whose lane is not watched calls the receiver to it.
//
// Progress: a sender is wait-free unless its lane is full. So is a look of the receiver, which looks at each lane at most
// once. No end ever waits for a step of a sender, whether that is stopped, dead or slow: what it has committed is taken from
// its lane, what it has not committed is not there. Once a lane is watched, it waits for its turn at most while each other
// lane gives longest_turn messages. A lane whose sender was killed before it could call the receiver is looked at after at
// most turns_between_rounds turns, or, while the receiver waits, when its next slice is over.
//
// The word receiver_sleeps in the header of a lane is 1 when the sender must call. Who changes it:
//
//   the receiver stores 1, then looks at the lane once more, and then no longer
//   the sender commits, and if it then finds 1: it stores 0, sets the lane's bit in `called`, and wakes the receiver
//   the receiver takes the bits first, and looks at these lanes then, until it stores 1 again
//   the receiver does not sleep after it has taken a bit: the 0 may be younger than the 1 that was to call it. It stores 1
//   again, and looks again
//
// Both have a fence between storing and looking (the receiver's heavy() runs one for the sender), so one of them sees the
// other: the receiver is called to a message that it has not seen. A bit that is set while the receiver takes the bits is
// there the next time: it never clears a bit that it has not read. What the dead leave behind:
//
//   a sender killed after its commit and before its bit is set     a message to which the receiver was not called; a full
//                                                                  round finds it, which each slice of a wait makes
//   a sender killed so, with the word already 0                    the next sender of the lane stores 1 before it commits
//   a receiver killed with bits that it has taken, or words of 0   the next receiver watches all lanes at first
//   a receiver killed between `consumed` and `head`                the next receiver posts all lanes when it opens
//
// The next sender that holds a lane's lock goes on behind what is committed there. So a lane need not be empty to be used
// again; an empty one is only better (lane_mechanism::is_good()).
namespace strait::detail {

// What all ends of the channel share. All zero at first.
//
//   4096 receiver_sleeps u32  sleep word of the receiver (wait/sleep_word.hpp)       4100 unused
//   4104 opened          u64  written by senders: bit i is set when lane i has ever had a sender, and has memory
//   4112 called          u64  set by senders: bit i calls the receiver to lane i; the receiver clears all bits at once
//   4224 the ring_header of each lane, 512 bytes
//
// receiver_sleeps in the header of a lane says that the receiver does not look at the lane until it is called to it. So a
// sender whose lane the receiver watches reads only lines of memory that it alone writes.
struct lanes_header {
    static constexpr std::uint64_t most = 64;

    alignas(128) atomic<std::uint32_t> receiver_sleeps;
    atomic<std::uint64_t> opened;
    atomic<std::uint64_t> called;
    ring_header lanes[most];
};

static_assert(offsetof(lanes_header, receiver_sleeps) == 0 && offsetof(lanes_header, opened) == 8 &&
              offsetof(lanes_header, called) == 16 && offsetof(lanes_header, lanes) == 128 && sizeof(lanes_header) == 128 + 64 * 512);

inline std::uint64_t lanes_data_offset() noexcept { return data_offset_behind<lanes_header>(); }

// A mapped segment of lanes whose extent has been checked.
struct lanes_view {
    lanes_header* header = nullptr;
    mapping* memory = nullptr;
    int fd = -1;
    std::uint64_t first = 0;   // where the lanes begin in the file
    std::uint64_t each = 0;    // bytes of a lane
    std::uint64_t own = 0;     // the lane of this participant, if it is a sender
    ring_view sizes{};

    ring_view lane(std::uint64_t i) const noexcept
    {
        return {&header->lanes[i], memory->at(first + i * each), sizes.capacity, sizes.max_message_size};
    }

    // Makes a lane usable that has memory, as the segment says. The segment is not trusted: to look into a hole of a full file
    // system raises SIGBUS, so the kernel is asked for the memory. Where the file system cannot give it, the segment must be
    // trusted.
    error_code ensure(std::uint64_t i) const noexcept
    {
        if (error_code const e = memory->map_piece(fd, i))
            return e;
        if (memory->is_file())
            if (error_code const e = keep_allocated(fd, each, first + i * each))
                return e;
        return memory->prepare(first + i * each, each);
    }

    // Allocates the memory of a lane that has had none yet.
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

// What membership needs to know of lanes of any message type.
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
        for (std::uint64_t i = 0; i != lanes_header::most; ++i) {
            STRAIT_STEP();
            if (unread_in_lane(c, i))
                return true;
        }
        return false;
    }

    // A sender takes a lane in which another one has left nothing, if there is one: else it waits until that is read.
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
        auto* const header = &header_of<lanes_header>(c);
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
    static error_code traits(channel_options const& how, message_type const& type, channel_traits& t)
    {
        constexpr std::uint64_t far = std::uint64_t{1} << 46;
        if (error_code const e = one_lane::traits(how, type, t))
            return e;
        std::uint64_t const each = t.size - ring_data_offset();
        if (each > far / (2 * lanes_header::most))  // no address space has so much
            return errc::out_of_memory;
        t.transport = "shm_ring/mpsc";
        t.allocated = lanes_data_offset() + each;
        t.size = lanes_data_offset() + lanes_header::most * each;
        return {};
    }

    // Where a participant finds the lanes. The first opener has decided the sizes: what the control block says of them must fit
    // what is mapped, else peer_corrupt.
    static error_code view(participant const& c, role r, lanes_view& v)
    {
        v.header = &header_of<lanes_header>(c);
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
