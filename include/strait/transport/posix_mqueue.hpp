// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_POSIX_MQUEUE_HPP
#define STRAIT_TRANSPORT_POSIX_MQUEUE_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/mqueue/reception.hpp>
#include <strait/detail/queue/packing_member.hpp>
#include <strait/detail/queue/receiver.hpp>
#include <strait/detail/queue/sender.hpp>
#include <strait/transport.hpp>

namespace strait {

/// A POSIX message queue: many senders, many receivers, and each message goes to one of these. The kernel retains
/// unread messages when every process has gone; the channel then stays, for the next receiver.
///
/// `options.capacity` is in messages; the default is 10, or /proc/sys/fs/mqueue/msg_max if that is less. For types that
/// vary in size `options.max_message_size` is the largest size of a message in bytes; the default is 8192, or
/// msgsize_max if that is less. A smaller size leaves room for more queues within `ulimit -q`, which counts the queues
/// of a user. The first opener decides both.
///
/// Opening reports which limit of the kernel was met: `queue_limit` (capacity or message size), `queue_memory_limit`
/// (`ulimit -q`), `queue_count_limit`, `descriptor_limit`. The queues of a host have one name space, so the name of a
/// queue contains the user's id.
///
/// A message is consumed when it is copied out of the kernel, which is when it is first looked at: the message that a
/// receiver has in use is lost when the receiver is killed. Messages of other programs are checked: one of another size
/// than that of a fixed-size type, or of another priority, is reported as `malformed_message` and discarded.
///
/// Distinct objects: safe. Shared objects: unsafe.
struct posix_mqueue {
    static constexpr transport_guarantees guarantees{
        .name = detail::mqueue_transport,
        .senders = multiplicity::many,
        .receivers = multiplicity::many,
        .retained = true,
        .max_message_size = 16'777'216,  // what Linux gives to privileged processes
        .pollable = true,
        .committed_when = commit_point::call_returned,
    };

    using options = channel_options;

    template <message_layout L>
    using sender_end = detail::queue_sender<L, detail::mqueue_member>;
    template <message_layout L>
    using receiver_end = detail::queue_receiver<L, detail::mqueue_member>;

    /// The parts of packed<posix_mqueue>.
    struct packs {
        static constexpr char const* name = detail::packed_mqueue_transport;
        /// A participant of a channel of packs.
        using member = detail::packing_member<detail::mqueue_member, detail::packed_mqueue_transport>;
        template <message_layout L>
        using sender_end = detail::queue_sender<L, member>;
        template <message_layout L>
        using receiver_end = detail::queue_receiver<L, member>;
    };

    /// Removes the channel, whatever it contains, and of whatever transport it is. Living ends that wait
    /// report `removed`.
    /// Errors: `invalid_endpoint`, `untrusted_object`, `timed_out`.
    static result<void> remove(endpoint const& where) { return detail::mqueue_membership::remove(where); }
};

}  // namespace strait

#endif
