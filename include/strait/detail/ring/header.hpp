// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_HEADER_HPP
#define STRAIT_DETAIL_RING_HEADER_HPP

#include <strait/detail/membership/control_block.hpp>
#include <strait/detail/os/atomic.hpp>

#include <cstddef>
#include <cstdint>

namespace strait::detail {

// What the two ends of a ring share besides the messages; it follows the control block. Positions count messages in a ring
// of slots and bytes in a ring of records, from 0, and never wrap. All zero at first. Each word has 128 bytes for itself (two
// lines of 64: processors fetch them in pairs), because each is written at another rate:
//
//   4096  head             u64  written by the receiver now and then, and before it waits: all before it is free
//   4224  consumed         u64  written by the receiver at every message: here a later receiver goes on
//   4352  receiver_sleeps  u32  sleep word of the receiver (wait/sleep_word.hpp)
//   4480  sender_sleeps    u32  sleep word of the sender
//   4608  end; the messages begin at the next page
//
// How far the sender is can be seen from the messages themselves.
struct ring_header {
    static constexpr std::size_t offset = control_block::size_in_file;
    static constexpr std::uint64_t far = std::uint64_t{1} << 62;  // no position gets there in a century

    // After how many consumed bytes the receiver posts the room: so many that the word's line travels seldom, and so few that
    // a sender that waits for room has no time to fall asleep. At most a quarter of the ring.
    static constexpr std::uint64_t posted_bytes = std::uint64_t{64} << 10;

    alignas(128) atomic<std::uint64_t> head;
    alignas(128) atomic<std::uint64_t> consumed;
    alignas(128) atomic<std::uint32_t> receiver_sleeps;
    alignas(128) atomic<std::uint32_t> sender_sleeps;
};

static_assert(offsetof(ring_header, head) == 0 && offsetof(ring_header, consumed) == 128 &&
              offsetof(ring_header, receiver_sleeps) == 256 && offsetof(ring_header, sender_sleeps) == 384 &&
              sizeof(ring_header) == 512);

// The memory that an end looks at when it was closed, moved from, or inherited by a child of fork(). Its hot paths find no
// message or no room there, and its slow paths then report the reason. A late commit() or release() writes here, where no
// other end looks.
struct closed_state {
    alignas(64) static constexpr std::byte zeroes[64]{};
    alignas(64) static inline constinit std::byte unused[64]{};
    // These are variables, because a compiler would warn of accesses behind a line of 64 bytes that it knows.
    static inline constinit std::byte const* no_message = zeroes;
    static inline constinit std::byte* scratch = unused;
    static inline constinit ring_header header{{0}, {0}, {1}, {0}};  // "the receiver sleeps": flush() takes its slow path
};

// A shared word among the messages. Such words come into being by being mapped, and are never constructed.
inline atomic<std::uint64_t>& shared_word(std::byte* at) noexcept
{
    return *reinterpret_cast<atomic<std::uint64_t>*>(at);
}
inline atomic<std::uint64_t> const& shared_word(std::byte const* at) noexcept
{
    return *reinterpret_cast<atomic<std::uint64_t> const*>(at);
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
