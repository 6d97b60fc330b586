// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_UDP_HPP
#define STRAIT_TRANSPORT_UDP_HPP

#include <strait/detail/inet/open.hpp>
#include <strait/detail/inet/udp_connector.hpp>
#include <strait/detail/inet/udp_listener.hpp>
#include <strait/detail/inet/udp_protocol.hpp>
#include <strait/detail/socket/datagram_receiver.hpp>
#include <strait/detail/socket/stream_sender.hpp>
#include <strait/transport.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace strait {

/// UDP over IPv4 and IPv6: one receiver at a port, any number of senders. Messages can be lost, and come in another order
/// than they were sent; none comes twice, and none in part. For readings of which the next one is better than a late one.
///
/// Nothing makes a sender wait for its receiver: what comes while the receiver's socket buffer is full is lost, as is what
/// the network drops. The receiver counts in stats().dropped the messages that are missing from each sender's stream, from
/// the first datagram that it got of it; one that comes late, up to 64 datagrams behind, is delivered and counted no
/// longer. Of more than 1,024 senders it forgets those from which nothing has come for longest.
///
/// Endpoints are addresses and names, as for tcp. By a name, the channel's control file says which senders have left or
/// died. With an address a receiver's stream ends when every sender that it has heard of has said that it leaves, and the
/// datagram that says so can be lost: wait with receive_for. There is no authentication and no encryption either.
///
/// A sender's first operation that waits, waits for a receiver where its absence can be known: by a name, or at an address
/// of this host. One that does not wait reports no_receiver. At an address of another host a sender learns later, or
/// never, that no receiver listens; then it gets no_receiver, and the next operation tries again. A receiver delivers
/// nothing of a sender with another message type, and answers: an operation of that sender then reports type_mismatch.
/// Datagrams that no sender of this library has made are dropped and counted.
///
/// A message has at most 65,432 bytes and goes into one datagram; small ones of a batch share one, as long as the path to
/// the receiver takes it uncut. The library adds 72 bytes to each. options.capacity is bytes of the receiver's socket
/// buffer, more if a message needs it, by default 4 MiB; /proc/sys/net/core/rmem_max limits it.
class udp {
public:
    static constexpr transport_guarantees guarantees{
        .name = "udp",
        .senders = multiplicity::many,
        .ordered = false,
        .reliable = false,
        .bounded = false,
        .max_message_size = detail::udp_largest_message,
        .pollable = true,
        .crosses_hosts = true,
        .detects_end = false,
        .detects_death = false,
        .committed_when = commit_point::never,
    };

    using options = channel_options;

    template <message_layout L>
    class sender_end;
    template <message_layout L>
    class receiver_end;

    /// Removes the channel of this name; of an address there is nothing to remove. invalid_endpoint, untrusted_object.
    static result<void> remove(endpoint const& where) { return detail::remove_tcp(where); }

private:
    static constexpr std::size_t default_capacity = std::size_t{4} << 20;

    template <message_layout L>
    static result<detail::inet_name> join(endpoint const& where, options const& how, message_type const& type, detail::role r,
                                         std::uint64_t& limit, detail::inet_settings& settings)
    {
        auto name = detail::join_tcp<L>(guarantees.name, where, how, limit, type, r, settings);
        if (name)
            limit = detail::udp_limit<L>(name->member().block().max_message_size);
        return name;
    }
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class udp::sender_end : public detail::stream_sender<L, detail::udp_connector> {
    using base = detail::stream_sender<L, detail::udp_connector>;

public:
    static result<sender_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        auto const connect_until = deadline::after(how.connect_timeout);
        auto limit = detail::udp_limit<L>(how.max_message_size);
        auto connector = [&]() -> result<detail::udp_connector> {
            if (where.is_address()) {
                if (where.port() == 0)
                    return errc::invalid_endpoint;
                auto to = detail::resolve(where, false);
                if (!to)
                    return to.error();
                return detail::udp_connector(L, std::move(*to));
            }
            detail::inet_settings unused;
            auto name = join<L>(where, how, type, detail::role::sender, limit, unused);
            if (!name)
                return name.error();
            return detail::udp_connector(L, std::move(*name));
        }();
        if (!connector)
            return connector.error();
        connector->describe(type);
        sender_end s(base(std::move(*connector), limit, connect_until, how.linger));
        if (error_code const e = s.try_connect())
            return e;
        return s;
    }

private:
    explicit sender_end(base s) : base(std::move(s)) {}
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class udp::receiver_end : public detail::datagram_receiver<L, detail::udp_listener> {
    using base = detail::datagram_receiver<L, detail::udp_listener>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        auto limit = detail::udp_limit<L>(how.max_message_size);
        using socket = detail::inet_listener<SOCK_DGRAM>;
        auto listener = [&]() -> result<socket> {
            detail::inet_settings settings{how.capacity};
            auto const with_capacity = [&] {
                std::size_t const least = 2 * (static_cast<std::size_t>(limit) + 1024);  // the kernel counts what it rounds up
                settings.capacity = settings.capacity != 0 ? std::max(settings.capacity, least) : default_capacity;
                return settings;
            };
            if (where.is_address()) {
                auto at = detail::resolve(where, true);
                if (!at)
                    return at.error();
                return socket::open(*at, with_capacity());
            }
            auto name = join<L>(where, how, type, detail::role::receiver, limit, settings);
            if (!name)
                return name.error();
            return socket::open(std::move(*name), with_capacity());
        }();
        if (!listener)
            return listener.error();
        receiver_end r(base(detail::udp_listener(L, std::move(*listener)), limit, how.linger));
        if (error_code const e = r.start())
            return e;
        return r;
    }

    /// The port at which this receiver listens.
    std::uint16_t port() const noexcept { return base::listener().port(); }

private:
    explicit receiver_end(base r) : base(std::move(r)) {}
};

static_assert(byte_transport<udp>);

}  // namespace strait

#endif
