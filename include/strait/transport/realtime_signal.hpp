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

/// Real-time signals with a value, directed to the thread that has opened the receiver: up to 256 senders, one
/// receiver. A message is of one size, at most 8 bytes, and sent as it is. For processes that have nothing else in
/// common, and to see what signals can do; every other transport is faster or carries more.
///
/// The receiver's thread blocks one signal and reads it from a signalfd(2): no handler is installed, and nobody is
/// killed or interrupted by a message. The number is the highest real-time signal without a handler that the thread
/// does not block already; `signal_limit` if there is none. It **stays blocked** in that thread after close(), since a
/// late signal would kill the process otherwise, and serves the thread's next receiver; what the thread executes
/// inherits that. Close a receiver before its process executes another program: what is unread stays pending there.
///
/// Only the thread that has opened a receiver can use it (`wrong_thread`); any may close it. A sender can be used by
/// any thread, one at a time. select() works in the receiver's thread, an io_context if only that thread runs it. There
/// is no native_handle(): to other threads the descriptor shows nothing.
///
/// options.capacity is how many messages of each sender wait unread, 1,024 by default; up to 64 more the receiver has
/// read ahead. A full channel makes its senders wait, also when the receiver's user has as many signals pending as
/// RLIMIT_SIGPENDING (`ulimit -i`) allows. What was sent is in the kernel: it arrives when the sender is killed, and is
/// lost with the receiver. A sender waits for the first receiver with its first operation; when the receiver has gone, or its thread,
/// it gets no_receiver, and the next operation tries the next one. The kernel must allow the sender to signal the
/// receiver: of the same user, or privileged; and both must see each other in /proc.
///
/// A thread is only signalled if it began when the receiver says it did, and blocks the signal: whatever a faulty peer
/// writes into the channel, nobody is killed. Any process of the same user can send a signal, too: what is none of ours
/// is counted in stats().dropped, and so is what is missing between two messages of a sender, if something else in the
/// process took it.
struct realtime_signal {
    static constexpr transport_guarantees guarantees{
        .name = detail::signal_transport,
        .senders = multiplicity::many,
        .max_message_size = detail::signal_payload,
        .fixed_size_only = true,
        .committed_when = commit_point::call_returned,
    };

    using options = channel_options;

    /// Distinct objects: safe. Shared objects: unsafe.
    template <message_layout L>
    using sender_end = detail::queue_sender<L, detail::signal_member>;
    template <message_layout L>
    class receiver_end;

    /// Removes the channel; living ends go on with each other. invalid_endpoint, untrusted_object.
    static result<void> remove(endpoint const& where) { return detail::signal_membership::remove(where); }
};

/// Distinct objects: safe. Shared objects: unsafe. Of one thread.
template <message_layout L>
class realtime_signal::receiver_end : public detail::datagram_receiver<L, detail::signal_listener> {
    using base = detail::datagram_receiver<L, detail::signal_listener>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, std::string_view type_name)
    {
        detail::location place;
        detail::participant member;
        if (error_code const e = detail::join_signals<L>(where, how, type_name, detail::role::receiver, place, member))
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
