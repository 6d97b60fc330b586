// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CONNECTION_RENDEZVOUS_HPP
#define STRAIT_DETAIL_CONNECTION_RENDEZVOUS_HPP

#include <strait/detail/channel/ends.hpp>
#include <strait/detail/codec/description.hpp>
#include <strait/detail/handshake/protocol.hpp>
#include <strait/detail/inet/open.hpp>
#include <strait/detail/socket/join.hpp>
#include <strait/detail/unix_socket/connector.hpp>
#include <strait/detail/unix_socket/listener.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace strait::detail {

// One socket carries both directions.
template <class X>
concept one_socket = requires(descriptor d, peer_identity const& who, typename X::options const& how) {
    X::template sender_end<sample_layouts[1]>::over(std::move(d), who, how);
};

// Once their name is removed the two ends of a channel learn of each other's death, also where messages are retained.
template <class X>
concept two_channels = !X::guarantees.retained || requires(typename X::template sender_end<sample_layouts[1]>& s,
                                                           typename X::template receiver_end<sample_layouts[1]>& r) {
    s.expect_no_more_peers();
    r.expect_no_more_peers();
};

template <class X>
consteval bool check_connectable()
{
    static_assert(byte_transport<X>, "strait: a connection needs a transport that carries bytes, such as strait::shm_ring<> or "
                                     "strait::unix_stream");
    static_assert(X::guarantees.reliable && X::guarantees.bounded && X::guarantees.delivery == delivery_mode::each_to_one &&
                      X::guarantees.detects_death && (one_socket<X> || two_channels<X>),
                  "strait: no connection can be made over this transport, which may lose messages, sends them to all, or keeps "
                  "them for others: take shm_ring<spsc>, shm_ring<mpsc>, named_pipe, unix_stream, unix_seqpacket or tcp");
    return true;
}

// The description of what a connection carries: as a fingerprint, that of both directions.
template <class Up, class Down>
struct duplex_description {
    static constexpr type_description const* parts[] = {root_of<Up>(), root_of<Down>()};
    static constexpr char const* names[] = {"to_server", "to_client"};
    static constexpr std::uint64_t fingerprint = both_ways<codec<Up>::layout, codec<Down>::layout>.fingerprint;
    static constexpr bool grows = detail::grows<Up> || detail::grows<Down>;
    static constexpr type_description root{
        .what = kind::custom, .alignment = grows ? 1 : 0, .fingerprint = fingerprint, .parts = 2, .part = parts, .name = "connection", .names = names};
    static constexpr message_description value{kind::custom, false, fingerprint, 0, 1, &root, grows};

    static message_type type()
    {
        return {"a connection of " + boost::core::type_name<Up>() + " and " + boost::core::type_name<Down>(), &value};
    }
};

// Where an acceptor of connections over X listens and its clients connect: at a Unix socket beside a control file.
template <class X, message_layout Up, message_layout Down>
struct unix_rendezvous {
    using connector = unix_connector;
    using listener = unix_listener;
    using options = typename X::options;

    static error_code join(endpoint const& at, options const& how, message_type const& type, role r, location& where,
                           participant& member)
    {
        if (error_code const e = location::find(at, how.access, where))
            return e;
        if (auto const address = unix_address(where); !address)
            return address.error();
        unix_mechanism mechanism;
        std::string const transport = std::string("duplex ") + X::guarantees.name;
        return join_stream<both_ways<Up, Down>>(transport, where, how, 0, type, r, mechanism, member);
    }

    static unix_kind sockets(options const& how)
    {
        if constexpr (one_socket<X>) {
            auto a = X::template sender_end<Up>::sockets(how);
            a.packet = std::max(a.packet, X::template sender_end<Down>::sockets(how).packet);
            return a;
        } else {
            return {};
        }
    }

    static result<connector> to(endpoint const& at, options const& how, message_type const& type)
    {
        location where;
        participant member;
        if (error_code const e = join(at, how, type, role::sender, where, member))
            return e;
        return connector(std::move(member), std::move(where), sockets(how), accept_of(how));
    }

    static result<listener> at(endpoint const& at, options const& how, message_type const& type)
    {
        location where;
        participant member;
        if (error_code const e = join(at, how, type, role::receiver, where, member))
            return e;
        listener l(sockets(how), accept_of(how));
        if (error_code const e = l.open(std::move(member), std::move(where)))
            return e;
        return l;
    }
};

// The rendezvous at an address, or at a port of the loopback that a control file publishes.
template <class X, message_layout Up, message_layout Down>
struct tcp_rendezvous {
    using connector = tcp_connector;
    using listener = tcp_listener;
    using options = typename X::options;

    template <class End, class Make>
    static result<End> open(endpoint const& at, options const& how, message_type const& type, role r, Make make)
    {
        auto settings = X::template sender_end<Up>::sockets(how);
        if (at.is_address()) {
            if (r == role::sender && at.port() == 0)
                return errc::invalid_endpoint;
            auto all = resolve(at, r == role::receiver);
            if (!all)
                return all.error();
            return make(std::move(*all), settings);
        }
        auto name = join_tcp<both_ways<Up, Down>>(std::string("duplex ") + X::guarantees.name, at, how, 0, type, r, settings);
        if (!name)
            return name.error();
        return make(std::move(*name), settings);
    }

    static result<connector> to(endpoint const& at, options const& how, message_type const& type)
    {
        auto const make = [](auto where, auto const& settings) { return result<connector>(connector(std::move(where), settings)); };
        return open<connector>(at, how, type, role::sender, make);
    }
    static result<listener> at(endpoint const& at, options const& how, message_type const& type)
    {
        auto const make = [](auto where, auto const& settings) { return listener::open(std::move(where), settings); };
        return open<listener>(at, how, type, role::receiver, make);
    }
};

// The rendezvous of a client that sends Out and receives In.
template <class Out, class In, class X>
struct rendezvous_for {
    static_assert(check_connectable<X>());
    static constexpr message_layout up = codec<Out>::layout;
    static constexpr message_layout down = codec<In>::layout;
    using type = std::conditional_t<X::guarantees.crosses_hosts, tcp_rendezvous<X, up, down>, unix_rendezvous<X, up, down>>;
    static constexpr message_layout both = both_ways<up, down>;
    using description = duplex_description<Out, In>;
};

}  // namespace strait::detail

#endif
