// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_JOIN_HPP
#define STRAIT_DETAIL_SOCKET_JOIN_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/membership/membership.hpp>

#include <cstdint>
#include <string_view>

namespace strait::detail {

// Joins a channel that has a name and runs over stream sockets.
template <message_layout L, class Options, class Mechanism>
error_code join_stream(std::string_view transport, location& where, Options const& how, std::uint64_t limit,
                       message_type const& type, role r, Mechanism& mechanism, participant& member)
{
    channel_traits traits = traits_beside<L>(transport, type, how);
    traits.max_message_size = limit;
    return membership<Mechanism>::join(where, traits, r, r == role::sender ? lock_bytes::most : 1, mechanism, member);
}

}  // namespace strait::detail

#endif
