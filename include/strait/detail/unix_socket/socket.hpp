// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UNIX_SOCKET_SOCKET_HPP
#define STRAIT_DETAIL_UNIX_SOCKET_SOCKET_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/peer.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/unix_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>

#include <sys/socket.h>
#include <unistd.h>

namespace strait::detail {

// What the sockets of a channel are.
struct unix_kind {
    int type = SOCK_STREAM;
    std::size_t capacity = 0;  // bytes of each buffer; 0: the kernel's default. The kernel counts its own overhead in and doubles it
    std::size_t packet = 0;    // bytes that must pass in one piece; 0: it is a stream
};

// Of sockets that keep packets apart: how long a message may be, and the socket that takes it in one piece.
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

using unix_seqpacket_packets = unix_packets<SOCK_SEQPACKET>;
using unix_datagram_packets = unix_packets<SOCK_DGRAM>;

// Bytes of the sending buffer that a packet needs beside its own.
inline constexpr std::size_t packet_overhead = 32;

// Bytes of the largest packet that this socket sends.
inline std::size_t largest_packet(int fd) noexcept
{
    int bytes = 0;
    ::socklen_t size = sizeof bytes;
    bool const known = ::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size) == 0;
    return known ? std::max(static_cast<std::size_t>(bytes), packet_overhead) - packet_overhead : 0;
}

// Makes the buffers as large as asked for, and as one packet needs. capacity_limit: no buffer of this host takes such a
// packet.
inline error_code set_socket_buffers(int fd, unix_kind const& kind) noexcept
{
    auto const set = [fd](std::size_t capacity) {
        int const bytes = static_cast<int>(std::min<std::size_t>(capacity, std::size_t{1} << 30));
        ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    };
    if (kind.capacity != 0)
        set(kind.capacity);
    if (kind.packet > largest_packet(fd))
        set((kind.packet + packet_overhead + 1) / 2);
    return kind.packet > largest_packet(fd) ? make_error_code(errc::capacity_limit) : error_code();
}

inline error_code open_unix_socket(unix_kind const& kind, descriptor& s) noexcept
{
    s.reset(::socket(AF_UNIX, kind.type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return s ? set_socket_buffers(s.get(), kind) : last_failure();
}

// Who is at the other end, as of the moment of connect() or listen(). All zero where the kernel does not say.
inline peer_identity unix_peer(int fd) noexcept
{
    ::ucred c = {};
    ::socklen_t size = sizeof c;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &size) != 0)
        return {};
    return {c.pid, c.uid, c.gid};
}

// options.accept of an end; empty: it refuses no one. Options without it refuse no one either.
using peer_predicate = std::function<bool(peer_identity const&)>;
inline peer_predicate accept_of(unix_options const& how) { return how.accept; }
inline peer_predicate accept_of(channel_options const&) { return {}; }

inline bool unix_peer_allowed(peer_identity const& who, access_mode access, peer_predicate const& accept)
{
    return (access != access_mode::owner || who.uid == ::geteuid()) && (!accept || accept(who));
}

}  // namespace strait::detail

#endif
