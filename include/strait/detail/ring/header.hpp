// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_HEADER_HPP
#define STRAIT_DETAIL_RING_HEADER_HPP

#include <strait/detail/membership/control_block.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace strait::detail {

// What the two ends of a ring share beside the messages; it follows the control block. Positions count messages in a ring
// of slots and bytes in a ring of records, from 0, and never wrap. All zero at first. One line of 128 bytes (two of 64:
// processors fetch them in pairs) for each word, because each is written at another rate:
//
//   4096  head             u64  receiver, now and then and before it waits: up to here all is free
//   4224  consumed         u64  receiver, at every message: here a later receiver goes on
//   4352  receiver_sleeps  u32  futex: 1 while the receiver may be asleep, 2 if in an event loop; cleared by who wakes
//   4480  sender_sleeps    u32  the same for the sender
//   4608  end; the messages begin at the next page
//
// How far the sender is lies in the messages themselves.
struct ring_header {
    static constexpr std::size_t offset = control_block::size_in_file;
    static constexpr std::uint64_t far = std::uint64_t{1} << 62;  // no position gets there in a century

    // How much is consumed before it is posted: enough that the word's line travels seldom, and so little that a sender
    // who waits for it has no time to fall asleep. At most a quarter of the ring.
    static constexpr std::uint64_t posted_bytes = std::uint64_t{64} << 10;

    alignas(128) std::atomic<std::uint64_t> head;
    alignas(128) std::atomic<std::uint64_t> consumed;
    alignas(128) std::atomic<std::uint32_t> receiver_sleeps;
    alignas(128) std::atomic<std::uint32_t> sender_sleeps;
};

static_assert(offsetof(ring_header, head) == 0 && offsetof(ring_header, consumed) == 128 &&
              offsetof(ring_header, receiver_sleeps) == 256 && offsetof(ring_header, sender_sleeps) == 384 &&
              sizeof(ring_header) == 512);

// Where an end lies that was closed, moved from or inherited: its hot paths run into their slow ones, which say so, and a
// late commit() or release() does nothing to anybody.
struct closed_state {
    alignas(64) static constexpr std::byte never_written[64]{};
    alignas(64) static inline constinit std::byte never_read[64]{};
    // Variables, else a compiler warns of what would lie behind the line.
    static inline constinit std::byte const* unread = never_written;
    static inline constinit std::byte* written = never_read;
    static inline constinit ring_header header{{0}, {0}, {1}, {0}};  // flush() must look closer
};

// A word of the messages that is shared. They are only ever placed by being mapped.
inline std::atomic<std::uint64_t>& shared_word(std::byte* at) noexcept
{
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(at);
}
inline std::atomic<std::uint64_t> const& shared_word(std::byte const* at) noexcept
{
    return *reinterpret_cast<std::atomic<std::uint64_t> const*>(at);
}

// A mapped ring whose extent has been checked.
struct ring_view {
    ring_header* header;
    std::byte* data;
    std::uint64_t capacity;  // power of two; slots or bytes
    std::uint64_t max_message_size;
};

}  // namespace strait::detail

#endif
