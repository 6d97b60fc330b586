// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_TCP_HPP
#define STRAIT_TRANSPORT_TCP_HPP

#include <strait/detail/inet/connector.hpp>
#include <strait/detail/inet/listener.hpp>
#include <strait/detail/inet/open.hpp>
#include <strait/detail/socket/stream_receiver.hpp>
#include <strait/detail/socket/stream_sender.hpp>
#include <strait/tcp_options.hpp>
#include <strait/transport.hpp>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace strait {

/// TCP over IPv4 and IPv6: the receiver listens, each of many senders has a connection.
///
/// Endpoints are addresses, `host:port`: a receiver at `:port` listens on every interface, a sender reaches the loopback;
/// port 0 lets the kernel choose (receiver::port() returns it). A name is a channel of this user on this host: over the
/// loopback, at a port that the control file publishes together with a secret. options.capacity is bytes of socket
/// buffer, options.max_message_size 64 MiB for types that vary, up to 4 GiB.
///
/// A sender's first operation that waits, waits for the first receiver; one that does not wait reports no_receiver. When
/// the receiver has gone, operations report no_receiver, and the next one tries to connect again. What is sent by the next
/// connection may overtake what is left of the one before. A peer with another message type is refused: by name when it
/// opens; by address nothing of it is delivered, and an operation of the sender reports type_mismatch after the refusal
/// has arrived.
///
/// When send() has returned, the kernel has the message; whether it is read, plain TCP does not say. With a sender that is
/// killed messages may be lost, and the stream then ends with end_reason::died. With an address there is no authentication
/// and no encryption, and the stream ends when every sender that was connected has gone.
class tcp {
public:
    static constexpr transport_guarantees guarantees{
        .name = "tcp",
        .senders = multiplicity::many,
        .pollable = true,
        .crosses_hosts = true,
        .committed_when = commit_point::never,
    };

    using options = tcp_options;

    template <message_layout L>
    class sender_end;
    template <message_layout L>
    class receiver_end;

    /// Removes the channel of this name; of an address there is nothing to remove. invalid_endpoint, untrusted_object.
    static result<void> remove(endpoint const& where) { return detail::remove_tcp(where); }
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class tcp::sender_end : public detail::stream_sender<L, detail::tcp_connector> {
    using base = detail::stream_sender<L, detail::tcp_connector>;

public:
    static result<sender_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        auto const connect_until = deadline::after(how.connect_timeout);
        std::uint64_t limit = 0;
        detail::inet_settings settings;
        auto connector = detail::connect_tcp<L>(guarantees.name, where, how, type, limit, settings);
        if (!connector)
            return connector.error();
        sender_end s(base(std::move(*connector), limit, connect_until, how.linger));
        if (error_code const e = s.try_connect())
            return e;
        return s;
    }

    // One direction of a connected socket, which it shares with the receiver of the other direction.
    static result<sender_end> over(detail::descriptor socket, peer_identity const&, options const& how)
    {
        detail::tcp_connector connector(std::vector<detail::inet_address>(), detail::tcp_settings_of(how));
        return sender_end(
            base(std::move(connector), std::move(socket), detail::stream_limit<L>(how.max_message_size), how.linger, true));
    }
    static detail::inet_settings sockets(options const& how) noexcept { return detail::tcp_settings_of(how); }

private:
    explicit sender_end(base s) : base(std::move(s)) {}
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class tcp::receiver_end : public detail::stream_receiver<L, detail::tcp_listener> {
    using base = detail::stream_receiver<L, detail::tcp_listener>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        std::uint64_t limit = 0;
        auto listener = detail::listen_tcp<L>(guarantees.name, where, how, type, limit);
        if (!listener)
            return listener.error();
        receiver_end r(base(std::move(*listener), limit, how.linger));
        r.describe(type);
        if (error_code const e = r.start())
            return e;
        return r;
    }

    // The other direction of a connected socket.
    static result<receiver_end> over(detail::descriptor socket, peer_identity const& who, options const& how)
    {
        receiver_end r(
            base(detail::tcp_listener(detail::tcp_settings_of(how)), detail::stream_limit<L>(how.max_message_size), how.linger));
        if (error_code const e = r.start())
            return e;
        if (error_code const e = r.adopt(std::move(socket), who))
            return e;
        return r;
    }

    /// The port at which this receiver listens.
    std::uint16_t port() const noexcept { return base::listener().port(); }

private:
    explicit receiver_end(base r) : base(std::move(r)) {}
};

}  // namespace strait

#endif
