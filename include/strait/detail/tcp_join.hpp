// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_TCP_JOIN_HPP
#define STRAIT_DETAIL_TCP_JOIN_HPP

#include <strait/detail/stream_join.hpp>
#include <strait/detail/tcp_ends.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace strait::detail {

// Joins a channel that has a name and runs over sockets of the loopback. What the first opener has decided counts.
template <message_layout L, class Options>
result<tcp_name> join_tcp(std::string_view transport, endpoint const& where, Options const& how, std::uint64_t limit,
                          std::string_view type_name, role r, tcp_settings& settings)
{
    location place;
    companion member;
    if (where.what() == endpoint::kind::path)
        return errc::invalid_endpoint;
    if (error_code const e = location::find(where, how.access, place))
        return e;
    tcp_mechanism mechanism;
    if (error_code const e = join_stream<L>(transport, place, how, limit, type_name, r, mechanism, member))
        return e;
    settings.capacity = member.block().capacity;
    return tcp_name(std::move(member), std::move(place));
}

inline result<void> remove_tcp(endpoint const& where)
{
    if (where.is_address())
        return {};  // there is nothing that could be left behind
    if (where.what() == endpoint::kind::path)
        return errc::invalid_endpoint;
    return companion_door<tcp_mechanism>::remove(where);
}

}  // namespace strait::detail

#endif
