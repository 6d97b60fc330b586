// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_HANDSHAKE_PROTOCOL_HPP
#define STRAIT_DETAIL_HANDSHAKE_PROTOCOL_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

// How a client and an acceptor connect, over a stream socket. The client sends a stream_greeting that describes both
// directions; the acceptor answers with a handshake_answer. Where one socket carries both directions, it then carries two
// streams, each with a greeting of its own. Else the answer has the number of two channels, of which the acceptor has
// opened the one that it receives from. The client opens both and sends `joined`; the acceptor opens the other one,
// removes both names, and sends `complete`. From then on no other process can come to these channels, and a death leaves
// nothing behind.
namespace strait::detail {

inline constexpr unsigned char handshake_joined = 'j';
inline constexpr unsigned char handshake_complete = 'c';

struct handshake_answer {
    static constexpr std::uint64_t magic_value = 0x7765'6c63'6f6d'6521U;

    std::uint64_t magic = magic_value;
    std::uint32_t why = 0;  // 0: welcome; else an errc
    std::uint32_t elsewhere = 0;  // 1: another process than the one that listens serves this client
    std::uint64_t number = 0;

    // The error of the client; no_receiver when these are not the bytes of an answer.
    error_code refusal() const noexcept
    {
        if (magic != magic_value || why > static_cast<std::uint32_t>(errc::not_open))
            return errc::no_receiver;
        return why == 0 ? error_code() : make_error_code(static_cast<errc>(why));
    }
};
static_assert(sizeof(handshake_answer) == 24 && offsetof(handshake_answer, number) == 16 && std::is_trivially_copyable_v<handshake_answer>);

// The layout that the greeting of a handshake shows: made of the layouts of both directions, seen from the client.
template <message_layout Up, message_layout Down>
inline constexpr message_layout both_ways = [] {
    std::uint64_t h = 0x636f'6e6e'6563'7421U;
    for (std::uint64_t const part : {Up.fingerprint, std::uint64_t{Up.fixed_size}, Down.fingerprint, std::uint64_t{Down.fixed_size}})
        h = (h ^ part ^ (h >> 29)) * 0x9e37'79b9'7f4a'7c15U;
    return message_layout{0, 1, h};
}();

}  // namespace strait::detail

#endif
