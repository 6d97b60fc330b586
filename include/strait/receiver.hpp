// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RECEIVER_HPP
#define STRAIT_RECEIVER_HPP

#include <strait/borrowed.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/detail/channel/message_iterator.hpp>
#include <strait/detail/channel/message_reader.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace strait {

template <class T, class X>
class channel;

/// The end of a channel that messages of type T come out of, over the transport X.
///
/// Waiting operations tell the end of the stream by their value and throw boost::system::system_error for failures; the
/// `try_`, `_for` and `_until` forms return an error: `empty` or `timed_out` when no message came, `closed` at the end,
/// else a failure: `malformed_message` (that message was discarded), `peer_corrupt`, `inherited_handle`, and those of the
/// system. The stream ends when every sender that joined has left or died and all was read; if another joins later, it
/// goes on.
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
        : reader_(end_type::open(where, how, detail::type_name<T>()).value()), linger_(how.linger)
    {
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

    /// The same without exceptions.
    [[nodiscard]] static result<receiver> open(endpoint const& where, options const& how = {})
    {
        auto end = end_type::open(where, how, detail::type_name<T>());
        if (!end)
            return end.error();
        return receiver(std::move(*end), how.linger);
    }

    /// Waits for a message; nullopt at the end of the stream.
    [[nodiscard]] std::optional<T> receive()
    {
        // GCC 12 copies large values once more unless there is one named optional and one return.
        std::optional<T> message;
        if (error_code const e = reader_.take(message, deadline::never())) [[unlikely]]
            ended_or_raise(e);
        return message;
    }

    /// The same, for messages of a few words.
    [[nodiscard, gnu::always_inline]] std::optional<T> receive()
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

    /// The same into a T whose memory is reused; false at the end.
    [[nodiscard]] bool receive(T& message)
    {
        error_code const e = reader_.take_into(message, deadline::never());
        if (e) [[unlikely]]
            ended_or_raise(e);
        return !e;
    }
    /// The same, for messages of a few words.
    [[nodiscard, gnu::always_inline]] bool receive(T& message)
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

    /// The same; nullopt also when a stop was requested before a message came.
    template <stoppable_token Stop>
    [[nodiscard]] std::optional<T> receive(Stop const& stop)
    {
        std::optional<T> message;
        stoppable(stop, [&](deadline d) { return reader_.take(message, d); });
        return message;
    }
    /// The same into a T whose memory is reused; false at the end, and when a stop was requested.
    template <stoppable_token Stop>
    [[nodiscard]] bool receive(T& message, Stop const& stop)
    {
        return stoppable(stop, [&](deadline d) { return reader_.take_into(message, d); });
    }

    /// Takes a message if one is there, else errc::empty.
    [[nodiscard]] result<T> try_receive() { return reader_.get(deadline::poll()); }

    /// Takes a message, waiting up to this moment of any clock, else errc::timed_out.
    template <class Clock, class Duration>
    [[nodiscard]] result<T> receive_until(std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [&](deadline d) { return reader_.get(d); });
    }

    /// The same, counted from now.
    template <class Rep, class Period>
    [[nodiscard]] result<T> receive_for(std::chrono::duration<Rep, Period> const& d)
    {
        return reader_.get(deadline::after(d));
    }

    /// Waits for one message and takes what more is there. Returns how many; 0 at the end of the stream.
    [[nodiscard]] std::size_t receive_batch(std::span<T> messages)
    {
        auto const n = reader_.get_batch(messages, deadline::never());
        if (n)
            return *n;
        ended_or_raise(n.error());
        return 0;
    }

    /// The same without waiting, else errc::empty.
    [[nodiscard]] result<std::size_t> try_receive_batch(std::span<T> messages) { return reader_.get_batch(messages, deadline::poll()); }

    /// The same, waiting for the first up to this moment.
    template <class Clock, class Duration>
    [[nodiscard]] result<std::size_t> receive_batch_until(std::span<T> messages, std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [&](deadline d) { return reader_.get_batch(messages, d); });
    }

    /// The same, counted from now.
    template <class Rep, class Period>
    [[nodiscard]] result<std::size_t> receive_batch_for(std::span<T> messages, std::chrono::duration<Rep, Period> const& d)
    {
        return reader_.get_batch(messages, deadline::after(d));
    }

    /// Waits for a message and shows it where it lies; false at the end of the stream.
    [[nodiscard]] borrowed<T, X> borrow()
    {
        auto b = reader_.view(deadline::never());
        if (b)
            return std::move(*b);
        ended_or_raise(b.error());
        return {};
    }

    /// Shows a message if one is there, else errc::empty.
    [[nodiscard]] result<borrowed<T, X>> try_borrow() { return reader_.view(deadline::poll()); }

    /// Shows a message, waiting up to this moment.
    template <class Clock, class Duration>
    [[nodiscard]] result<borrowed<T, X>> borrow_until(std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [&](deadline d) { return reader_.view(d); });
    }

    /// The same, counted from now.
    template <class Rep, class Period>
    [[nodiscard]] result<borrowed<T, X>> borrow_for(std::chrono::duration<Rep, Period> const& d)
    {
        return reader_.view(deadline::after(d));
    }

    /// All messages up to the end of the stream, as an input range.
    iterator begin() { return iterator(*this); }
    /// The end of that range.
    std::default_sentinel_t end() const noexcept { return {}; }

    /// After the end of the stream: did every sender leave, or did one die? `none` before it.
    strait::end_reason end_reason() const { return reader_.end().ended(); }

    /// Leaves the channel. Idempotent; the destructor does the same. Unread messages stay where they are retained.
    result<void> close() { return reader_.end().close(deadline::after(linger_)); }

    /// What this end has done so far.
    channel_stats stats() const
    {
        channel_stats s = reader_.end().stats();
        s.dropped += reader_.malformed();
        return s;
    }

    /// A descriptor for poll(2): readable when there may be a message. Messages read ahead lie in this object: receive
    /// with try_receive() until errc::empty before polling.
    int native_handle() const
        requires requires(end_type const& e) { e.native_handle(); }
    {
        return reader_.end().native_handle();
    }

    /// Who sent the last message, as the kernel tells.
    [[nodiscard]] result<peer_identity> peer() const
        requires requires(end_type const& e) { e.peer(); }
    {
        return reader_.end().peer();
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
    bool stoppable(Stop const& stop, Attempt attempt)
    {
        while (!stop.stop_requested()) {
            error_code const e = attempt(deadline::after(detail::stop_slice));
            if (!e)
                return true;
            if (e != errc::timed_out) {
                ended_or_raise(e);
                return false;
            }
        }
        return false;
    }

    detail::message_reader<T, X> reader_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait

#endif
