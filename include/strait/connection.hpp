// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_CONNECTION_HPP
#define STRAIT_CONNECTION_HPP

#include <strait/detail/channel/hot.hpp>
#include <strait/detail/connection/server_handshake.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/peer.hpp>
#include <strait/receiver.hpp>
#include <strait/sender.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace strait {

template <class Out, class In, class X>
class acceptor;

namespace detail {
template <class Connection>
struct awaited_joining;
}

/// Both directions between a client and the acceptor that it has met: it holds a sender of Out and a receiver of In.
///
///     strait::connection<question, answer, strait::shm_ring<>> c{"oracle"};
///     c.send({42});
///     std::optional<answer> const a = c.receive();
///
/// `Out` is what this side sends, `In` what it receives; the other side has a `connection<In, Out, X>`. Its verbs are those
/// of the two ends, with their results and errors. out() and in() are the ends themselves, for what a connection does not
/// repeat because both have it: stats(), native_handle(), and each end's peer().
///
/// Over unix_stream, unix_seqpacket and tcp both directions share one socket, so a client may be behind a NAT. Over
/// shm_ring<spsc> (with any waiting and memory), shm_ring<mpsc> and named_pipe there are two channels that no other process
/// can join: their names are removed before the constructor returns, and a death leaves nothing behind. Client and acceptor
/// meet at a Unix socket then; names have at most 46 bytes.
///
/// Each direction ends when the other side closes or dies: receive() then returns nullopt, and end_reason() says which; sends
/// report `no_receiver`, over a ring only once it is full. A selector takes a connection as it takes its receiver:
/// `selector::add(c)`, `select(deadline, c)`. In an execution context of Asio use the ends: `async_receiver{context,
/// std::move(c.in())}` and `async_sender{context, std::move(c.out())}`.
///
/// What a side has sent arrives also when that side closes, or over Unix sockets is killed, without having read what
/// was sent to it. Over tcp this holds of a client, whose close() waits up to options.linger until the acceptor's host has
/// acknowledged all of it. An acceptor's side does not wait, since clients could hold it up: what it has sent last may be lost when
/// it closes while messages to it are still on their way. Let the client close first, or wait for the end of its stream.
///
/// Distinct objects: safe. Shared objects: unsafe, but for one thread that sends and one that receives. Move only.
template <class Out, class In, class X>
class connection {
public:
    using sender_type = sender<Out, X>;                  ///< the outgoing end
    using receiver_type = receiver<In, X>;               ///< the incoming end
    using transport_type = X;                            ///< what both directions go over
    using options = typename X::options;                 ///< how it is opened
    using iterator = typename receiver_type::iterator;   ///< over what comes in

    /// Waits up to options.connect_timeout, and at least a second, for an acceptor that accepts this client. Throws
    /// `no_receiver` when there is no acceptor, `timed_out` when it does not accept in time, `type_mismatch` when it has
    /// other types, `transport_mismatch`, `untrusted_object`, or the system's error of either side.
    explicit connection(endpoint const& where, options const& how = {})
        : connection(detail::opened(where, [&] { return detail::join_acceptor<Out, In, X>(where, how); }))
    {
    }

    connection(connection&&) = default;

    /// Closes first.
    connection& operator=(connection&& other)
    {
        if (this != &other) {
            (void)close();
            out_ = std::move(other.out_);
            in_ = std::move(other.in_);
            who_ = other.who_;
        }
        return *this;
    }
    ~connection() { (void)close(); }

    /// Connects as the constructor does, and returns the error instead of throwing it.
    [[nodiscard]] static result<connection> open(endpoint const& where, options const& how = {})
    {
        auto joined = detail::join_acceptor<Out, In, X>(where, how);
        if (!joined)
            return joined.error();
        return connection(std::move(*joined));
    }

    /// The end that this side sends with.
    sender_type& out() noexcept { return out_; }
    /// The end that this side sends with.
    sender_type const& out() const noexcept { return out_; }
    /// The end that this side receives with.
    receiver_type& in() noexcept { return in_; }
    /// The end that this side receives with.
    receiver_type const& in() const noexcept { return in_; }

