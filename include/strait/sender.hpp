// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SENDER_HPP
#define STRAIT_SENDER_HPP

#include <strait/claimed.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/detail/channel/hot.hpp>
#include <strait/detail/channel/message_iterator.hpp>
#include <strait/detail/channel/message_writer.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/stats.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace strait {

template <class T, class X>
class channel;

/// The end of a channel that messages of type T go into, over the transport X.
///
/// `send`, `send_batch`, `claim` and `flush` have the same forms, which differ in how long they wait for room:
///
///     out.send(m)              // as long as it takes
///     out.send(m, stop)        // until a stop is requested; a std::stop_token wakes it at once (flush has no such form)
///     out.try_send(m)          // not at all: errc::full
///     out.send_until(m, when)  // up to a strait::deadline, or a moment of any clock: errc::timed_out
///     out.send_for(m, 10ms)    // so long: errc::timed_out
///
/// The first two throw boost::system::system_error if they fail; the others return the error. What can be done at once is
/// done, even when the moment is past. All of them fail with `no_receiver` where messages are not retained and no receiver
/// has come within options.connect_timeout or the last one has gone, with `message_too_large`, `peer_corrupt`,
/// `inherited_handle`, `not_open`, and with errors of the system. After any error the message was not sent, and the sender
/// can be used again.
///
/// Distinct objects: safe. Shared objects: unsafe. Move only.
template <class T, class X>
class sender {
    using end_type = typename detail::ends<T, X>::sender;
    static constexpr bool of_elements = claimed<T, X>::of_elements;

public:
    using value_type = T;
    using transport_type = X;
    using options = typename X::options;
    static constexpr transport_guarantees guarantees = X::guarantees;

    /// Opens the channel, or creates it; does not wait for a receiver. Throws `invalid_endpoint`, `type_mismatch`,
    /// `transport_mismatch`, `busy`, `untrusted_object`, or what limit of the system was met.
    explicit sender(endpoint const& where, options const& how = {})
        : writer_(detail::opened(where, [&] { return end_type::open(where, how, detail::message_type_of<T>()); })), linger_(how.linger)
    {
    }

    /// Opens the channel as the constructor does, and returns the error instead of throwing it.
    [[nodiscard]] static result<sender> open(endpoint const& where, options const& how = {})
    {
        detail::forget_notes();
        auto end = end_type::open(where, how, detail::message_type_of<T>());
        if (!end)
            return end.error();
        return sender(std::move(*end), how.linger);
    }

    sender(sender&&) = default;

    /// Leaves the channel first, as close() does.
    sender& operator=(sender&& other)
    {
        if (this != &other) {
            (void)close();
            writer_ = std::move(other.writer_);
            linger_ = other.linger_;
        }
        return *this;
    }

