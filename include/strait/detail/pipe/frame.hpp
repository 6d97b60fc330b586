// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_PIPE_FRAME_HPP
#define STRAIT_DETAIL_PIPE_FRAME_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace strait::detail {

// Bytes. A write of up to so many is atomic among the writers of a pipe.
inline constexpr std::size_t pipe_frame_limit = 4096;
#ifdef PIPE_BUF
static_assert(pipe_frame_limit <= PIPE_BUF);
#endif

// A message in a FIFO. One of fixed size has no header. One whose size varies has a header and is padded, so that each
// payload is aligned:
//
//   0 u32 size   4 u32 zero   (unit) payload   padding to a multiple of the unit, zeroed; unit = max(8, alignment)
template <message_layout L>
struct pipe_frame {
    static constexpr bool fixed = L.fixed_size != 0;
    static constexpr std::size_t unit = fixed ? 1 : std::max<std::size_t>(8, L.alignment);
    static constexpr std::size_t header = fixed ? 0 : unit;
    static constexpr std::size_t largest = fixed ? L.fixed_size : pipe_frame_limit - header;

    static_assert(L.fixed_size <= pipe_frame_limit,
                  "strait: a message in a named pipe has at most 4096 bytes (PIPE_BUF), or those of several senders would "
                  "mix: split it, or choose another transport");
    static_assert(L.alignment < pipe_frame_limit);

    struct summary {
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0;  // of payloads
    };

    static constexpr std::size_t bytes(std::size_t payload) noexcept
    {
        return fixed ? L.fixed_size : header + (payload + unit - 1) / unit * unit;
    }

    // Puts the header before a payload that is in place, and zeroes what is behind it.
    static void close(std::byte* at, std::size_t payload) noexcept
    {
        if constexpr (!fixed) {
            std::uint32_t const words[2] = {static_cast<std::uint32_t>(payload), 0};
            std::memcpy(at, words, sizeof words);
            std::memset(at + sizeof words, 0, header - sizeof words);
            std::memset(at + header + payload, 0, bytes(payload) - header - payload);
        }
    }

    static std::size_t payload(std::byte const* at) noexcept
    {
        if constexpr (fixed)
            return L.fixed_size;
        std::uint32_t size;
        std::memcpy(&size, at, sizeof size);
        return size;
    }

    // Whether a whole frame lies at the front of bytes that any process may have written.
    static bool is_sound(std::span<std::byte const> rest) noexcept
    {
        if constexpr (fixed)
            return rest.size() >= L.fixed_size;
        if (rest.size() < header)
            return false;
        std::uint32_t words[2];
        std::memcpy(words, rest.data(), sizeof words);
        return words[1] == 0 && words[0] <= largest && bytes(words[0]) <= rest.size();
    }

    // The number of messages and bytes in whole frames that this process has made.
    static summary count(std::span<std::byte const> frames) noexcept
    {
        summary s;
        while (!frames.empty()) {
            STRAIT_STEP();
            std::size_t const size = payload(frames.data());
            ++s.messages;
            s.bytes += size;
            frames = frames.subspan(bytes(size));
        }
        return s;
    }
};

}  // namespace strait::detail

#endif
