// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_OPEN_HPP
#define STRAIT_DETAIL_INET_OPEN_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/inet/connector.hpp>
#include <strait/detail/inet/listener.hpp>
#include <strait/detail/inet/name.hpp>
#include <strait/detail/socket/join.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

namespace strait::detail {

// Joins a channel that has a name and runs over sockets of the loopback. What the first opener has decided holds for all.
template <message_layout L, class Options>
result<inet_name> join_tcp(std::string_view transport, endpoint const& where, Options const& how, std::uint64_t limit,
                          message_type const& type, role r, inet_settings& settings)
{
    location place;
    participant member;
    if (where.what() == endpoint::kind::path)
        return errc::invalid_endpoint;
    if (error_code const e = location::find(where, how.access, place))
        return e;
    tcp_mechanism mechanism;
    if (error_code const e = join_stream<L>(transport, place, how, limit, type, r, mechanism, member))
        return e;
    settings.capacity = member.block().capacity;
    return inet_name(std::move(member), std::move(place));
}

// The settings that these options ask for.
template <class Options>
inet_settings tcp_settings_of(Options const& how) noexcept
{
    auto const fits = [](auto n) { return static_cast<int>(std::clamp<std::int64_t>(n, 0, std::numeric_limits<int>::max())); };
    return {how.capacity, fits(how.keep_alive.count()), fits(how.user_timeout.count())};
}

// Joins such a channel of streams. Also gives the limit of a message, and the settings.
template <message_layout L, class Options>
result<inet_name> join_tcp_stream(std::string_view transport, endpoint const& where, Options const& how, message_type const& type,
                                 role r, std::uint64_t& limit, inet_settings& settings)
{
    limit = stream_limit<L>(how.max_message_size);
    settings = tcp_settings_of(how);
    auto name = join_tcp<L>(transport, where, how, limit, type, r, settings);
    if (name)
        limit = stream_limit<L>(name->member().block().max_message_size);
    return name;
}

// A connector to the receiver at this endpoint. Also gives the limit of a message, and the settings that hold there.
template <message_layout L, class Options>
result<tcp_connector> connect_tcp(std::string_view transport, endpoint const& where, Options const& how, message_type const& type,
                                  std::uint64_t& limit, inet_settings& settings)
{
    if (!where.is_address()) {
        auto name = join_tcp_stream<L>(transport, where, how, type, role::sender, limit, settings);
        if (!name)
            return name.error();
        tcp_connector by_name(std::move(*name), settings);
        by_name.describe(type);
        return by_name;
    }
    if (where.port() == 0)
        return errc::invalid_endpoint;
    auto to = resolve(where, false);
    if (!to)
        return to.error();
    limit = stream_limit<L>(how.max_message_size);
    settings = tcp_settings_of(how);
    tcp_connector by_address(std::move(*to), settings);
    by_address.describe(type);
    return by_address;
}

// A listener at this endpoint. Also gives the limit of a message.
template <message_layout L, class Options>
result<tcp_listener> listen_tcp(std::string_view transport, endpoint const& where, Options const& how, message_type const& type,
                                std::uint64_t& limit)
{
    inet_settings settings;
    if (!where.is_address()) {
        auto name = join_tcp_stream<L>(transport, where, how, type, role::receiver, limit, settings);
        if (!name)
            return name.error();
        return tcp_listener::open(std::move(*name), settings);
    }
    auto at = resolve(where, true);
    if (!at)
        return at.error();
    limit = stream_limit<L>(how.max_message_size);
    return tcp_listener::open(*at, tcp_settings_of(how));
}

inline result<void> remove_tcp(endpoint const& where)
{
    if (where.is_address())
        return {};  // an address leaves nothing behind
    if (where.what() == endpoint::kind::path)
        return errc::invalid_endpoint;
    return membership<tcp_mechanism>::remove(where);
}

}  // namespace strait::detail

#endif
