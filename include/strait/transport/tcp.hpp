// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_TCP_HPP
#define STRAIT_TRANSPORT_TCP_HPP

#include <strait/detail/stream_receiver.hpp>
#include <strait/detail/stream_sender.hpp>
#include <strait/detail/tcp_ends.hpp>
#include <strait/detail/tcp_join.hpp>
#include <strait/transport.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace strait {

/// TCP over IPv4 and IPv6: the receiver listens, each of many senders has a connection.
///
/// Endpoints are addresses, `host:port`: a receiver at `:port` listens on every interface, a sender reaches the loopback;
/// port 0 lets the kernel choose (receiver_end::port() tells). A name is a channel of this user on this host: over the
/// loopback, at a port that the companion object publishes together with a secret. options.capacity is bytes of socket
/// buffer, options.max_message_size 64 MiB for types that vary, up to 4 GiB.
///
/// A sender waits for the first receiver with its first operation; when the receiver has gone it gets no_receiver, and
/// the next operation tries to connect again. A peer with another message type is refused: by name when opening; by
/// address nothing of it is delivered, and the sender learns of it with an operation after the refusal has come.
///
/// That send() has returned says that the kernel has the message, not that it was read: plain TCP commits nothing. A
/// sender that is killed may take messages along, and the stream then ends with end_reason::died. With an address there
/// is no authentication and no encryption; the stream ends when every sender that has been there has gone.
class tcp {
public:
    static constexpr transport_guarantees guarantees{
        .name = "tcp",
        .senders = multiplicity::many,
        .pollable = true,
        .crosses_hosts = true,
        .committed_when = commit_point::never,
    };

    /// As channel_options, and what belongs to TCP.
    struct options {
        std::size_t capacity = 0;          ///< bytes of socket buffer; 0: the kernel's default
        std::size_t max_message_size = 0;  ///< as in channel_options
        std::chrono::nanoseconds connect_timeout = forever;         ///< as in channel_options
        std::chrono::nanoseconds linger = std::chrono::seconds(5);  ///< as in channel_options
        bool keep = false;                                          ///< as in channel_options
        access_mode access = access_mode::owner;                    ///< as in channel_options; of names
        /// An idle connection whose peer's host has vanished is noticed after twice this; 0 switches it off.
        std::chrono::seconds keep_alive = std::chrono::seconds(30);
        /// Data not taken by the peer's host for so long breaks the connection; 0 leaves it to the kernel (about 15
        /// minutes). A receiver that lets a full channel wait for longer counts as gone, too.
        std::chrono::milliseconds user_timeout = std::chrono::milliseconds(0);
    };

    template <message_layout L>
    class sender_end;
    template <message_layout L>
    class receiver_end;

    /// Removes the channel of this name; of an address there is nothing to remove. invalid_endpoint, untrusted_object.
    static result<void> remove(endpoint const& where) { return detail::remove_tcp(where); }

private:

    static detail::tcp_settings settings(options const& how) noexcept
    {
        auto const fits = [](auto n) { return static_cast<int>(std::clamp<std::int64_t>(n, 0, std::numeric_limits<int>::max())); };
        return {how.capacity, fits(how.keep_alive.count()), fits(how.user_timeout.count())};
    }

    template <message_layout L>
    static result<detail::tcp_name> join(endpoint const& where, options const& how, std::string_view type_name, detail::role r,
                                         std::uint64_t& limit, detail::tcp_settings& settings)
    {
        auto name = detail::join_tcp<L>(guarantees.name, where, how, limit, type_name, r, settings);
        if (name)
            limit = detail::stream_limit<L>(name->member().block().max_message_size);
        return name;
    }
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class tcp::sender_end : public detail::stream_sender<L, detail::tcp_connector> {
    using base = detail::stream_sender<L, detail::tcp_connector>;

public:
    static result<sender_end> open(endpoint const& where, options const& how, std::string_view type_name)
    {
        auto const connect_until = deadline::after(how.connect_timeout);
        auto limit = detail::stream_limit<L>(how.max_message_size);
        auto connector = [&]() -> result<detail::tcp_connector> {
            if (where.is_address()) {
                if (where.port() == 0)
                    return errc::invalid_endpoint;
                auto to = detail::resolve(where, false);
                if (!to)
                    return to.error();
                return detail::tcp_connector(std::move(*to), settings(how));
            }
            auto chosen = settings(how);
            auto name = join<L>(where, how, type_name, detail::role::sender, limit, chosen);
            if (!name)
                return name.error();
            return detail::tcp_connector(std::move(*name), chosen);
        }();
        if (!connector)
            return connector.error();
        sender_end s(base(std::move(*connector), limit, connect_until, how.linger));
        if (auto tried = s.try_connect(); !tried)
            return tried.error();
        return s;
    }

    // One direction of a connected socket, which is shared with the receiver of the other one.
    static result<sender_end> over(detail::descriptor socket, peer_identity const&, options const& how)
    {
        detail::tcp_connector connector(std::vector<detail::tcp_address>(), settings(how));
        return sender_end(
            base(std::move(connector), std::move(socket), detail::stream_limit<L>(how.max_message_size), how.linger, true));
    }
    static detail::tcp_settings sockets(options const& how) noexcept { return settings(how); }

private:
    explicit sender_end(base s) : base(std::move(s)) {}
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class tcp::receiver_end : public detail::stream_receiver<L, detail::tcp_listener> {
    using base = detail::stream_receiver<L, detail::tcp_listener>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, std::string_view type_name)
    {
        auto limit = detail::stream_limit<L>(how.max_message_size);
        auto listener = [&]() -> result<detail::tcp_listener> {
            if (where.is_address()) {
                auto at = detail::resolve(where, true);
                if (!at)
                    return at.error();
                return detail::tcp_listener::open(*at, settings(how));
            }
            auto chosen = settings(how);
            auto name = join<L>(where, how, type_name, detail::role::receiver, limit, chosen);
            if (!name)
                return name.error();
            return detail::tcp_listener::open(std::move(*name), chosen);
        }();
        if (!listener)
            return listener.error();
        receiver_end r(base(std::move(*listener), limit, how.linger));
        if (error_code const e = r.start())
            return e;
        return r;
    }

    // The other direction.
    static result<receiver_end> over(detail::descriptor socket, peer_identity const& who, options const& how)
    {
        receiver_end r(
            base(detail::tcp_listener::nowhere(settings(how)), detail::stream_limit<L>(how.max_message_size), how.linger));
        if (error_code const e = r.start())
            return e;
        if (error_code const e = r.adopt(std::move(socket), who))
            return e;
        return r;
    }

    /// Where this receiver listens.
    std::uint16_t port() const noexcept { return base::listener().port(); }

private:
    explicit receiver_end(base r) : base(std::move(r)) {}
};

}  // namespace strait

#endif
