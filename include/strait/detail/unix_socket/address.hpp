// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UNIX_SOCKET_ADDRESS_HPP
#define STRAIT_DETAIL_UNIX_SOCKET_ADDRESS_HPP

#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/location.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/unix_socket/leftover.hpp>
#include <strait/error.hpp>

#include <cstdint>
#include <cstring>
#include <string>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace strait::detail {

// What a channel over Unix sockets has beside its control file. The receiver binds the socket while it holds its place, so
// for a new channel there is nothing to make; a name that is left from before is removed.
struct unix_mechanism : no_backing_object {
    using leftover = socket_leftover;

    error_code create(participant const& p, location const& where) const { return leftover::remove(p.fd(), where); }
};
static_assert(backing_object<unix_mechanism>);

inline result<::sockaddr_un> unix_address(location const& where, char const* suffix = socket_suffix)
{
    ::sockaddr_un a = {};
    a.sun_family = AF_UNIX;
    std::string const path = where.path(suffix);
    if (path.size() >= sizeof a.sun_path)
        return errc::name_too_long;
    std::memcpy(a.sun_path, path.c_str(), path.size() + 1);
    return a;
}

}  // namespace strait::detail

#endif
