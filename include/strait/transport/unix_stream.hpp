// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_UNIX_STREAM_HPP
#define STRAIT_TRANSPORT_UNIX_STREAM_HPP

#include <strait/detail/stream_join.hpp>
#include <strait/detail/stream_receiver.hpp>
#include <strait/detail/stream_sender.hpp>
#include <strait/detail/unix_socket.hpp>
#include <strait/transport.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include <sys/socket.h>

namespace strait {

/// A Unix domain stream socket: many senders, each with a connection of its own; the kernel tells who they are.
///
/// Endpoints are names and paths; the path with `.sock` behind it has at most 107 bytes. options.capacity is bytes of
/// socket buffer (the kernel's default otherwise), options.max_message_size 64 MiB for types that vary, up to 4 GiB.
///
/// What was sent is in the kernel: it arrives when the sender is killed, unless it was being written at that moment; it
/// is lost with the receiver. A sender waits for the first receiver with its first operation; when the receiver has gone
/// it gets no_receiver, and the next operation tries the next one. Only processes of the same user are accepted, unless
/// options.access is wider. A message of which one byte has gone is accepted; its rest goes first in the next operation.
class unix_stream {
public:
    static constexpr transport_guarantees guarantees{
        .name = "unix_stream",
        .senders = multiplicity::many,
        .pollable = true,
        .nameless = true,
        .committed_when = commit_point::call_returned,
    };

    using options = channel_options;

    template <message_layout L>
    class sender_end;
    template <message_layout L>
    class receiver_end;
    template <message_layout L>
    class pair;

    static result<void> remove(endpoint const& where) { return detail::companion_door<detail::unix_mechanism>::remove(where); }

private:
    template <message_layout L>
    static error_code join(endpoint const& at, options const& how, std::string_view type_name, detail::role r,
                           detail::location& where, detail::companion& member)
    {
        if (error_code const e = detail::location::find(at, how.access, where))
            return e;
        // Before anything is made: a name that no socket can have.
        if (auto const address = detail::unix_address(where); !address)
            return address.error();
        detail::unix_mechanism mechanism;
        return detail::join_stream<L>(guarantees.name, where, how, type_name, r, mechanism, member);
    }
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class unix_stream::sender_end : public detail::stream_sender<L, detail::unix_connector> {
    using base = detail::stream_sender<L, detail::unix_connector>;

public:
    static result<sender_end> open(endpoint const& where, options const& how, std::string_view type_name)
    {
        auto const connect_until = deadline::after(how.connect_timeout);
        detail::location place;
        detail::companion member;
        if (error_code const e = join<L>(where, how, type_name, detail::role::sender, place, member))
            return e;
        auto const limit = detail::stream_limit<L>(member.block().max_message_size);
        auto const capacity = member.block().capacity;
        sender_end s(base(detail::unix_connector(std::move(member), std::move(place), capacity), limit, connect_until, how.linger));
        if (auto tried = s.try_connect(); !tried)
            return tried.error();
        return s;
    }

    /// The receiver, as of connecting; no_receiver before.
    result<peer_identity> peer() const
    {
        if (base::native_handle() < 0)
            return errc::no_receiver;
        return detail::unix_peer(base::native_handle());
    }

private:
    friend class pair<L>;

    explicit sender_end(base s) : base(std::move(s)) {}
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class unix_stream::receiver_end : public detail::stream_receiver<L, detail::unix_listener> {
    using base = detail::stream_receiver<L, detail::unix_listener>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, std::string_view type_name)
    {
        detail::location place;
        detail::companion member;
        if (error_code const e = join<L>(where, how, type_name, detail::role::receiver, place, member))
            return e;
        auto const limit = detail::stream_limit<L>(member.block().max_message_size);
        auto const capacity = member.block().capacity;
        detail::unix_listener listener;
        if (error_code const e = listener.open(std::move(member), std::move(place), capacity))
            return e;
        receiver_end r(base(std::move(listener), limit, how.linger));
        if (error_code const e = r.start())
            return e;
        return r;
    }

    /// Who sent the last message.
    result<peer_identity> peer() const { return base::last_peer(); }

private:
    friend class pair<L>;

    explicit receiver_end(base r) : base(std::move(r)) {}
};

/// A socketpair. The kernel tells each end of the other's death, whoever else has held the descriptors.
template <message_layout L>
class unix_stream::pair {
public:
    static result<pair> make(options const& how, std::string_view)
    {
        int fds[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
            return detail::last_failure();
        pair p(how, detail::descriptor(fds[0]), detail::descriptor(fds[1]));
        detail::set_socket_buffers(fds[0], how.capacity);
        detail::set_socket_buffers(fds[1], how.capacity);
        return p;
    }

    result<sender_end<L>> sender() &&
    {
        receives_.reset();
        return make_sender();
    }
    result<receiver_end<L>> receiver() &&
    {
        sends_.reset();
        return make_receiver();
    }
    result<std::pair<sender_end<L>, receiver_end<L>>> split() &&
    {
        auto r = make_receiver();
        if (!r)
            return r.error();
        auto s = make_sender();
        if (!s)
            return s.error();
        return std::pair(std::move(*s), std::move(*r));
    }

private:
    pair(options const& how, detail::descriptor s, detail::descriptor r)
        : sends_(std::move(s)), receives_(std::move(r)), limit_(detail::stream_limit<L>(how.max_message_size)), linger_(how.linger)
    {
    }

    result<sender_end<L>> make_sender()
    {
        if (!sends_)
            return errc::not_open;
        using end = detail::stream_sender<L, detail::unix_connector>;
        return sender_end<L>(end(detail::unix_connector(), std::move(sends_), limit_, linger_));
    }
    result<receiver_end<L>> make_receiver()
    {
        if (!receives_)
            return errc::not_open;
        using end = detail::stream_receiver<L, detail::unix_listener>;
        receiver_end<L> r(end(detail::unix_listener(), limit_, linger_));
        if (error_code const e = r.start())
            return e;
        auto const who = detail::unix_peer(receives_.get());
        if (error_code const e = r.adopt(std::move(receives_), who))
            return e;
        return r;
    }

    detail::descriptor sends_;
    detail::descriptor receives_;
    std::uint64_t limit_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait

#endif
