// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_SEALED_MEMORY_HPP
#define STRAIT_TRANSPORT_SEALED_MEMORY_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/sealed/connection.hpp>
#include <strait/detail/sealed/connector.hpp>
#include <strait/detail/sealed/sender.hpp>
#include <strait/detail/socket/join.hpp>
#include <strait/detail/socket/stream_receiver.hpp>
#include <strait/detail/unix_socket/socket_pair.hpp>
#include <strait/endpoint.hpp>
#include <strait/options.hpp>
#include <strait/peer.hpp>
#include <strait/transport.hpp>
#include <strait/unix_options.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace strait {

/// Shared memory between processes that do not trust each other, also of different users: a ring for each sender, handed over
/// through a Unix socket when the sender connects.
///
/// Each end makes the memory that it writes, and seals it (memfd_create(2)): the kernel does not let it shrink, and the peer can
/// only read it. No end takes a position from memory that the other one can write without comparing it with its own, and
/// a receiver copies each message before it looks at it, so borrow() shows a copy. So a hostile peer can send wrong values and
/// stop the channel, and can neither crash the process nor make it read or write elsewhere; a peer that stops holds up an
/// operation up to its deadline. An end that notices a lie reports errc::peer_corrupt or errc::malformed_message and leaves
/// that peer.
///
/// Endpoints are names and paths; the path with `.sock` behind it has at most 107 bytes. For other users take a path, with
/// options.access wider at both ends, and options.accept where the user should be a certain one (unix_options): then the
/// socket is all that senders see. Receivers also have a control file, which is their user's alone. Types are compared when a
/// sender connects. A path without a receiver is no error when a sender opens, and a waiting sender looks for a receiver every
/// 50 ms.
///
/// options.capacity is bytes of each sender's ring, 1 MiB by default and rounded up to a power of two; each sender decides for
/// itself. A receiver refuses a ring of more than 64 MiB (errc::refused), unless its own options.capacity is larger. The
/// largest message has, for types that vary, options.max_message_size bytes, or as many as fit into the ring; one that is larger
/// than its receiver takes counts as a lie.
///
/// What was sent lies in memory that the receiver has, or that is on the way to it: it arrives when the sender is killed. It is
/// lost with the receiver. A sender's first operation that waits, waits for the first receiver; one that does not wait reports
/// no_receiver. When the receiver has gone, operations report no_receiver, at once when it was closed and 100 us later when it
/// was killed, and the next one looks for another receiver. It needs Linux 5.1.
class sealed_memory {
public:
    static constexpr transport_guarantees guarantees{
        .name = "sealed_memory",
        .senders = multiplicity::many,
        .nameless = true,
        .committed_when = commit_point::stored,
    };
    using options = unix_options;

    template <message_layout L>
    class sender_end;
    template <message_layout L>
    class receiver_end;
    template <message_layout L>
    class pair;

