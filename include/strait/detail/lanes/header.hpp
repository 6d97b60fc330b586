// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_LANES_HEADER_HPP
#define STRAIT_DETAIL_LANES_HEADER_HPP

#include <strait/detail/ring/header.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

// How many senders and one receiver meet. The receiver polls the lanes that it watches, in turn, and is called to the others.
//
// Progress: a sender is wait-free but when its lane is full; so is a look of the receiver, which looks at each lane at most
// once. No end ever waits for a step of a sender, whether that one is stopped, dead, or slow: what it has committed is
// taken from its lane, what it has not is not there. A lane waits for its turn at most while each other lane gives
// longest_turn messages, once it is watched; for a lane whose sender was killed before it could call, that is after at most
// turns_between_rounds turns, or when the receiver waits, at its next slice.
//
// What a lane's header says in receiver_sleeps, "call me", and who changes it:
//
//   the receiver stores 1, then looks at the lane once more, then at the lane no longer
//   the sender commits, and if it then finds 1: stores 0, sets the lane's bit in `called`, wakes
//   the receiver takes the bits first, and then looks at these lanes, until it stores 1
//   it does not sleep on a bit: its 0 may be younger than the 1 that was to call it. It stores 1 again, and looks again
//
// Between storing and looking both have a fence (the receiver's heavy() runs one for the sender), so one of them sees the
// other: a message that the receiver has not seen is called for. A bit that is set while the receiver takes the bits is
// there the next time: it never clears what it has not read. What the dead leave behind:
//
//   a sender killed after its commit and before its bit is set     a message that nobody was called to: a full round, which
//                                                                  each slice of a wait makes, finds it
//   the same, with the word already 0                              the next sender of the lane stores 1 before it commits
//   a receiver killed with bits in its hands, or words of 0        the next one watches all lanes at first
//   a receiver killed between `consumed` and `head`                the next one posts all lanes when it opens
//
// Whoever holds a lane's lock next goes on behind what is committed there, so a lane need not be empty to be used again;
// it is only better (lane_mechanism::is_good()).
namespace strait::detail {

// All zero at first.
//
//   4096 receiver_sleeps u32 futex: 1 while the receiver may be asleep     4100 unused
//   4104 opened          u64 senders: a bit for each lane that has ever had one, whose memory is there
//   4112 called          u64 senders: a bit for each lane that the receiver must look at again; the receiver takes them
//   4224 the ring_header of each lane, 512 bytes
//
// receiver_sleeps of a lane's own header says that the receiver does not look at the lane until it is called. So a sender
// that the receiver is busy with finds all it reads in lines that nobody else writes.
struct lanes_header {
    static constexpr std::uint64_t most = 64;

    alignas(128) std::atomic<std::uint32_t> receiver_sleeps;
    std::atomic<std::uint64_t> opened;
    std::atomic<std::uint64_t> called;
    ring_header lanes[most];
};

static_assert(offsetof(lanes_header, receiver_sleeps) == 0 && offsetof(lanes_header, opened) == 8 &&
              offsetof(lanes_header, called) == 16 && offsetof(lanes_header, lanes) == 128 && sizeof(lanes_header) == 128 + 64 * 512);

}  // namespace strait::detail

#endif