    /// sender::send(): waits while there is no room, and throws failures.
    void send(Out const& message) { out_.send(message); }
    /// sender::send() with a stop token: false when a stop was requested before the message was sent.
    template <stoppable_token Stop>
    [[nodiscard]] bool send(Out const& message, Stop const& stop)
    {
        return out_.send(message, stop);
    }
    /// sender::try_send(): sends if that needs no waiting, else errc::full.
    [[nodiscard]] result<void> try_send(Out const& message) { return out_.try_send(message); }
    /// sender::send_for(): waits for room at most this long, else errc::timed_out.
    template <class Rep, class Period>
    [[nodiscard]] result<void> send_for(Out const& message, std::chrono::duration<Rep, Period> const& d)
    {
        return out_.send_for(message, d);
    }
    /// sender::send_until(): waits for room up to this deadline, or time point of any clock, else errc::timed_out.
    template <class When>
    [[nodiscard]] result<void> send_until(Out const& message, When const& when)
    {
        return out_.send_until(message, when);
    }

    /// sender::send_batch(): sends all of these, waiting while there is no room; how many were accepted.
    template <class... Stop>
    std::size_t send_batch(std::span<Out const> messages, Stop const&... stop)
    {
        return out_.send_batch(messages, stop...);
    }
    /// sender::try_send_batch(): as many as there is room for, at least one, else an error.
    [[nodiscard]] result<std::size_t> try_send_batch(std::span<Out const> messages) { return out_.try_send_batch(messages); }
    /// sender::send_batch_for(): waits for room at most this long.
    template <class Rep, class Period>
    [[nodiscard]] result<std::size_t> send_batch_for(std::span<Out const> messages, std::chrono::duration<Rep, Period> const& d)
    {
        return out_.send_batch_for(messages, d);
    }
    /// sender::send_batch_until(): waits for room up to this deadline or time point.
    template <class When>
    [[nodiscard]] result<std::size_t> send_batch_until(std::span<Out const> messages, When const& when)
    {
        return out_.send_batch_until(messages, when);
    }

    /// sender::claim(): a message to be filled in place, of so many elements where Out is a string or vector; waits for room.
    template <class... Arguments>
    [[nodiscard]] auto claim(Arguments const&... a)
    {
        return out_.claim(a...);
    }
    /// sender::try_claim(): a message to be filled in place if there is room, else errc::full.
    template <class... Arguments>
    [[nodiscard]] auto try_claim(Arguments const&... a)
    {
        return out_.try_claim(a...);
    }
    /// sender::claim_for(): waits for room at most this long.
    template <class... Arguments>
    [[nodiscard]] auto claim_for(Arguments const&... a)
    {
        return out_.claim_for(a...);
    }
    /// sender::claim_until(): waits for room up to this deadline or time point.
    template <class... Arguments>
    [[nodiscard]] auto claim_until(Arguments const&... a)
    {
        return out_.claim_until(a...);
    }

    /// sender::flush(): waits until all that was sent is on its way.
    void flush() { out_.flush(); }
    /// sender::try_flush(): writes what needs no waiting; an error when something is still here.
    [[nodiscard]] result<void> try_flush() { return out_.try_flush(); }
    /// sender::flush_for(): waits at most this long, else errc::timed_out.
    template <class Rep, class Period>
    [[nodiscard]] result<void> flush_for(std::chrono::duration<Rep, Period> const& d)
    {
        return out_.flush_for(d);
    }
    /// sender::flush_until(): waits up to this deadline or time point, else errc::timed_out.
    template <class When>
    [[nodiscard]] result<void> flush_until(When const& when)
    {
        return out_.flush_until(when);
    }

    /// receiver::receive(): waits for a message; nullopt at the end of the stream.
    [[nodiscard, STRAIT_HOT]] std::optional<In> receive() { return in_.receive(); }
    /// receiver::receive(T&): into a message whose memory is reused; false at the end of the stream.
    [[nodiscard, STRAIT_HOT]] bool receive(In& message) { return in_.receive(message); }
    /// receiver::receive() with a stop token: nullopt also when a stop was requested before a message came.
    template <stoppable_token Stop>
    [[nodiscard]] std::optional<In> receive(Stop const& stop)
    {
        return in_.receive(stop);
    }
    /// receiver::receive(T&) with a stop token: false also when a stop was requested before a message came.
    template <stoppable_token Stop>
    [[nodiscard]] bool receive(In& message, Stop const& stop)
    {
        return in_.receive(message, stop);
    }
    /// receiver::try_receive(): takes a message if one is there, else errc::empty.
    [[nodiscard]] result<In> try_receive() { return in_.try_receive(); }
    /// receiver::receive_for(): waits for a message at most this long, else errc::timed_out.
    template <class Rep, class Period>
    [[nodiscard]] result<In> receive_for(std::chrono::duration<Rep, Period> const& d)
    {
        return in_.receive_for(d);
    }
    /// receiver::receive_until(): waits for a message up to this deadline, or time point of any clock, else errc::timed_out.
    template <class When>
    [[nodiscard]] result<In> receive_until(When const& when)
    {
        return in_.receive_until(when);
    }

