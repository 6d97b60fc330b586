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

namespace strait {

/// How many ends of one role a channel takes at a time.
enum class multiplicity : std::uint8_t {
    one,   ///< a second one is refused with errc::busy
    many,  ///< several
};

/// Which receivers get a message, where there are several.
enum class delivery_mode : std::uint8_t {
    each_to_one,  ///< each message goes to one of them
    each_to_all,  ///< each message goes to all that have joined
};

/// From when on a message survives the death of its sender.
enum class commit_point : std::uint8_t {
    stored,         ///< once it is in memory that the ends share, which is before send() returns
    call_returned,  ///< once send() has returned
    acknowledged,   ///< once the receiver has acknowledged it, which flush() waits for
    never,          ///< it may be lost on its way
};

/// What a transport promises beyond what all of them do. Read it at compile time: `X::guarantees.retained`.
struct transport_guarantees {
    /// The name that other processes compare: both ends of a channel must have the same.
    char const* name;
    /// How many senders a channel takes at a time.
    multiplicity senders = multiplicity::one;
    /// How many receivers a channel takes at a time.
    multiplicity receivers = multiplicity::one;
    /// Which of several receivers get a message.
    delivery_mode delivery = delivery_mode::each_to_one;
    /// Messages of one sender arrive in the order in which they were sent.
    bool ordered = true;
    /// No message is lost while both ends live.
    bool reliable = true;
    /// Messages that were not read stay when the receiver leaves or dies, and the next receiver gets them. A sender needs no
    /// receiver then; without this it reports errc::no_receiver where there is none.
    bool retained = false;
    /// A receiver that joins gets the present value, the last message that was sent, at once, and can look at it again
    /// and again: receiver::current().
    bool shows_present = false;
    /// A receiver that joins gets as many of the last messages as its options.history says.
    bool has_history = false;
    /// A full channel makes its sender wait; without this it overwrites or drops messages.
    bool bounded = true;
    /// How many bytes an encoded message may have; 0 where only memory and options limit it.
    std::size_t max_message_size = 0;
    /// The transport takes no types whose messages vary in size.
    bool fixed_size_only = false;
    /// claim() and borrow() show the channel's own memory, so that no byte is copied.
    bool zero_copy = false;
    /// native_handle() is a descriptor for poll(2).
    bool pollable = false;
    /// Descriptors can be parts of messages.
    bool passes_handles = false;
    /// The other end may be on another host.
    bool crosses_hosts = false;
    /// There are channels without a name: channel::make_pair().
    bool nameless = false;
    /// A peer with another message type is refused.
    bool checks_type = true;
    /// The stream ends when every sender has left or died and all was read.
    bool detects_end = true;
    /// A waiting peer learns of a death within 100 ms.
    bool detects_death = true;
    /// From when on a message survives the death of its sender.
    commit_point committed_when = commit_point::call_returned;
};

namespace detail {

// An end of a transport. It is closed before another one is moved into it.
//   close(deadline)   leaves the channel; waits up to the deadline for accepted messages to leave this process, and reports
//                     what was lost. Calling it again does nothing. The destructor closes, too, and does not wait
//   stats()           what this end has done so far
template <class E>
concept channel_end = std::movable<E> && !std::copyable<E> && requires(E& e, E const& c, deadline d) {
    { e.close(d) } -> std::same_as<result<void>>;
    { c.stats() } -> std::same_as<channel_stats>;
};

// An end that sends frames of bytes. There is one reservation at a time; one that is not committed has no effect.
//   reserve(size, deadline)   room for a message of so many bytes, aligned for the layout. Errors: full, timed_out,
//                             no_receiver, message_too_large, failures
//   commit(used)              the first `used` bytes reserved are a message; it may leave this process now or in flush()
//   flush(deadline)           hands over everything committed. An error withdraws what was not handed over, except a message
//                             of which a part has gone: that one counts as accepted, and its rest goes first in the next
//                             operation
//   stats().messages          counts what was accepted, so that a batch which an error stops knows how far it came
// An end may also have
//   settle(deadline)          where receivers acknowledge: waits until everything accepted is acknowledged. Errors: timed_out,
//                             no_receiver, failures
//   has_unsent()              where a message can be accepted in part: whether some of it is still here
//   awaits_receiver()         where messages are not retained: true until the first receiver has come or
//                             options.connect_timeout is over. With deadline::poll() such an end reports no_receiver and not
//                             full while no receiver is there; who waits in another way than inside this end (async, stop
//                             tokens) waits on while this is true. Asking does not lose the channel
template <class E>
concept byte_sender = channel_end<E> && requires(E& e, std::size_t n, deadline d) {
    { e.reserve(n, d) } -> std::same_as<result<std::span<std::byte>>>;
    e.commit(n);
    { e.flush(d) } -> std::same_as<result<void>>;
};

// An end that receives frames of bytes.
//   peek(deadline)   the next message, aligned for the layout, valid until release(). Errors: empty, timed_out, closed,
//                    failures. Called again without release() it shows the same message. malformed_message says that a
//                    message was discarded
//   release()        consumes the message that was peeked
//   ended()          after `closed`: why the stream has ended
// An end may also have
//   has_message()    where it costs less than peeking: false when no message is there, or none can be seen so cheaply
template <class E>
concept byte_receiver = channel_end<E> && requires(E& e, E const& c, deadline d) {
    { e.peek(d) } -> std::same_as<result<std::span<std::byte const>>>;
    e.release();
    { c.ended() } -> std::same_as<end_reason>;
};

// An end that moves fixed-size messages in bulk, straight from and to the caller's array, where a loop would cost more.
//   put_n(messages, deadline)    copies whole messages; returns how many were accepted, and an error only if none was
//   take_n(messages, deadline)   copies as many as are at hand and fit, at least one, and consumes them; returns how many
template <class E>
concept bulk_sender = requires(E& e, std::span<std::byte const> messages, deadline d) {
    { e.put_n(messages, d) } -> std::same_as<result<std::size_t>>;
};

template <class E>
concept bulk_receiver = requires(E& e, std::span<std::byte> messages, deadline d) {
    { e.take_n(messages, d) } -> std::same_as<result<std::size_t>>;
};

// An end of large messages of a fixed size, which both ends can copy at the same time.
//   copy_in(message, deadline)    does what reserve() and commit() do
//   copy_out(message, deadline)   does what peek() and release() do; after an error the caller's memory may have changed, too
template <class E>
concept overlapping_sender = requires(E& e, std::span<std::byte const> message, deadline d) {
    { e.copy_in(message, d) } -> std::same_as<result<void>>;
};

template <class E>
concept overlapping_receiver = requires(E& e, std::span<std::byte> message, deadline d) {
    { e.copy_out(message, d) } -> std::same_as<error_code>;
};

// An end that a thread can wait for together with others, without being inside of it.
//   arm()      returns what the end's peers wake it by from now on. The caller looks once more and sleeps only then
//   disarm()   the caller is awake; the next wait arms the end again
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
//   attach(descriptors)   sends these with the message that is reserved; an error withdraws the message. They are used by
//                         flush() at the latest, which follows each such message
//   handles()             those that came with the message that was peeked. One that is moved away belongs to the caller; the
//                         others are closed

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
concept carries_layout = requires(endpoint const& where, typename X::options const& options, message_type const& type) {
    requires byte_sender<typename X::template sender_end<L>>;
    requires byte_receiver<typename X::template receiver_end<L>>;
    // Not as `{ expression } -> concept`, which would make the compiler look into every result.
    requires std::same_as<decltype(X::template sender_end<L>::open(where, options, type)), result<typename X::template sender_end<L>>>;
    requires std::same_as<decltype(X::template receiver_end<L>::open(where, options, type)),
                          result<typename X::template receiver_end<L>>>;
};

}  // namespace detail

/// A transport that carries frames of bytes and knows no message type, only its message_layout. strait/transport.hpp says what
/// its ends do.
template <class X>
concept byte_transport = detail::transport_policy<X> && detail::carries_layout<X, detail::sample_layouts[0]> &&
                         (X::guarantees.fixed_size_only || detail::carries_layout<X, detail::sample_layouts[1]>);

namespace detail {

// The ends of a transport that moves objects within a process and never encodes them.
//   push(message, deadline)   moves or copies the object into the channel; an object that was not sent is unchanged. Errors:
//                             full, timed_out, failures
//   pop(deadline)             moves an object out of it. Errors: empty, timed_out, closed, failures
//   ended()                   after `closed`: why the stream has ended
// A sender end may also have
//   await_room(deadline)      waits until there is room for one object, which another sender may take
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

/// A transport that moves objects between threads of one process.
template <class X>
concept object_transport = detail::transport_policy<X> && detail::carries_objects<X, int>;

/// A mechanism that a channel can run over: one that carries bytes or one that moves objects.
template <class X>
concept transport = byte_transport<X> || object_transport<X>;

}  // namespace strait

#endif
