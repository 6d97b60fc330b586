// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_ACKNOWLEDGED_HPP
#define STRAIT_TRANSPORT_ACKNOWLEDGED_HPP

#include <strait/acknowledged_options.hpp>
#include <strait/detail/acknowledged/sender.hpp>
#include <strait/detail/acknowledged/sessions.hpp>
#include <strait/detail/inet/open.hpp>
#include <strait/detail/socket/stream_receiver.hpp>
#include <strait/transport.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace strait {

class tcp;

/// Declared for acknowledged<tcp>, the only one.
template <class X>
class acknowledged;

/// TCP whose messages survive the connection: `acknowledged<tcp>`. A sender buffers what it has sent until the receiver has
/// acknowledged it. When the connection breaks, at any byte, it connects again and sends once more what is missing, and the
/// receiver leaves out what it has had. While both processes live nothing is lost and nothing comes twice.
///
/// A message counts as taken when receive() returns it, or when a borrowed one is released. So, when a process is killed and
/// started again:
///
/// * A receiver's death loses nothing that it has not taken, as long as its sender lives: the next receiver gets the rest,
///   in order. By a name it goes on where that one was: at most the message in its hands comes once more, or not at all if
///   receive() was about to return it. That holds for 96 connections at once. By an address it knows nothing of the one
///   before, which may have been on another host: what that one took and had not yet acknowledged comes once more. A
///   receiver that is closed acknowledges all that it has taken.
/// * A sender's death loses what was not acknowledged, since that lay in its memory. Started again it is another sender.
///
/// send() returns when the message is buffered and, while there is a connection, handed to the kernel. options.capacity is
/// the size of that buffer in bytes (1 MiB by default; one message always fits, however large): when it is full a sender
/// waits. flush() waits until all is acknowledged; close(), and so the destructor, up to options.linger, and an error of
/// it says that some may not have been read: stats().dropped counts them. There is no thread behind this: a broken
/// connection is noticed and replaced in the sender's operations. Before a long pause a sender should flush().
/// Acknowledgements leave in the receiver's operations, one for 64 KiB, or as soon as it has taken all that it has read.
///
/// A sender's first operation that waits, waits for the first receiver; one that does not wait reports no_receiver. Later,
/// while no receiver is there, a sender buffers what there is room for and then waits; options.connect_timeout after the
/// loss of a connection, operations report no_receiver. Between two tries 1 ms passes, and longer each time, up to 250 ms.
/// By a name the control file says that a stream is over or that a sender has died; with an address a sender whose
/// connection has broken counts as dead when it has not come back within options.reconnect_within. A receiver remembers
/// the streams of 1,024 senders that are away or have left; what an older one had not got acknowledged may come twice when
/// it returns.
///
/// All else is as for tcp. What a hostile host on the way can do is too, except that it must guess 128 random bits to take
/// part in a sender's stream. Both ends must be acknowledged: plain tcp is refused.
template <>
class acknowledged<tcp> {
public:
    static constexpr transport_guarantees guarantees{
        .name = "acknowledged<tcp>",
        .senders = multiplicity::many,
        .pollable = true,
        .crosses_hosts = true,
        .detects_death = false,
        .committed_when = commit_point::acknowledged,
    };

    using options = acknowledged_options;

    template <message_layout L>
    class sender_end;
    template <message_layout L>
    class receiver_end;

    /// Removes the channel of this name; of an address there is nothing to remove. invalid_endpoint, untrusted_object.
    static result<void> remove(endpoint const& where) { return detail::remove_tcp(where); }

private:
    static constexpr std::size_t default_capacity = std::size_t{1} << 20;
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class acknowledged<tcp>::sender_end : public detail::ack_sender<L, detail::tcp_connector> {
    using base = detail::ack_sender<L, detail::tcp_connector>;

public:
    static result<sender_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        std::uint64_t limit = 0;
        detail::inet_settings settings;
        detail::session_id id;
        if (error_code const e = detail::draw_session_id(id))
            return e;
        auto connector = detail::connect_tcp<L>(guarantees.name, where, how, type, limit, settings);
        if (!connector)
            return connector.error();
        detail::ack_link<detail::tcp_connector> link(std::move(*connector), L, id, how.connect_timeout);
        sender_end s(base(std::move(link), limit, settings.capacity != 0 ? settings.capacity : default_capacity, how.linger));
        if (error_code const e = s.try_connect())
            return e;
        return s;
    }

private:
    explicit sender_end(base s) : base(std::move(s)) {}
};

/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class acknowledged<tcp>::receiver_end : public detail::stream_receiver<L, detail::tcp_listener, detail::acknowledged_sessions> {
    using base = detail::stream_receiver<L, detail::tcp_listener, detail::acknowledged_sessions>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        std::uint64_t limit = 0;
        auto listener = detail::listen_tcp<L>(guarantees.name, where, how, type, limit);
        if (!listener)
            return listener.error();
        auto const records = listener->has_control_file() ? detail::ack_records(listener->member().block()) : detail::ack_records();
        receiver_end r(base(std::move(*listener), limit, how.linger, detail::acknowledged_sessions(how.reconnect_within, records)));
        r.describe(type);
        if (error_code const e = r.start())
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