    /// Sends a message. Waits while the channel is full.
    [[STRAIT_HOT]] void send(T const& message)
    {
        if (auto r = writer_.put(message, deadline::never()); !r) [[unlikely]]
            detail::raise(r.error());
    }
    /// Sends a message unless a stop is requested before there is room: then false.
    template <stoppable_token Stop>
    [[nodiscard]] bool send(T const& message, Stop const& stop)
    {
        return writer_.put_until_stopped(stop, [&](deadline d) { return writer_.put(message, d); });
    }
    /// Sends a message if that needs no waiting.
    [[nodiscard]] result<void> try_send(T const& message) { return writer_.put(message, deadline::poll()); }
    /// Sends a message, waiting up to the deadline.
    [[nodiscard]] result<void> send_until(T const& message, deadline when) { return writer_.put(message, when); }
    /// Sends a message, waiting up to this moment of any clock.
    template <class Clock, class Duration>
    [[nodiscard]] result<void> send_until(T const& message, std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [&](deadline d) { return writer_.put(message, d); });
    }
    /// Sends a message, waiting so long.
    template <class Rep, class Period>
    [[nodiscard]] result<void> send_for(T const& message, std::chrono::duration<Rep, Period> const& d)
    {
        return writer_.put(message, deadline::after(d));
    }

    /// Moves an object into the channel, over a transport that moves objects. In this and the following forms an object that
    /// was not sent is still in `message`. Waits while the channel is full.
    void send(T&& message)
        requires object_transport<X>
    {
        if (auto r = writer_.put_moved(message, deadline::never()); !r) [[unlikely]]
            detail::raise(r.error());
    }
    /// Moves an object into the channel unless a stop is requested before there is room: then false.
    template <stoppable_token Stop>
    [[nodiscard]] bool send(T&& message, Stop const& stop)
        requires object_transport<X>
    {
        return writer_.put_until_stopped(stop, [&](deadline d) { return writer_.put_moved(message, d); });
    }
    /// Moves an object into the channel if that needs no waiting.
    [[nodiscard]] result<void> try_send(T&& message)
        requires object_transport<X>
    {
        return writer_.put_moved(message, deadline::poll());
    }
    /// Moves an object into the channel, waiting up to the deadline.
    [[nodiscard]] result<void> send_until(T&& message, deadline when)
        requires object_transport<X>
    {
        return writer_.put_moved(message, when);
    }
    /// Moves an object into the channel, waiting up to this moment of any clock.
    template <class Clock, class Duration>
    [[nodiscard]] result<void> send_until(T&& message, std::chrono::time_point<Clock, Duration> const& when)
        requires object_transport<X>
    {
        return detail::until(when, [&](deadline d) { return writer_.put_moved(message, d); });
    }
    /// Moves an object into the channel, waiting so long.
    template <class Rep, class Period>
    [[nodiscard]] result<void> send_for(T&& message, std::chrono::duration<Rep, Period> const& d)
        requires object_transport<X>
    {
        return writer_.put_moved(message, deadline::after(d));
    }

    /// Sends messages with as few wake-ups and system calls as the mechanism allows. Waits until all are sent. In this and the
    /// following forms returns how many were accepted: all, or those before a failure, which is reported only when it stopped
    /// the first one.
    std::size_t send_batch(std::span<T const> messages)
    {
        return writer_.put_batch(messages, deadline::never()).value();
    }
    /// Sends messages until all are sent or a stop is requested.
    template <stoppable_token Stop>
    [[nodiscard]] std::size_t send_batch(std::span<T const> messages, Stop const& stop)
    {
        return writer_.put_batch_until_stopped(messages, stop);
    }
    /// Sends as many messages as there is room for; an error if there is none.
    [[nodiscard]] result<std::size_t> try_send_batch(std::span<T const> messages)
    {
        return writer_.put_batch(messages, deadline::poll());
    }
    /// Sends messages, waiting for room up to the deadline.
    [[nodiscard]] result<std::size_t> send_batch_until(std::span<T const> messages, deadline when)
    {
        return writer_.put_batch(messages, when);
    }
    /// Sends messages, waiting for room up to this moment of any clock.
    template <class Clock, class Duration>
    [[nodiscard]] result<std::size_t> send_batch_until(std::span<T const> messages,
                                                       std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [&](deadline d) { return writer_.put_batch(messages, d); });
    }
    /// Sends messages, waiting for room so long.
    template <class Rep, class Period>
    [[nodiscard]] result<std::size_t> send_batch_for(std::span<T const> messages, std::chrono::duration<Rep, Period> const& d)
    {
        return writer_.put_batch(messages, deadline::after(d));
    }

    /// A message to be filled in place. Waits for room. In this and the following forms a string or vector of plain elements
    /// is claimed as `claim(n, ...)`, n elements of it, and every other type without a number.
    [[nodiscard]] claimed<T, X> claim()
        requires(!of_elements)
    {
        return writer_.claim(0, deadline::never()).value();
    }
    /// `n` elements to be filled in place. Waits for room.
    [[nodiscard]] claimed<T, X> claim(std::size_t n)
        requires of_elements
    {
        return writer_.claim(n, deadline::never()).value();
    }
    /// A message to be filled in place; nullopt when a stop is requested before there is room.
    template <stoppable_token Stop>
    [[nodiscard]] std::optional<claimed<T, X>> claim(Stop const& stop)
        requires(!of_elements)
    {
        return writer_.claim_until_stopped(0, stop);
    }
    /// `n` elements to be filled in place; nullopt when a stop is requested before there is room.
    template <stoppable_token Stop>
    [[nodiscard]] std::optional<claimed<T, X>> claim(std::size_t n, Stop const& stop)
        requires of_elements
    {
        return writer_.claim_until_stopped(n, stop);
    }
    /// A message to be filled in place if there is room. Its commit() does not wait either.
    [[nodiscard]] result<claimed<T, X>> try_claim()
        requires(!of_elements)
    {
        return writer_.claim(0, deadline::poll());
    }
    /// `n` elements to be filled in place if there is room. Its commit() does not wait either.
    [[nodiscard]] result<claimed<T, X>> try_claim(std::size_t n)
        requires of_elements
    {
        return writer_.claim(n, deadline::poll());
    }
    /// A message to be filled in place, waiting for room up to the deadline, which also bounds its commit().
    [[nodiscard]] result<claimed<T, X>> claim_until(deadline when)
        requires(!of_elements)
    {
        return writer_.claim(0, when);
    }
    /// `n` elements to be filled in place, waiting for room up to the deadline, which also bounds its commit().
    [[nodiscard]] result<claimed<T, X>> claim_until(std::size_t n, deadline when)
        requires of_elements
    {
        return writer_.claim(n, when);
    }
    /// A message to be filled in place, waiting for room up to this moment of any clock.
    template <class Clock, class Duration>
    [[nodiscard]] result<claimed<T, X>> claim_until(std::chrono::time_point<Clock, Duration> const& when)
        requires(!of_elements)
    {
        return detail::until(when, [&](deadline d) { return writer_.claim(0, d); });
    }
    /// `n` elements to be filled in place, waiting for room up to this moment of any clock.
    template <class Clock, class Duration>
    [[nodiscard]] result<claimed<T, X>> claim_until(std::size_t n, std::chrono::time_point<Clock, Duration> const& when)
        requires of_elements
    {
        return detail::until(when, [&](deadline d) { return writer_.claim(n, d); });
    }
    /// A message to be filled in place, waiting for room so long.
    template <class Rep, class Period>
    [[nodiscard]] result<claimed<T, X>> claim_for(std::chrono::duration<Rep, Period> const& d)
        requires(!of_elements)
    {
        return writer_.claim(0, deadline::after(d));
    }
    /// `n` elements to be filled in place, waiting for room so long.
    template <class Rep, class Period>
    [[nodiscard]] result<claimed<T, X>> claim_for(std::size_t n, std::chrono::duration<Rep, Period> const& d)
        requires of_elements
    {
        return writer_.claim(n, deadline::after(d));
    }

    /// Waits until everything accepted has left this process; over an acknowledged transport until the receiver has consumed
    /// it.
    void flush()
    {
        if (auto r = writer_.settle(deadline::never()); !r) [[unlikely]]
            detail::raise(r.error());
    }
    /// Hands over what needs no waiting; `full` or `timed_out` says that some is left.
    [[nodiscard]] result<void> try_flush() { return writer_.settle(deadline::poll()); }
    /// Flushes, waiting up to the deadline; `timed_out` says that some is left.
    [[nodiscard]] result<void> flush_until(deadline when) { return writer_.settle(when); }
    /// Flushes, waiting up to this moment of any clock; `timed_out` says that some is left.
    template <class Clock, class Duration>
    [[nodiscard]] result<void> flush_until(std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [this](deadline d) { return writer_.settle(d); });
    }
    /// Flushes, waiting so long; `timed_out` says that some is left.
    template <class Rep, class Period>
    [[nodiscard]] result<void> flush_for(std::chrono::duration<Rep, Period> const& d)
    {
        return writer_.settle(deadline::after(d));
    }

    /// Leaves the channel, after waiting up to options.linger for what is still buffered here; an error says that it
    /// was lost. Receivers read what was sent and then see the end. Idempotent; the destructor does this, too, and reports
    /// nothing.
    result<void> close() { return writer_.close(deadline::after(linger_)); }

    /// Over a prioritized transport: what is sent from now on has this priority, a claim that is committed, too. Receivers
    /// get the highest first. At first 0.
    void set_priority(std::uint8_t p) noexcept
        requires requires(end_type& e) { e.set_priority(p); }
    {
        writer_.end().set_priority(p);
    }

    /// What this end has done so far.
    channel_stats stats() const
    {
        channel_stats s = writer_.end().stats();
        if constexpr (requires(end_type const& e) { e.refused(); })
            s.refused = writer_.end().refused().count;
        return s;
    }

    /// Why the last of stats().refused was refused: its process, what the channel carries, and what it had asked for. Empty where
    /// there is none, and where the channel cannot tell.
    [[nodiscard]] std::string last_refusal() const
    {
        if constexpr (requires(end_type const& e) { e.refused(); })
            return writer_.end().refused().text;
        else
            return {};
    }

    /// A descriptor for poll(2): writable when there may be room.
    int native_handle() const
        requires requires(end_type const& e) { e.native_handle(); }
    {
        return writer_.end().native_handle();
    }

    /// Which process is at the other end, as the kernel says; `no_receiver` while there is none.
    [[nodiscard]] result<peer_identity> peer() const
        requires requires(end_type const& e) { e.peer(); }
    {
        return writer_.end().peer();
    }

    /// Not there: messages come out of a receiver.
    template <class Never = void>
    detail::no_messages<T> begin() const
    {
        static_assert(!std::is_void_v<Never>, "strait: messages come out of a strait::receiver<T, X>: iterate over that one");
        return {};
    }
    /// Not there: messages come out of a receiver.
    detail::no_messages<T> end() const { return {}; }

private:
    friend class channel<T, X>;
    friend struct detail::end_access;

    end_type& transport_end() noexcept { return writer_.end(); }

    sender(end_type end, std::chrono::nanoseconds linger) : writer_(std::move(end)), linger_(linger) {}

    detail::message_writer<T, X> writer_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait

#endif