    /// Removes the channel's socket and the receivers' control file. Only the user of the receivers, and root, can.
    static result<void> remove(endpoint const& where) { return detail::membership<detail::unix_mechanism>::remove(where); }

private:
    // Where the channel is and how large, before anything is made: the path may be too long for a socket.
    template <message_layout L>
    static error_code plan(endpoint const& at, options const& how, detail::location& where, detail::sealed_size& size)
    {
        if (error_code const e = detail::location::find(at, how.access, where))
            return e;
        if (auto const address = detail::unix_address(where); !address)
            return address.error();
        return size_of<L>(how, size);
    }
    template <message_layout L>
    static error_code size_of(options const& how, detail::sealed_size& size)
    {
        return detail::sealed_size::of<L>(how.capacity, how.max_message_size, detail::page_size(), size);
    }
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class sealed_memory::sender_end : public detail::sealed_sender<L> {
    using base = detail::sealed_sender<L>;

public:
    static result<sender_end> open(endpoint const& at, options const& how, message_type const& type)
    {
        auto const connect_until = deadline::after(how.connect_timeout);
        detail::location where;
        detail::sealed_size size{};
        if (error_code const e = plan<L>(at, how, where, size))
            return e;
        if (error_code const e = where.open_directory())
            return e;
        detail::sealed_connector connector(std::move(where), how.accept);
        connector.describe(type);
        sender_end s(base(std::move(connector), size, connect_until, how.linger));
        if (error_code const e = s.try_connect())
            return e;
        return s;
    }

    /// Who the receiver is, as the kernel identified it when it began to listen. no_receiver: this end has not connected yet.
    result<peer_identity> peer() const
    {
        if (!base::socket())
            return errc::no_receiver;
        return detail::unix_peer(base::socket().get());
    }

private:
    friend class pair<L>;

    explicit sender_end(base s) : base(std::move(s)) {}
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class sealed_memory::receiver_end
    : public detail::stream_receiver<L, detail::sealed_listener, detail::sealed_sessions<L>, detail::sealed_connection<L>> {
    using base = detail::stream_receiver<L, detail::sealed_listener, detail::sealed_sessions<L>, detail::sealed_connection<L>>;

public:
    static result<receiver_end> open(endpoint const& at, options const& how, message_type const& type)
    {
        detail::location where;
        detail::sealed_size size{};
        if (error_code const e = plan<L>(at, how, where, size))
            return e;
        where.keep_objects();
        detail::unix_mechanism mechanism;
        detail::participant member;
        if (error_code const e = detail::join_stream<L>(guarantees.name, where, how, size.limit, type, detail::role::receiver,
                                                        mechanism, member))
            return e;
        detail::sealed_listener listener(detail::unix_kind{}, how.accept);
        if (error_code const e = listener.open(std::move(member), std::move(where), how.access))
            return e;
        return started(std::move(listener), size, how.linger, type);
    }

    /// Who sent the last message, as the kernel identified it when it connected; all zero before the first message.
    result<peer_identity> peer() const { return base::last_peer(); }

    void native_handle() const = delete;  // it is not readable for messages that lie in memory

private:
    friend class pair<L>;

    explicit receiver_end(base r) : base(std::move(r)) {}

    static result<receiver_end> started(detail::sealed_listener from, detail::sealed_size const& size, std::chrono::nanoseconds linger,
                                        message_type const& type)
    {
        std::uint64_t const most = std::max(size.capacity, detail::sealed_size::most_mapped);
        receiver_end r(base(std::move(from), size.limit, linger, detail::sealed_sessions<L>{most}));
        r.describe(type);
        if (error_code const e = r.start())
            return e;
        return r;
    }
};

/// Two connected sockets, through which the ends hand over their memory.
template <message_layout L>
class sealed_memory::pair : public detail::socket_pair<pair<L>, sender_end<L>, receiver_end<L>> {
    using base = detail::socket_pair<pair<L>, sender_end<L>, receiver_end<L>>;

public:
    static result<pair> make(options const& how, message_type const& type)
    {
        pair p;
        if (error_code const e = size_of<L>(how, p.size_))
            return e;
        p.linger_ = how.linger;
        p.type_ = type;
        if (error_code const e = p.connect({}))
            return e;
        return p;
    }

private:
    friend base;

    pair() = default;

    result<sender_end<L>> make_sender(detail::descriptor socket)
    {
        using end = detail::sealed_sender<L>;
        sender_end<L> s(end(detail::sealed_connector(), size_, deadline::never(), linger_));
        if (error_code const e = s.adopt(std::move(socket)))
            return e;
        return s;
    }
    result<receiver_end<L>> make_receiver(detail::descriptor socket)
    {
        auto r = receiver_end<L>::started(detail::sealed_listener(detail::unix_kind{}), size_, linger_, type_);
        if (!r)
            return r.error();
        auto const who = detail::unix_peer(socket.get());
        if (error_code const e = r->adopt(std::move(socket), who))
            return e;
        return r;
    }

    detail::sealed_size size_{};
    std::chrono::nanoseconds linger_{};
    message_type type_{std::string_view()};
};

}  // namespace strait

#endif