    /// receiver::receive_batch(): waits for one message and takes what more is there; how many, 0 at the end of the stream.
    template <class... Stop>
    [[nodiscard]] std::size_t receive_batch(std::span<In> messages, Stop const&... stop)
    {
        return in_.receive_batch(messages, stop...);
    }
    /// receiver::try_receive_batch(): takes what is there, else errc::empty.
    [[nodiscard]] result<std::size_t> try_receive_batch(std::span<In> messages) { return in_.try_receive_batch(messages); }
    /// receiver::receive_batch_for(): waits for the first message at most this long.
    template <class Rep, class Period>
    [[nodiscard]] result<std::size_t> receive_batch_for(std::span<In> messages, std::chrono::duration<Rep, Period> const& d)
    {
        return in_.receive_batch_for(messages, d);
    }
    /// receiver::receive_batch_until(): waits for the first message up to this deadline or time point.
    template <class When>
    [[nodiscard]] result<std::size_t> receive_batch_until(std::span<In> messages, When const& when)
    {
        return in_.receive_batch_until(messages, when);
    }

    /// receiver::borrow(): waits for a message and shows it where it lies; false at the end of the stream.
    template <class... Stop>
    [[nodiscard]] auto borrow(Stop const&... stop)
    {
        return in_.borrow(stop...);
    }
    /// receiver::try_borrow(): shows a message if one is there, else errc::empty.
    [[nodiscard]] auto try_borrow() { return in_.try_borrow(); }
    /// receiver::borrow_for(): waits for a message at most this long.
    template <class Rep, class Period>
    [[nodiscard]] auto borrow_for(std::chrono::duration<Rep, Period> const& d)
    {
        return in_.borrow_for(d);
    }
    /// receiver::borrow_until(): waits for a message up to this deadline or time point.
    template <class When>
    [[nodiscard]] auto borrow_until(When const& when)
    {
        return in_.borrow_until(when);
    }

    /// All messages up to the end of the stream, as an input range.
    iterator begin() { return in_.begin(); }
    /// The end of that range.
    std::default_sentinel_t end() const noexcept { return {}; }

    /// After the end of the stream: whether the other side has left or died. `none` before it.
    strait::end_reason end_reason() const { return in_.end_reason(); }

    /// Ends both directions, after waiting up to options.linger for what is still buffered here; an error says that it was
    /// lost. The other side reads what was sent and then sees the end. A client over tcp also waits so long, without an error,
    /// until the other host has acknowledged what was sent. Idempotent; the destructor closes, too, and drops the error.
    result<void> close()
    {
        auto sent = out_.close();
        auto received = in_.close();
        return sent ? received : sent;
    }

    /// The process at the other end, as the kernel said while connecting; errc::no_receiver over tcp, where it cannot.
    [[nodiscard]] result<peer_identity> peer() const
    {
        if (who_.pid == 0)
            return errc::no_receiver;
        return who_;
    }

    /// Not there: each end has its own. Use out().stats() or in().stats().
    template <class Never = void>
    void stats() const
    {
        static_assert(!std::is_void_v<Never>, "strait: a connection has two ends: write c.out().stats() or c.in().stats()");
    }

    /// Not there: each end has its own. Use out().native_handle() or in().native_handle().
    template <class Never = void>
    void native_handle() const
    {
        static_assert(!std::is_void_v<Never>,
                      "strait: a connection has two ends: write c.out().native_handle() or c.in().native_handle()");
    }

private:
    template <class, class, class>
    friend class acceptor;
    template <class, class>
    friend class rpc_server;
    template <class>
    friend struct detail::awaited_joining;

    explicit connection(detail::two_ends<Out, In, X> ends) : out_(std::move(ends.out)), in_(std::move(ends.in)), who_(ends.who) {}

    sender_type out_;
    receiver_type in_;
    peer_identity who_;
};

}  // namespace strait

#endif
