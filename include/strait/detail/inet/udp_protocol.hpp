// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_UDP_PROTOCOL_HPP
#define STRAIT_DETAIL_INET_UDP_PROTOCOL_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

// What travels in a datagram: whole frames, then a trailer that says which stream they belong to, since there is no
// connection that could. A hello and an end have no frames.
namespace strait::detail {

//  0 magic   8 version  12 fixed_size  16 fingerprint  24 cookie  32 stream  40 datagram  48 first  56 count  60 kind
struct udp_trailer {
    static constexpr std::uint64_t magic_value = 0x7564'702d'7374'7261U;
    static constexpr std::uint32_t version_value = 1 | sizeof(void*) << 16;
    static constexpr std::uint32_t hello = 0x6f6c6568;  // "helo"; data and end as in frames

    std::uint64_t magic = magic_value;
    std::uint32_t version = version_value;
    std::uint32_t fixed_size = 0;
    std::uint64_t fingerprint = 0;
    std::uint64_t cookie = 0;    // of the channel; zero where the address alone says it
    std::uint64_t stream = 0;    // a random number that a sender chooses each time it finds a receiver
    std::uint64_t datagram = 0;  // its number in the stream, from 0, which is the hello
    std::uint64_t first = 0;     // how many messages of the stream were sent before it
    std::uint32_t count = 0;     // messages in it
    std::uint32_t kind = hello;

    static udp_trailer of(message_layout const& layout) noexcept
    {
        udp_trailer t;
        t.fixed_size = static_cast<std::uint32_t>(layout.fixed_size);
        t.fingerprint = layout.fingerprint;
        return t;
    }

    static udp_trailer at(std::byte const* p) noexcept
    {
        udp_trailer t;
        std::memcpy(&t, p, sizeof t);
        return t;
    }

    // What is wrong with it. untrusted_object: it is no trailer of ours, or meant for another channel.
    error_code check(udp_trailer const& wanted) const noexcept
    {
        if (magic == __builtin_bswap64(magic_value))
            return errc::incompatible_peer;
        if (magic != magic_value || cookie != wanted.cookie)
            return errc::untrusted_object;
        if (version != wanted.version)
            return errc::incompatible_peer;
        if (fixed_size != wanted.fixed_size || fingerprint != wanted.fingerprint)
            return errc::type_mismatch;
        return {};
    }
};
static_assert(sizeof(udp_trailer) == 64 && offsetof(udp_trailer, fingerprint) == 16 && offsetof(udp_trailer, stream) == 32 &&
              offsetof(udp_trailer, kind) == 60 && std::is_trivially_copyable_v<udp_trailer>);

// What a receiver answers to a sender with another message type: shorter than what it answers to.
struct udp_rejection {
    stream_rejection said;
    std::uint64_t stream = 0;  // known only to those who have seen a datagram of the stream
};
static_assert(sizeof(udp_rejection) == 24);

inline constexpr std::size_t udp_largest_payload = 65'507;  // over IPv4
inline constexpr std::size_t udp_largest_frames = (udp_largest_payload - sizeof(udp_trailer)) / 8 * 8;
inline constexpr std::size_t udp_largest_message = udp_largest_frames - sizeof(stream_frame);
static_assert(stream_frame::bytes(udp_largest_message) == udp_largest_frames);
static_assert(udp_largest_frames + sizeof(udp_trailer) <= stream_chunk);  // so a sender's buffer has always room for the trailer

template <message_layout L>
constexpr std::uint64_t udp_limit(std::uint64_t asked) noexcept
{
    if (L.fixed_size != 0)
        return L.fixed_size;
    return asked != 0 && asked < udp_largest_message ? asked : udp_largest_message;
}

}  // namespace strait::detail

#endif
