// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_HPP
#define STRAIT_TRANSPORT_HPP

#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/peer.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace strait {

/// How many ends of a kind a channel takes at a time.
enum class multiplicity : std::uint8_t { one, many };

/// Who gets a message where there are several receivers.
enum class delivery_mode : std::uint8_t { each_to_one, each_to_all };

/// From when on a message survives the death of its sender.
enum class commit_point : std::uint8_t { stored, call_returned, acknowledged, never };

/// What a transport promises beyond what all of them do. Read it at compile time: `X::guarantees.retained`.
struct transport_guarantees {
    char const* name;
    multiplicity senders = multiplicity::one;    ///< at a time
    multiplicity receivers = multiplicity::one;  ///< at a time
    delivery_mode delivery = delivery_mode::each_to_one;  ///< who gets a message
    bool ordered = true;         ///< messages of one sender arrive in the order sent
    bool reliable = true;        ///< nothing is lost while both ends live
    bool retained = false;       ///< unread messages outlive the receiver's process
    bool bounded = true;         ///< a full channel makes its sender wait
    std::size_t max_message_size = 0;  ///< bytes of an encoded message; 0: limited by memory or options only
    bool fixed_size_only = false;  ///< takes no types whose messages vary in size
    bool zero_copy = false;      ///< claim and borrow show the channel's own memory
    bool pollable = false;       ///< native_handle() can be waited for with poll(2)
    bool passes_handles = false;  ///< descriptors can be parts of messages
    bool crosses_hosts = false;   ///< the other end may be on another host
    bool nameless = false;       ///< has make_pair()
    bool checks_type = true;     ///< refuses a peer with another message type
    bool detects_end = true;     ///< the stream ends when every sender has left or died and all was read
    bool detects_death = true;   ///< a waiting peer learns of a death within 100 ms
    commit_point committed_when = commit_point::call_returned;  ///< from then on a message survives its sender
};

