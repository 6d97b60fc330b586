// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_SOCKET_BYTES_HPP
#define STRAIT_DETAIL_SOCKET_SOCKET_BYTES_HPP

#include <strait/detail/os/descriptor.hpp>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include <sys/socket.h>
#include <sys/uio.h>

// Reading from connected sockets, and the descriptors that can go beside the bytes of a Unix socket (SCM_RIGHTS). The
// kernel ties these to the first byte that is sent with them: the read of that byte brings all of them, and no read
// goes on behind a piece that has some.
namespace strait::detail {

// Calls `receive`, which makes one system call that reads from a connected socket, and returns what it returned. When the
// other side has closed its socket with anything unread in it, a Unix socket that keeps packets apart reports
// ECONNRESET once, before the packets that came from there. So after a reset the call is made once more: what had come
// is read first.
template <class Receive>
::ssize_t read_behind_reset(Receive receive)
{
    ::ssize_t const n = uninterrupted(receive);
    return n < 0 && errno == ECONNRESET ? uninterrupted(receive) : n;
}

// Receives bytes as recv(2) does, behind a reset too.
inline ::ssize_t receive_bytes(int socket, std::span<std::byte> to, int flags) noexcept
{
    return read_behind_reset([&] { return ::recv(socket, to.data(), to.size(), flags); });
}

// How many the kernel passes at a time (SCM_MAX_FD).
inline constexpr std::size_t most_passed = 253;

// Sends bytes and descriptors as send(2) does.
inline ::ssize_t send_with_handles(int socket, std::span<std::byte const> bytes, std::span<int const> handles) noexcept
{
    alignas(::cmsghdr) char control[CMSG_SPACE(most_passed * sizeof(int))];
    ::iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    ::msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(handles.size_bytes());
    ::cmsghdr* const c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(handles.size_bytes());
    std::memcpy(CMSG_DATA(c), handles.data(), handles.size_bytes());
    return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Receives bytes as receive_bytes() does. Up to `most` descriptors that came beside them are added to `handles`, which
// has room for them, with close-on-exec. The kernel closes the others: `cut` is set when there were more than that, or
// more than this process can have.
inline ::ssize_t receive_with_handles(int socket, std::span<std::byte> bytes, int flags, std::size_t most,
                                      std::vector<descriptor>& handles, bool& cut)
{
    alignas(::cmsghdr) char control[CMSG_SPACE(most_passed * sizeof(int))];
    ::iovec part{bytes.data(), bytes.size()};
    ::msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = most == 0 ? 0 : CMSG_LEN(most * sizeof(int));
    auto const n = read_behind_reset([&] { return ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC); });
    if (n < 0)
        return n;
    for (::cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
                int fd = -1;
                std::memcpy(&fd, reinterpret_cast<char const*>(c) + at, sizeof fd);
                handles.emplace_back(fd);
                cut = cut || !handles.back();
            }
    cut = cut || (message.msg_flags & MSG_CTRUNC) != 0;
    return n;
}

}  // namespace strait::detail

#endif
