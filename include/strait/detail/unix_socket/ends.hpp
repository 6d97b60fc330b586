// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UNIX_SOCKET_ENDS_HPP
#define STRAIT_DETAIL_UNIX_SOCKET_ENDS_HPP

#include <strait/detail/socket/join.hpp>
#include <strait/detail/socket/stream_sender.hpp>
#include <strait/detail/unix_socket/connector.hpp>
#include <strait/detail/unix_socket/listener.hpp>
#include <strait/detail/unix_socket/socket.hpp>
#include <strait/detail/unix_socket/socket_pair.hpp>
#include <strait/endpoint.hpp>
#include <strait/options.hpp>
#include <strait/peer.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/unix_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace strait::detail {

// What the transports over Unix sockets have in common. A Kind says which they are:
//   static constexpr char name[]
//   template <message_layout L> static std::uint64_t limit(asked)    of one message
//   static unix_kind sockets(capacity, limit)
//   template <message_layout L> using receiver                       over a unix_listener
//   static constexpr bool connects                                   each sender has a connection, by which the kernel identifies it
template <class Kind>
class unix_channels {
public:
    using options = std::conditional_t<Kind::connects, unix_options, channel_options>;

    template <message_layout L>
    class sender_end;
    template <message_layout L>
    class receiver_end;
    template <message_layout L>
    class pair;

    static result<void> remove(endpoint const& where) { return membership<unix_mechanism>::remove(where); }

private:
    template <message_layout L>
    static error_code join(endpoint const& at, options const& how, message_type const& type, role r, location& where,
                           participant& member)
    {
        if (error_code const e = location::find(at, how.access, where))
            return e;
        // Before anything is made: a name may be too long for a socket, and a message for any buffer.
        if (auto const address = unix_address(where); !address)
            return address.error();
        auto const limit = Kind::template limit<L>(how.max_message_size);
        if (auto const kind = Kind::sockets(how.capacity, limit); kind.packet != 0) {
            descriptor tried;
            if (error_code const e = open_unix_socket(kind, tried))
                return e;
        }
        unix_mechanism mechanism;
        return join_stream<L>(Kind::name, where, how, limit, type, r, mechanism, member);
    }

    // The limit that the first opener has decided.
    template <message_layout L>
    static std::uint64_t limit_of(participant const& member)
    {
        return Kind::template limit<L>(member.block().max_message_size);
    }
};

// Distinct objects: safe. Shared objects: unsafe.
template <class Kind>
template <message_layout L>
class unix_channels<Kind>::sender_end : public stream_sender<L, unix_connector> {
    using base = stream_sender<L, unix_connector>;

public:
    static result<sender_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        auto const connect_until = deadline::after(how.connect_timeout);
        location place;
        participant member;
        if (error_code const e = join<L>(where, how, type, role::sender, place, member))
            return e;
        auto const limit = limit_of<L>(member);
        auto const kind = Kind::sockets(member.block().capacity, limit);
        sender_end s(base(unix_connector(std::move(member), std::move(place), kind, accept_of(how)), limit, connect_until, how.linger));
        if (error_code const e = s.try_connect())
            return e;
        return s;
    }

    // One direction of a connected socket, which it shares with the receiver of the other direction.
    static result<sender_end> over(descriptor socket, peer_identity const&, options const& how)
    {
        auto const limit = Kind::template limit<L>(how.max_message_size);
        auto const kind = Kind::sockets(how.capacity, limit);
        if (error_code const e = set_socket_buffers(socket.get(), kind))
            return e;
        unix_connector connector(kind, socket.get());
        return sender_end(base(std::move(connector), std::move(socket), limit, how.linger, true));
    }
    static unix_kind sockets(options const& how) { return Kind::sockets(how.capacity, Kind::template limit<L>(how.max_message_size)); }

    /// Who the receiver is, as the kernel identified it when this end connected. no_receiver: it has not connected yet.
    result<peer_identity> peer() const
        requires Kind::connects
    {
        if (base::native_handle() < 0)
            return errc::no_receiver;
        return unix_peer(base::native_handle());
    }

private:
    friend class pair<L>;

    explicit sender_end(base s) : base(std::move(s)) {}
};

// Distinct objects: safe. Shared objects: unsafe.
template <class Kind>
template <message_layout L>
class unix_channels<Kind>::receiver_end : public Kind::template receiver<L> {
    using base = typename Kind::template receiver<L>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        location place;
        participant member;
        if (error_code const e = join<L>(where, how, type, role::receiver, place, member))
            return e;
        auto const limit = limit_of<L>(member);
        unix_listener listener(Kind::sockets(member.block().capacity, limit), accept_of(how));
        if (error_code const e = listener.open(std::move(member), std::move(place)))
            return e;
        receiver_end r(base(std::move(listener), limit, how.linger));
        if (error_code const e = r.start())
            return e;
        return r;
    }

    // The other direction of a connected socket.
    static result<receiver_end> over(descriptor socket, peer_identity const& who, options const& how)
    {
        auto const limit = Kind::template limit<L>(how.max_message_size);
        receiver_end r(base(unix_listener(Kind::sockets(how.capacity, limit)), limit, how.linger));
        if (error_code const e = r.start())
            return e;
        if (error_code const e = r.adopt(std::move(socket), who))
            return e;
        return r;
    }

    /// Who sent the last message, as the kernel identified it when it connected; all zero before the first message.
    result<peer_identity> peer() const
        requires Kind::connects
    {
        return base::last_peer();
    }

private:
    friend class pair<L>;

    explicit receiver_end(base r) : base(std::move(r)) {}
};

/// Two connected sockets, one for each end.
template <class Kind>
template <message_layout L>
class unix_channels<Kind>::pair : public socket_pair<pair<L>, sender_end<L>, receiver_end<L>> {
    using base = socket_pair<pair<L>, sender_end<L>, receiver_end<L>>;

public:
    static result<pair> make(options const& how, message_type const&)
    {
        pair p;
        p.limit_ = Kind::template limit<L>(how.max_message_size);
        p.kind_ = Kind::sockets(how.capacity, p.limit_);
        p.linger_ = how.linger;
        if (error_code const e = p.connect(p.kind_))
            return e;
        return p;
    }

private:
    friend base;

    pair() = default;

    result<sender_end<L>> make_sender(descriptor socket)
    {
        using end = stream_sender<L, unix_connector>;
        unix_connector connector(kind_, socket.get());
        return sender_end<L>(end(std::move(connector), std::move(socket), limit_, linger_));
    }
    result<receiver_end<L>> make_receiver(descriptor socket)
    {
        using end = typename Kind::template receiver<L>;
        receiver_end<L> r(end(unix_listener(kind_), limit_, linger_));
        if (error_code const e = r.start())
            return e;
        auto const who = unix_peer(socket.get());
        if (error_code const e = r.adopt(std::move(socket), who))
            return e;
        return r;
    }

    unix_kind kind_;
    std::uint64_t limit_ = 0;
    std::chrono::nanoseconds linger_{};
};

}  // namespace strait::detail

#endif