namespace detail {

// What is assigned to has been closed.
template <class E>
concept channel_end = std::movable<E> && !std::copyable<E> && requires(E& e, E const& c, deadline d) {
    { e.close(d) } -> std::same_as<result<void>>;       // idempotent; the destructor gives up at once what it cannot do
    { c.stats() } -> std::same_as<channel_stats>;
};

// Frames of bytes. One reservation at a time; a reservation that is not committed never existed.
//   reserve  room for a message of `size` bytes, aligned for the layout. full | timed_out | no_receiver |
//            message_too_large | failures
//   commit   the first `used` bytes reserved are a message; it may leave now or at flush()
//   flush    everything committed leaves this process. An error withdraws what was not handed over, except a message
//            of which a part has gone: that one is accepted, and its rest goes first later
//   settle   where messages are acknowledged: all have been. timed_out | no_receiver | failures
//   stats().messages counts what was accepted, so a batch that an error stops knows how far it came
template <class E>
concept byte_sender = channel_end<E> && requires(E& e, std::size_t n, deadline d) {
    { e.reserve(n, d) } -> std::same_as<result<std::span<std::byte>>>;
    e.commit(n);
    { e.flush(d) } -> std::same_as<result<void>>;
};

//   peek     the next message, aligned for the layout, valid until release(). empty | timed_out | closed | failures.
//            Asked again without release() it shows the same message. malformed_message discards what was malformed.
//   release  the message peeked is consumed
//   ended    after `closed`: why
//   has_message   where it costs less than peeking: false when nothing is there, or seems so
template <class E>
concept byte_receiver = channel_end<E> && requires(E& e, E const& c, deadline d) {
    { e.peek(d) } -> std::same_as<result<std::span<std::byte const>>>;
    e.release();
    { c.ended() } -> std::same_as<end_reason>;
};

// Fixed-size messages in bulk, straight from and to the caller's array, where looping would cost more.
//   put_n    copies whole messages; returns how many were accepted; an error only if none was
//   take_n   copies as many as are at hand and fit, at least one, and consumes them; returns how many
template <class E>
concept bulk_sender = requires(E& e, std::span<std::byte const> messages, deadline d) {
    { e.put_n(messages, d) } -> std::same_as<result<std::size_t>>;
};

template <class E>
concept bulk_receiver = requires(E& e, std::span<std::byte> messages, deadline d) {
    { e.take_n(messages, d) } -> std::same_as<result<std::size_t>>;
};

// Large messages of a fixed size, where both ends can copy at the same time.
//   copy_in    as reserve() and commit()
//   copy_out   as peek() and release(); what it writes to is not what it was after an error either
template <class E>
concept overlapping_sender = requires(E& e, std::span<std::byte const> message, deadline d) {
    { e.copy_in(message, d) } -> std::same_as<result<void>>;
};

template <class E>
concept overlapping_receiver = requires(E& e, std::span<std::byte> message, deadline d) {
    { e.copy_out(message, d) } -> std::same_as<error_code>;
};

// An end that others can wait for, among many. Nobody sleeps in it.
//   arm      from now on its peers wake it by what is returned. Look once more, and sleep only then
//   disarm   it is awake; the next wait arms it again
template <class E>
concept waitable_end = requires(E& e) {
    { e.arm() } -> std::same_as<wake_source>;
    e.disarm();
};

// Whether the ends of X may sleep in the kernel when they wait. Those whose waiting strategy never does are not put to sleep
// by a stop token either.
template <class X>
inline constexpr bool receivers_sleep = true;
template <class X>
    requires requires { typename X::waiting; }
inline constexpr bool receivers_sleep<X> = X::waiting::sleeps;
template <class X>
inline constexpr bool senders_sleep = receivers_sleep<X>;

// Of a layout with handles a sender end and a receiver end also have
//   attach   these descriptors go with the message that is reserved; an error withdraws it. They are used by flush() at the
//            latest, which follows each such message
//   handles  those that came with the message peeked; whoever moves one away owns it, the others are closed

template <class X>
concept transport_policy = requires {
    requires std::same_as<std::remove_cvref_t<decltype(X::guarantees)>, transport_guarantees>;
    typename X::options;
    requires requires(typename X::options o) {
        o.capacity;
        o.max_message_size;
        o.connect_timeout;
        o.linger;
        o.keep;
        o.access;
    };
    { X::remove(std::declval<endpoint const&>()) } -> std::same_as<result<void>>;
};

inline constexpr message_layout sample_layouts[] = {{8, 8, 1}, {0, 1, 2}};

template <class X, message_layout L>
concept carries_layout = requires(endpoint const& where, typename X::options const& options, std::string_view type) {
    requires byte_sender<typename X::template sender_end<L>>;
    requires byte_receiver<typename X::template receiver_end<L>>;
    // Not as `{ expression } -> concept`, which would make the compiler look into every result.
    requires std::same_as<decltype(X::template sender_end<L>::open(where, options, type)), result<typename X::template sender_end<L>>>;
    requires std::same_as<decltype(X::template receiver_end<L>::open(where, options, type)),
                          result<typename X::template receiver_end<L>>>;
};

}  // namespace detail

/// Carries frames of bytes and knows no message type, only its layout.
template <class X>
concept byte_transport = detail::transport_policy<X> && detail::carries_layout<X, detail::sample_layouts[0]> &&
                         (X::guarantees.fixed_size_only || detail::carries_layout<X, detail::sample_layouts[1]>);

namespace detail {

// Objects of one process, moved and never encoded.
//   push  takes a copy or the object itself;  pop  gives it away
template <class X, class T>
concept carries_objects =
    requires(typename X::template sender_end<T>& s, typename X::template receiver_end<T>& r, T const& copied, T& moved, deadline d) {
        requires channel_end<typename X::template sender_end<T>>;
        requires channel_end<typename X::template receiver_end<T>>;
        { s.push(copied, d) } -> std::same_as<result<void>>;
        { s.push(std::move(moved), d) } -> std::same_as<result<void>>;
        { r.pop(d) } -> std::same_as<result<T>>;
        { r.ended() } -> std::same_as<end_reason>;
    };

}  // namespace detail

/// Moves objects between threads of one process.
template <class X>
concept object_transport = detail::transport_policy<X> && detail::carries_objects<X, int>;

/// A mechanism that a channel can run over.
template <class X>
concept transport = byte_transport<X> || object_transport<X>;

}  // namespace strait

#endif
