// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RECEIVER_HPP
#define STRAIT_RECEIVER_HPP

#include <strait/borrowed.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/detail/channel/hot.hpp>
#include <strait/detail/channel/message_iterator.hpp>
#include <strait/detail/channel/message_reader.hpp>
#include <strait/detail/channel/until_stopped.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/stats.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace strait {

template <class T, class X>
class channel;

/// The end of a channel that messages of type T come out of, over the transport X.
///
/// `receive`, `receive_batch` and `borrow` have the same forms, which differ in how long they wait for a message:
///
///     in.receive()            // as long as it takes
///     in.receive(stop)        // until a stop is requested; a std::stop_token wakes it at once
///     in.try_receive()        // not at all: errc::empty
///     in.receive_until(when)  // up to a strait::deadline, or a moment of any clock: errc::timed_out
///     in.receive_for(10ms)    // so long: errc::timed_out
///
/// The first two return nothing (nullopt, false, 0) at the end of the stream, the second one also when it was stopped, and
/// throw boost::system::system_error if they fail; the others return the error, errc::closed at the end of the stream. A
/// message that is there is taken, even when the moment is past; a stop that was requested before takes nothing. All of them
/// fail with `malformed_message` or `out_of_memory` (that message was discarded), `peer_corrupt`, `inherited_handle`,
/// `not_open`, and with errors of the system. What a serializer of yours throws besides std::bad_alloc goes through; that
/// message was discarded, too.
///
/// The stream ends when every sender that joined has left or died and all was read; if another joins later, it goes on.
///
/// Distinct objects: safe. Shared objects: unsafe. Move only.
template <class T, class X>
class receiver {
    using end_type = typename detail::ends<T, X>::receiver;

public:
    using value_type = T;
    using transport_type = X;
    using options = typename X::options;
    static constexpr transport_guarantees guarantees = X::guarantees;
    /// An input iterator over receive(); it reuses the message's memory.
    using iterator = detail::message_iterator<receiver>;

    /// Opens the channel, or creates it; does not wait for a sender. Throws `invalid_endpoint`, `type_mismatch`,
    /// `transport_mismatch`, `busy`, `untrusted_object`, or what limit of the system was met.
    explicit receiver(endpoint const& where, options const& how = {})
        : reader_(detail::opened(where, [&] { return end_type::open(where, how, detail::message_type_of<T>()); })), linger_(how.linger)
    {
    }

    /// Opens the channel as the constructor does, and returns the error instead of throwing it.
    [[nodiscard]] static result<receiver> open(endpoint const& where, options const& how = {})
    {
        detail::forget_notes();
        auto end = end_type::open(where, how, detail::message_type_of<T>());
        if (!end)
            return end.error();
        return receiver(std::move(*end), how.linger);
    }

    receiver(receiver&&) = default;

    /// Leaves the channel first, as close() does.
    receiver& operator=(receiver&& other)
    {
        if (this != &other) {
            (void)close();
            reader_ = std::move(other.reader_);
            linger_ = other.linger_;
        }
        return *this;
    }

