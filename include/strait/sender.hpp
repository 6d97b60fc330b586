// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SENDER_HPP
#define STRAIT_SENDER_HPP

#include <strait/claimed.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/detail/channel/message_writer.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace strait {

template <class T, class X>
class channel;

/// The end of a channel that messages of type T go into, over the transport X.
///
/// Waiting operations throw boost::system::system_error; the `try_`, `_for` and `_until` forms return an error: `full`
/// or `timed_out` when the message was not sent for lack of room, else a failure. Failures of all of them: `no_receiver`
/// where messages are not retained, `message_too_large`, `peer_corrupt`, `inherited_handle`, and those of the system.
/// After any error the message was not sent and the sender can be used again.
///
/// Distinct objects: safe. Shared objects: unsafe. Move only.
template <class T, class X>
class sender {
    using end_type = typename detail::ends<T, X>::sender;

public:
    using value_type = T;
    using transport_type = X;
    using options = typename X::options;
    static constexpr transport_guarantees guarantees = X::guarantees;

    /// Opens the channel, or creates it; does not wait for a receiver. Throws `invalid_endpoint`, `type_mismatch`,
    /// `transport_mismatch`, `busy`, `untrusted_object`, or what limit of the system was met.
    explicit sender(endpoint const& where, options const& how = {})
        : writer_(end_type::open(where, how, detail::type_name<T>()).value()), linger_(how.linger)
    {
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

    /// The same without exceptions.
    [[nodiscard]] static result<sender> open(endpoint const& where, options const& how = {})
    {
        auto end = end_type::open(where, how, detail::type_name<T>());
        if (!end)
            return end.error();
        return sender(std::move(*end), how.linger);
    }

    /// Sends a message; waits while the channel is full.
    void send(T const& message)
    {
        if (auto r = writer_.put(message, deadline::never()); !r) [[unlikely]]
            detail::raise(r.error());
    }

    /// The same for a transport that moves objects. What was not sent is still in `message`.
    void send(T&& message)
        requires object_transport<X>
    {
        if (auto r = writer_.put_moved(message, deadline::never()); !r) [[unlikely]]
            detail::raise(r.error());
    }

    /// The same; false when a stop was requested before the message was sent.
    template <stoppable_token Stop>
    [[nodiscard]] bool send(T const& message, Stop const& stop)
    {
        while (!stop.stop_requested()) {
            auto const r = writer_.put(message, deadline::after(detail::stop_slice));
            if (r)
                return true;
            if (r.error() != errc::timed_out)
                detail::raise(r.error());
        }
        return false;
    }

    /// Sends a message if that needs no waiting, else errc::full.
    [[nodiscard]] result<void> try_send(T const& message) { return writer_.put(message, deadline::poll()); }
    /// The same for a transport that moves objects. What was not sent is still in `message`.
    [[nodiscard]] result<void> try_send(T&& message)
        requires object_transport<X>
    {
        return writer_.put_moved(message, deadline::poll());
    }

    /// Sends a message, waiting up to this moment of any clock, else errc::timed_out.
    template <class Clock, class Duration>
    [[nodiscard]] result<void> send_until(T const& message, std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [&](deadline d) { return writer_.put(message, d); });
    }

    /// The same, counted from now.
    template <class Rep, class Period>
    [[nodiscard]] result<void> send_for(T const& message, std::chrono::duration<Rep, Period> const& d)
    {
        return writer_.put(message, deadline::after(d));
    }

    /// Sends messages with as few wake-ups and system calls as the mechanism allows; waits while the channel is full.
    /// Returns how many were accepted: all, or those before a failure. Throws if that failure stopped the first one.
    std::size_t send_batch(std::span<T const> messages) { return writer_.put_batch(messages, deadline::never()).value(); }

    /// The same without waiting: as many as there is room for, at least one, else an error.
    [[nodiscard]] result<std::size_t> try_send_batch(std::span<T const> messages) { return writer_.put_batch(messages, deadline::poll()); }

    /// The same, waiting up to this moment.
    template <class Clock, class Duration>
    [[nodiscard]] result<std::size_t> send_batch_until(std::span<T const> messages, std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [&](deadline d) { return writer_.put_batch(messages, d); });
    }

    /// The same, counted from now.
    template <class Rep, class Period>
    [[nodiscard]] result<std::size_t> send_batch_for(std::span<T const> messages, std::chrono::duration<Rep, Period> const& d)
    {
        return writer_.put_batch(messages, deadline::after(d));
    }

    /// A message to be filled in place; waits for room.
    [[nodiscard]] claimed<T, X> claim()
        requires(!claimed<T, X>::of_elements)
    {
        return writer_.claim(0, deadline::never()).value();
    }

    /// The same for a string or vector of plain elements: `n` of them.
    [[nodiscard]] claimed<T, X> claim(std::size_t n)
        requires(claimed<T, X>::of_elements)
    {
        return writer_.claim(n, deadline::never()).value();
    }

    /// A message to be filled in place if there is room, else errc::full.
    [[nodiscard]] result<claimed<T, X>> try_claim()
        requires(!claimed<T, X>::of_elements)
    {
        return writer_.claim(0, deadline::poll());
    }
    /// The same for a string or vector of plain elements: `n` of them.
    [[nodiscard]] result<claimed<T, X>> try_claim(std::size_t n)
        requires(claimed<T, X>::of_elements)
    {
        return writer_.claim(n, deadline::poll());
    }

    /// Waits until everything accepted has left this process; over an acknowledged transport until the receiver has taken
    /// it. Throws if that fails.
    void flush()
    {
        if (auto r = writer_.settle(deadline::never()); !r) [[unlikely]]
            detail::raise(r.error());
    }

    /// Hands over what needs no waiting; `full` or `timed_out` says that some is left.
    [[nodiscard]] result<void> try_flush() { return writer_.settle(deadline::poll()); }

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
    /// was lost. Receivers read what was sent and then see the end. Idempotent; the destructor does the same silently.
    result<void> close() { return writer_.end().close(deadline::after(linger_)); }

    /// Over a prioritized transport: what is sent from now on has this priority, a claim that is committed, too. Receivers
    /// get the highest first. At first 0.
    void set_priority(std::uint8_t p) noexcept
        requires requires(end_type& e) { e.set_priority(p); }
    {
        writer_.end().set_priority(p);
    }

    /// What this end has done so far.
    channel_stats stats() const { return writer_.end().stats(); }

    /// A descriptor for poll(2): writable when there may be room.
    int native_handle() const
        requires requires(end_type const& e) { e.native_handle(); }
    {
        return writer_.end().native_handle();
    }

    /// Who is at the other end, as the kernel tells.
    [[nodiscard]] result<peer_identity> peer() const
        requires requires(end_type const& e) { e.peer(); }
    {
        return writer_.end().peer();
    }

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
