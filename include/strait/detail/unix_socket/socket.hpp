// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UNIX_SOCKET_SOCKET_HPP
#define STRAIT_DETAIL_UNIX_SOCKET_SOCKET_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstddef>

#include <sys/socket.h>

namespace strait::detail {

// What the sockets of a channel are.
struct unix_kind {
    int type = SOCK_STREAM;
    std::size_t capacity = 0;  // bytes in flight; 0: the kernel's default. The kernel counts its own overhead in and doubles it
    std::size_t packet = 0;    // bytes that must pass in one piece; 0: it is a stream
};

// A packet needs so much beside it in the sending buffer.
inline constexpr std::size_t packet_overhead = 32;

// The largest packet that this socket sends.
inline std::size_t largest_packet(int fd) noexcept
{
    int bytes = 0;
    ::socklen_t size = sizeof bytes;
    bool const known = ::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size) == 0;
    return known ? std::max(static_cast<std::size_t>(bytes), packet_overhead) - packet_overhead : 0;
}

// capacity_limit: no buffer of this host takes such a packet.
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

}  // namespace strait::detail

#endif
