// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_UNIX_STREAM_HPP
#define STRAIT_TRANSPORT_UNIX_STREAM_HPP

#include <strait/detail/stream_join.hpp>
#include <strait/detail/stream_receiver.hpp>
#include <strait/detail/stream_sender.hpp>
#include <strait/detail/unix_socket.hpp>
#include <strait/transport.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

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
class unix_stream::sender_end {
    using named = detail::stream_sender<L, detail::unix_connector>;
    using paired = detail::stream_sender<L, detail::paired_socket>;

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
        named s(detail::unix_connector(std::move(member), std::move(place), capacity), limit, connect_until, how.linger);
        if (auto tried = s.try_connect(); !tried)
            return tried.error();
        return sender_end(std::move(s));
    }

    result<std::span<std::byte>> reserve(std::size_t size, deadline until)
    {
        if (auto* s = std::get_if<named>(&end_)) [[likely]]
            return s->reserve(size, until);
        return std::get_if<paired>(&end_)->reserve(size, until);
    }
    void commit(std::size_t used)
    {
        std::visit([&](auto& s) { s.commit(used); }, end_);
    }
    result<void> flush(deadline until)
    {
        return std::visit([&](auto& s) { return s.flush(until); }, end_);
    }
    result<void> close(deadline until)
    {
        return std::visit([&](auto& s) { return s.close(until); }, end_);
    }
    channel_stats stats() const
    {
        return std::visit([](auto const& s) { return s.stats(); }, end_);
    }

    /// -1 while no receiver is connected.
    int native_handle() const
    {
        return std::visit([](auto const& s) { return s.native_handle(); }, end_);
    }

    /// The receiver, as of connecting; no_receiver before.
    result<peer_identity> peer() const
    {
        if (native_handle() < 0)
            return errc::no_receiver;
        return detail::unix_peer(native_handle());
    }

private:
    friend class pair<L>;

    explicit sender_end(named s) : end_(std::move(s)) {}
    explicit sender_end(paired s) : end_(std::move(s)) {}

    std::variant<named, paired> end_;
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class unix_stream::receiver_end {
    using named = detail::stream_receiver<L, detail::unix_listener>;
    using paired = detail::stream_receiver<L, detail::paired_socket>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, std::string_view type_name)
    {
        detail::location place;
        detail::companion member;
        if (error_code const e = join<L>(where, how, type_name, detail::role::receiver, place, member))
            return e;
        auto const limit = detail::stream_limit<L>(member.block().max_message_size);
        auto const capacity = member.block().capacity;
        auto listener = detail::unix_listener::open(std::move(member), std::move(place), capacity);
        if (!listener)
            return listener.error();
        auto r = named::make(std::move(*listener), limit, how.linger);
        if (!r)
            return r.error();
        return receiver_end(std::move(*r));
    }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (auto* r = std::get_if<named>(&end_)) [[likely]]
            return r->peek(until);
        return std::get_if<paired>(&end_)->peek(until);
    }
    void release()
    {
        std::visit([](auto& r) { r.release(); }, end_);
    }
    end_reason ended() const
    {
        return std::visit([](auto const& r) { return r.ended(); }, end_);
    }
    result<void> close(deadline until)
    {
        return std::visit([&](auto& r) { return r.close(until); }, end_);
    }
    channel_stats stats() const
    {
        return std::visit([](auto const& r) { return r.stats(); }, end_);
    }

    /// Readable when a sender has come or has sent; messages read ahead do not show here.
    int native_handle() const
    {
        return std::visit([](auto const& r) { return r.native_handle(); }, end_);
    }

    /// Who sent the last message.
    result<peer_identity> peer() const
    {
        return std::visit([](auto const& r) -> result<peer_identity> { return r.last_peer(); }, end_);
    }

private:
    friend class pair<L>;

    explicit receiver_end(named r) : end_(std::move(r)) {}
    explicit receiver_end(paired r) : end_(std::move(r)) {}

    std::variant<named, paired> end_;
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
        return sender_end<L>(
            detail::stream_sender<L, detail::paired_socket>(detail::paired_socket(), std::move(sends_), limit_, linger_));
    }
    result<receiver_end<L>> make_receiver()
    {
        if (!receives_)
            return errc::not_open;
        auto r = detail::stream_receiver<L, detail::paired_socket>::make(detail::paired_socket(), limit_, linger_);
        if (!r)
            return r.error();
        auto const who = detail::unix_peer(receives_.get());
        if (auto adopted = r->adopt(std::move(receives_), who); !adopted)
            return adopted.error();
        return receiver_end<L>(std::move(*r));
    }

    detail::descriptor sends_;
    detail::descriptor receives_;
    std::uint64_t limit_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait

#endif
