// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_FRAME_PROTOCOL_HPP
#define STRAIT_DETAIL_FRAME_PROTOCOL_HPP

#include <strait/detail/schema/mismatch.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

// What travels over a connected stream socket: a greeting from the sender, then frames. The receiver never writes, except
// a rejection before it closes: an acknowledgement that met a closed socket would make the kernel reset the connection and
// drop what the sender had handed over. Acknowledged streams, which lose nothing by that, are in
// acknowledged/protocol.hpp.
namespace strait::detail {

// Identifies one channel among all that could listen at an address; zero where the address alone identifies it.
using stream_cookie = std::array<std::uint64_t, 2>;

//  0 magic   8 version  12 byte_order  16 word_size  20 protocol  24 fixed_size  32 fingerprint  40 cookie[2]  56 unused
struct stream_greeting {
    static constexpr std::uint64_t magic_value = 0x7473'7465'6d61'7274U;
    static constexpr std::uint32_t version_value = 1;
    static constexpr std::uint32_t byte_order_value = 0x01020304;
    static constexpr std::uint32_t plain = 0;
    static constexpr std::uint32_t acknowledged = 1;
    static constexpr std::uint32_t sealed = 2;

    std::uint64_t magic = magic_value;
    std::uint32_t version = version_value;
    std::uint32_t byte_order = byte_order_value;
    std::uint32_t word_size = sizeof(void*);
    std::uint32_t protocol = plain;
    std::uint64_t fixed_size = 0;
    std::uint64_t fingerprint = 0;
    stream_cookie cookie{};
    std::uint64_t unused = 0;

    static stream_greeting of(message_layout const& layout, stream_cookie const& cookie, std::uint32_t protocol = plain) noexcept
    {
        stream_greeting g;
        g.fixed_size = layout.fixed_size;
        g.fingerprint = layout.fingerprint;
        g.cookie = cookie;
        g.protocol = protocol;
        return g;
    }

    // What is wrong with it. untrusted_object: it is no greeting of ours, or meant for another channel.
    error_code check(stream_greeting const& wanted) const noexcept
    {
        if (magic == __builtin_bswap64(magic_value))
            return errc::incompatible_peer;
        if (magic != magic_value || cookie != wanted.cookie)
            return errc::untrusted_object;
        if (version != wanted.version || byte_order != wanted.byte_order || word_size != wanted.word_size)
            return errc::incompatible_peer;
        if (protocol != wanted.protocol)
            return errc::transport_mismatch;
        if (fixed_size != wanted.fixed_size || fingerprint != wanted.fingerprint)
            return errc::type_mismatch;
        return {};
    }
};
static_assert(sizeof(stream_greeting) == 64 && offsetof(stream_greeting, fingerprint) == 32 &&
              offsetof(stream_greeting, cookie) == 40 && std::is_trivially_copyable_v<stream_greeting>);

// Behind that of another type stands the schema of the receiver's.
struct stream_rejection {
    static constexpr std::uint64_t magic_value = 0x7265'6a65'6374'6564U;

    std::uint64_t magic = magic_value;
    std::uint32_t why = 0;
    std::uint32_t schema = 0;  // bytes

    // The error of the sender; no_receiver when these are not the bytes of a rejection.
    errc reason() const noexcept
    {
        auto const e = static_cast<errc>(why);
        bool const known = e == errc::type_mismatch || e == errc::transport_mismatch || e == errc::incompatible_peer ||
                           e == errc::untrusted_object || e == errc::peer_corrupt || e == errc::refused;
        return magic == magic_value && known ? e : errc::no_receiver;
    }
};
static_assert(sizeof(stream_rejection) == 16);

// Notes what a receiver that refuses another type has said of its own, in bytes that begin behind its rejection.
[[gnu::noinline, gnu::cold]] inline void note_rejection(stream_rejection const& said, std::string_view behind,
                                                        message_type const& ours) noexcept
{
    if (said.reason() == errc::type_mismatch)
        (void)noted_type_mismatch({}, behind.substr(0, said.schema <= behind.size() ? said.schema : 0), &ours);
}

// Before each payload, which is followed by zeroes up to a multiple of 8: frames, and so payloads, stay aligned. A payload
// is one message, or, where all have one size, a run of them.
struct stream_frame {
    static constexpr std::uint32_t data = 0x61746164;  // "data"
    static constexpr std::uint32_t end = 0x20646e65;   // "end ": the sender has left and not died
    static constexpr std::uint32_t with_handles = 0x73646600;  // "\0fds": data; the low byte says how many came beside it
    static constexpr std::uint64_t largest_payload = 0xffff'fff0U;
    static constexpr std::size_t longest_run = 4096;  // bytes
    static constexpr std::size_t most_handles = 64;   // descriptors beside one message; the kernel takes 253

    std::uint32_t size = 0;
    std::uint32_t kind = data;

    static constexpr std::size_t bytes(std::size_t payload) noexcept
    {
        return sizeof(stream_frame) + (payload + 7) / 8 * 8;
    }

    static constexpr std::size_t messages_in_run(std::size_t fixed_size) noexcept
    {
        return fixed_size < longest_run ? longest_run / fixed_size : 1;
    }

    // Whether a payload can be messages of this size; 0: one of any.
    static constexpr bool fits(std::size_t payload, std::size_t fixed_size) noexcept
    {
        return fixed_size == 0 || payload == fixed_size ||
               (payload != 0 && payload <= longest_run && payload % fixed_size == 0);
    }

    // The kind of a frame of data with so many descriptors, and how many a frame says come with its first byte.
    static constexpr std::uint32_t kind_of(std::size_t handles) noexcept
    {
        return handles == 0 ? data : with_handles | static_cast<std::uint32_t>(handles);
    }
    std::size_t handles() const noexcept { return (kind & ~0xffU) == with_handles ? kind & 0xffU : 0; }

    // Writes the header and the padding around a payload that lies behind the place of its header; returns the bytes of all.
    static std::size_t write_around(std::byte* place, std::size_t payload, std::uint32_t kind) noexcept
    {
        stream_frame const header{static_cast<std::uint32_t>(payload), kind};
        std::size_t const all = bytes(payload);
        std::memset(place + sizeof header + payload, 0, all - sizeof header - payload);
        std::memcpy(place, &header, sizeof header);
        return all;
    }

    static stream_frame at(std::byte const* p) noexcept
    {
        stream_frame f;
        std::memcpy(&f, p, sizeof f);
        return f;
    }
};
static_assert(sizeof(stream_frame) == 8);

// Bytes of the largest message of a type that varies, where options.max_message_size says nothing else.
inline constexpr std::uint64_t stream_default_limit = std::uint64_t{64} << 20;

template <message_layout L>
constexpr std::uint64_t stream_limit(std::uint64_t asked) noexcept
{
    if (L.fixed_size != 0)
        return L.fixed_size;
    std::uint64_t const limit = asked != 0 ? asked : stream_default_limit;
    return limit < stream_frame::largest_payload ? limit : stream_frame::largest_payload;
}

// Bytes that one system call sends or receives, unless a message is longer.
inline constexpr std::size_t stream_chunk = std::size_t{64} << 10;

}  // namespace strait::detail

#endif