    /// Takes a message. Waits for one; nullopt at the end of the stream.
    [[nodiscard]] std::optional<T> receive()
    {
        // GCC 12 copies large values once more unless there is one named optional and one return.
        std::optional<T> message;
        if (error_code const e = reader_.take(message, deadline::never())) [[unlikely]]
            ended_or_raise(e);
        return message;
    }
    /// Takes a message of a few words. Waits for one; nullopt at the end of the stream.
    [[nodiscard, STRAIT_HOT]] std::optional<T> receive()
        requires(detail::small_and_plain<T, X>)
    {
        std::optional<T> message;
        auto bytes = reader_.end().peek(deadline::never());
        if (bytes) [[likely]] {
            // GCC 12 copies an optional of two words once more, through memory in 5 ns, if a T is assigned.
            if constexpr (sizeof(T) <= 8 && std::is_default_constructible_v<T> && std::is_copy_assignable_v<T>)
                std::memcpy(std::addressof(message.emplace()), bytes->data(), sizeof(T));
            else
                message.emplace(detail::codec<T>::view(*bytes));
            reader_.end().release();
        } else {
            ended_or_raise(bytes.error());
        }
        return message;
    }
    /// Takes a message into a T, whose memory is reused. Waits for one; false at the end of the stream.
    [[nodiscard, STRAIT_HOT]] bool receive(T& message)
    {
        error_code const e = reader_.take_into(message, deadline::never());
        if (e) [[unlikely]]
            ended_or_raise(e);
        return !e;
    }
    /// Takes a message of a few words into a T. Waits for one; false at the end of the stream.
    [[nodiscard, STRAIT_HOT]] bool receive(T& message)
        requires(detail::small_and_plain<T, X>)
    {
        auto bytes = reader_.end().peek(deadline::never());
        if (!bytes) [[unlikely]] {
            ended_or_raise(bytes.error());
            return false;
        }
        message = detail::codec<T>::view(*bytes);
        reader_.end().release();
        return true;
    }
    /// Takes a message. Waits for one; nullopt at the end of the stream, and when a stop is requested before one comes.
    template <stoppable_token Stop>
    [[nodiscard]] std::optional<T> receive(Stop const& stop)
    {
        std::optional<T> message;
        until_stopped(stop, [&](deadline d) { return reader_.take(message, d); });
        return message;
    }
    /// Takes a message into a T, whose memory is reused. Waits for one; false at the end of the stream, and when a stop is
    /// requested before one comes.
    template <stoppable_token Stop>
    [[nodiscard]] bool receive(T& message, Stop const& stop)
    {
        return until_stopped(stop, [&](deadline d) { return reader_.take_into(message, d); });
    }
    /// Takes a message if one is there.
    [[nodiscard]] result<T> try_receive() { return reader_.get(deadline::poll()); }
    /// Takes a message, waiting up to the deadline.
    [[nodiscard]] result<T> receive_until(deadline when) { return reader_.get(when); }
    /// Takes a message, waiting up to this moment of any clock.
    template <class Clock, class Duration>
    [[nodiscard]] result<T> receive_until(std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [&](deadline d) { return reader_.get(d); });
    }
    /// Takes a message, waiting so long.
    template <class Rep, class Period>
    [[nodiscard]] result<T> receive_for(std::chrono::duration<Rep, Period> const& d)
    {
        return reader_.get(deadline::after(d));
    }

    /// The present value: the message that was sent last, whether this receiver has taken it or not. Does not wait, and takes
    /// nothing: what was not received yet is still there to receive, and the next call shows the same message if no newer one
    /// came. Errors: `empty` when none was sent yet; `timed_out` when a sender has overwritten the message each time that it
    /// was copied; and those of try_receive() that are failures, except that a malformed message stays. For transports
    /// with guarantees.shows_present: broadcast<latest>, and boards.
    [[nodiscard]] result<T> current()
        requires requires(end_type& e) { e.current(); }
    {
        return reader_.current();
    }

    /// Takes up to messages.size() messages: waits for the first and takes what more is there. In this and the following
    /// forms returns how many; 0 at the end of the stream.
    [[nodiscard]] std::size_t receive_batch(std::span<T> messages)
    {
        auto const n = reader_.get_batch(messages, deadline::never());
        if (n)
            return *n;
        ended_or_raise(n.error());
        return 0;
    }
    /// Takes messages; 0 also when a stop is requested before the first one comes.
    template <stoppable_token Stop>
    [[nodiscard]] std::size_t receive_batch(std::span<T> messages, Stop const& stop)
    {
        std::size_t n = 0;
        until_stopped(stop, [&](deadline d) {
            auto const taken = reader_.get_batch(messages, d);
            n = taken ? *taken : 0;
            return taken ? error_code() : taken.error();
        });
        return n;
    }
    /// Takes what messages are there, at least one.
    [[nodiscard]] result<std::size_t> try_receive_batch(std::span<T> messages)
    {
        return reader_.get_batch(messages, deadline::poll());
    }
    /// Takes messages, waiting for the first up to the deadline.
    [[nodiscard]] result<std::size_t> receive_batch_until(std::span<T> messages, deadline when)
    {
        return reader_.get_batch(messages, when);
    }
    /// Takes messages, waiting for the first up to this moment of any clock.
    template <class Clock, class Duration>
    [[nodiscard]] result<std::size_t> receive_batch_until(std::span<T> messages,
                                                          std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [&](deadline d) { return reader_.get_batch(messages, d); });
    }
    /// Takes messages, waiting for the first so long.
    template <class Rep, class Period>
    [[nodiscard]] result<std::size_t> receive_batch_for(std::span<T> messages, std::chrono::duration<Rep, Period> const& d)
    {
        return reader_.get_batch(messages, deadline::after(d));
    }

    /// Shows a message where it lies. Waits for one; false at the end of the stream.
    [[nodiscard, STRAIT_HOT]] borrowed<T, X> borrow()
    {
        auto b = reader_.view(deadline::never());
        if (b)
            return std::move(*b);
        ended_or_raise(b.error());
        return {};
    }
    /// Shows a message where it lies; false also when a stop is requested before one comes.
    template <stoppable_token Stop>
    [[nodiscard]] borrowed<T, X> borrow(Stop const& stop)
    {
        borrowed<T, X> message;
        until_stopped(stop, [&](deadline d) {
            auto shown = reader_.view(d);
            if (!shown)
                return shown.error();
            message = std::move(*shown);
            return error_code();
        });
        return message;
    }
    /// Shows a message where it lies if one is there.
    [[nodiscard]] result<borrowed<T, X>> try_borrow() { return reader_.view(deadline::poll()); }
    /// Shows a message where it lies, waiting up to the deadline.
    [[nodiscard]] result<borrowed<T, X>> borrow_until(deadline when) { return reader_.view(when); }
    /// Shows a message where it lies, waiting up to this moment of any clock.
    template <class Clock, class Duration>
    [[nodiscard]] result<borrowed<T, X>> borrow_until(std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [&](deadline d) { return reader_.view(d); });
    }
    /// Shows a message where it lies, waiting so long.
    template <class Rep, class Period>
    [[nodiscard]] result<borrowed<T, X>> borrow_for(std::chrono::duration<Rep, Period> const& d)
    {
        return reader_.view(deadline::after(d));
    }

    /// The messages up to the end of the stream, as an input range: `for (T& message : in)`.
    iterator begin() { return iterator(*this); }
    /// The end of that range.
    std::default_sentinel_t end() const noexcept { return {}; }

    /// Whether every sender has left or one has died, after the end of the stream; `none` before it.
    strait::end_reason end_reason() const { return reader_.end().ended(); }

    /// Leaves the channel. Idempotent; the destructor does this, too. Unread messages stay where they are retained.
    result<void> close() { return reader_.close(deadline::after(linger_)); }

    /// What this end has done so far.
    channel_stats stats() const
    {
        channel_stats s = reader_.end().stats();
        s.dropped += reader_.malformed();
        if constexpr (requires(end_type const& e) { e.refused(); })
            s.refused = reader_.end().refused().count;
        return s;
    }

    /// Why the last of stats().refused was refused: its process, what the channel carries, and what it had asked for. Empty where
    /// there is none, and where the channel cannot tell.
    [[nodiscard]] std::string last_refusal() const
    {
        if constexpr (requires(end_type const& e) { e.refused(); })
            return reader_.end().refused().text;
        else
            return {};
    }

    /// A descriptor for poll(2): readable when there may be a message. Messages read ahead lie in this object: receive
    /// with try_receive() until errc::empty before polling.
    int native_handle() const
        requires requires(end_type const& e) { e.native_handle(); }
    {
        return reader_.end().native_handle();
    }

    /// Which process sent the last message, as the kernel says; all members are 0 before the first one.
    [[nodiscard]] result<peer_identity> peer() const
        requires requires(end_type const& e) { e.peer(); }
    {
        return reader_.end().peer();
    }

    /// The port at which it listens over tcp and udp, also when the kernel has chosen it (port 0); 0 when closed.
    [[nodiscard]] std::uint16_t port() const noexcept
        requires requires(end_type const& e) { e.port(); }
    {
        return reader_.end().port();
    }

private:
    friend class channel<T, X>;
    friend struct detail::end_access;

    end_type& transport_end() noexcept { return reader_.end(); }

    receiver(end_type end, std::chrono::nanoseconds linger) : reader_(std::move(end)), linger_(linger) {}

    [[gnu::noinline, gnu::cold]] static void ended_or_raise(error_code const& e)
    {
        if (e != errc::closed)
            detail::raise(e);
    }

    template <class Stop, class Attempt>
    bool until_stopped(Stop const& stop, Attempt attempt)
    {
        error_code const e = detail::until_stopped<detail::receivers_sleep<X>>(reader_.end(), stop, attempt);
        if (e && e != errc::timed_out)
            ended_or_raise(e);
        return !e;
    }

    detail::message_reader<T, X> reader_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait

#endif
