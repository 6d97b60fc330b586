// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_REALTIME_SIGNAL_HPP
#define STRAIT_TRANSPORT_REALTIME_SIGNAL_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/queue/sender.hpp>
#include <strait/detail/signal/listener.hpp>
#include <strait/detail/signal/member.hpp>
#include <strait/detail/socket/datagram_receiver.hpp>
#include <strait/transport.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace strait {

/// Real-time signals with a value, sent to the thread that has opened the receiver: up to 256 senders, one receiver.
/// Messages have one size, of at most 8 bytes, and are sent as they lie in memory. It is for processes that have
/// nothing else in common, and shows what signals can do; every other transport is faster or carries more.
///
/// The receiver's thread blocks one signal and reads it from a signalfd(2): no handler is installed, and no process is
/// killed or interrupted by a message. The number is the highest real-time signal without a handler that the thread
/// does not block already; `signal_limit` if there is none. It **stays blocked** in that thread after close(), because
/// a late signal would kill the process, and serves the thread's next receiver. A program that the thread executes
/// inherits the blocked signal: close a receiver before its process executes another program, or unread messages stay
/// pending there.
///
/// Only the thread that has opened a receiver can use it (`wrong_thread`); any thread may close it. A sender can be
/// used by any thread, by one at a time. select() works in the receiver's thread, and an io_context if only that thread
/// runs it. There is no native_handle(), because the descriptor shows nothing to other threads.
///
/// `options.capacity` is how many messages of each sender may wait unread, 1,024 by default; the receiver reads up to
/// 64 more ahead. A sender waits when the channel is full, and when the receiver's user has as many signals pending as
/// RLIMIT_SIGPENDING (`ulimit -i`) allows. A message that was sent is in the kernel: it arrives although its sender is
/// killed, and is lost with the receiver. A sender waits for the first receiver with its first operation, up to
/// `options.connect_timeout`; one that does not wait reports `no_receiver`. When the receiver or its thread has gone
/// the sender reports `no_receiver`, and its next operation looks for the next receiver. The kernel must allow the
/// sender to signal the receiver: it is of the same user, or privileged; and both must see each other in /proc.
///
/// A thread is signalled only if it began when the receiver says it did, and blocks the signal: whatever a faulty peer
/// writes into the channel, no process is killed. Any process of the same user can send signals, too: those that are
/// not ours are counted in stats().dropped, and so are messages that are missing between two messages of a sender
/// because something else in the process took them.
///
/// Distinct objects: safe. Shared objects: unsafe.
struct realtime_signal {
    static constexpr transport_guarantees guarantees{
        .name = detail::signal_transport,
        .senders = multiplicity::many,
        .max_message_size = detail::signal_payload,
        .fixed_size_only = true,
        .committed_when = commit_point::call_returned,
    };

    using options = channel_options;

    /// The sending end. Distinct objects: safe. Shared objects: unsafe.
    template <message_layout L>
    using sender_end = detail::queue_sender<L, detail::signal_member>;
    template <message_layout L>
    class receiver_end;

    /// Removes the channel, whatever it contains, and of whatever transport it is. Living ends that wait
    /// report `removed`.
    /// Errors: `invalid_endpoint`, `untrusted_object`, `timed_out`.
    static result<void> remove(endpoint const& where) { return detail::signal_membership::remove(where); }
};

/// The receiving end. It belongs to the thread that has opened it. Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class realtime_signal::receiver_end : public detail::datagram_receiver<L, detail::signal_listener> {
    using base = detail::datagram_receiver<L, detail::signal_listener>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        detail::location place;
        detail::participant member;
        if (error_code const e = detail::join_signals<L>(where, how, type, detail::role::receiver, place, member))
            return e;
        detail::signal_listener listener(L.fixed_size);
        if (error_code const e = listener.open(std::move(member), std::move(place)))
            return e;
        receiver_end r(base(std::move(listener), L.fixed_size, how.linger));
        if (error_code const e = r.start())
            return e;
        return r;
    }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (is_elsewhere()) [[unlikely]]
            return errc::wrong_thread;
        return base::peek(until);
    }

    result<std::size_t> take_n(std::span<std::byte> to, deadline until)
    {
        if (is_elsewhere()) [[unlikely]]
            return errc::wrong_thread;
        return base::take_n(to, until);
    }

    int native_handle() const = delete;  // another thread's poll(2) would never end

private:
    explicit receiver_end(base r) : base(std::move(r)) {}

    bool is_elsewhere() const { return base::listener().usable() && !base::listener().is_of_this_thread(); }
};

static_assert(byte_transport<realtime_signal>);

}  // namespace strait

#endif
