// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UNIX_SOCKET_PEER_HPP
#define STRAIT_DETAIL_UNIX_SOCKET_PEER_HPP

#include <strait/options.hpp>
#include <strait/peer.hpp>

#include <functional>

#include <sys/socket.h>
#include <unistd.h>

namespace strait::detail {

// As of the moment of connect or listen.
inline peer_identity unix_peer(int fd) noexcept
{
    ::ucred c = {};
    ::socklen_t size = sizeof c;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &size) != 0)
        return {};
    return {c.pid, c.uid, c.gid};
}

// options.accept of an end; none: everybody.
using peer_predicate = std::function<bool(peer_identity const&)>;

inline bool unix_peer_allowed(peer_identity const& who, access_mode access, peer_predicate const& accept)
{
    return (access != access_mode::owner || who.uid == ::geteuid()) && (!accept || accept(who));
}

}  // namespace strait::detail

#endif
