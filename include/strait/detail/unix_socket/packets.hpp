// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UNIX_SOCKET_PACKETS_HPP
#define STRAIT_DETAIL_UNIX_SOCKET_PACKETS_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/unix_socket/socket.hpp>
#include <strait/serialization/layout.hpp>

#include <cstddef>
#include <cstdint>

namespace strait::detail {

// Of Unix sockets that keep packets apart: how long a message may be, and the socket that takes it in one piece.
template <int Type>
struct unix_packets {
    static constexpr std::uint64_t default_limit = std::uint64_t{128} << 10;
    static constexpr std::uint64_t largest = std::uint64_t{2} << 20;

    template <message_layout L>
    static constexpr std::uint64_t limit(std::uint64_t asked) noexcept
    {
        std::uint64_t const wanted = L.fixed_size != 0 ? L.fixed_size : asked != 0 ? asked : default_limit;
        return wanted < largest ? wanted : largest;
    }
    static unix_kind sockets(std::size_t capacity, std::uint64_t limit) noexcept
    {
        return {Type, capacity, stream_frame::bytes(limit)};
    }
};

}  // namespace strait::detail

#endif
