// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_SYSV_MQUEUE_HPP
#define STRAIT_TRANSPORT_SYSV_MQUEUE_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/queue/packing_member.hpp>
#include <strait/detail/queue/receiver.hpp>
#include <strait/detail/queue/sender.hpp>
#include <strait/detail/sysv/member.hpp>
#include <strait/detail/sysv/reception.hpp>
#include <strait/transport.hpp>

namespace strait {

/// A System V message queue (msgget(2); `ipcs -q` shows it): many senders, many receivers, and each message goes to one
/// of these. The kernel retains unread messages when every process has gone; the channel then stays, for the next
/// receiver.
///
/// `options.capacity` is in messages of the largest size; the default, and the most, is what fits into
/// /proc/sys/kernel/msgmnb (16384) bytes. More messages fit if they are smaller. For types that vary in size
/// `options.max_message_size` is the largest size of a message in bytes; the default, and the most, is
/// /proc/sys/kernel/msgmax (8192). Without it a capacity beyond msgmnb is not refused but lowered, because few messages
/// will be that long. The first opener decides both.
///
/// Opening reports which limit of the kernel was met: `queue_limit` (msgmax, msgmnb), `queue_count_limit` (msgmni). The
/// queues of a host have one space of keys. A channel tries up to 16 keys, which are made of its name and the user's
/// id; `untrusted_object` when other queues have all of them.
///
/// The kernel offers neither a descriptor nor a wait with a deadline, so ends that wait sleep at a futex beside the
/// queue. Messages that another program sends are found within 50 ms. They are checked: one of another size than that
/// of a fixed-size type, one that is larger than the channel allows, and one of another message type than 1 is reported
/// as `malformed_message` and discarded.
///
/// A message is consumed when it is first looked at: the message that a receiver has in use is lost when the receiver
/// is killed. remove() takes the queue from living ends too, which then report `removed`.
///
/// Distinct objects: safe. Shared objects: unsafe.
struct sysv_mqueue {
    static constexpr transport_guarantees guarantees{
        .name = detail::sysv_transport,
        .senders = multiplicity::many,
        .receivers = multiplicity::many,
        .retained = true,
        .max_message_size = 2'147'483'647,  // what msgmax can be raised to
        .committed_when = commit_point::call_returned,
    };

    using options = channel_options;

    template <message_layout L>
    using sender_end = detail::queue_sender<L, detail::sysv_member>;
    template <message_layout L>
    using receiver_end = detail::queue_receiver<L, detail::sysv_member>;

    /// The parts of packed<sysv_mqueue>.
    struct packs {
        static constexpr char const* name = detail::packed_sysv_transport;
        /// A participant of a channel of packs.
        using member = detail::packing_member<detail::sysv_member, detail::packed_sysv_transport>;
        template <message_layout L>
        using sender_end = detail::queue_sender<L, member>;
        template <message_layout L>
        using receiver_end = detail::queue_receiver<L, member>;
    };

    /// The parts of prioritized<sysv_mqueue>.
    struct priorities {
        static constexpr char const* name = detail::prioritized_sysv_transport;
        template <message_layout L>
        using sender_end = detail::queue_sender<L, detail::prioritized_member>;
        template <message_layout L>
        using receiver_end = detail::queue_receiver<L, detail::prioritized_member>;
    };

    /// Removes the channel, whatever it contains, and of whatever transport it is. Living ends that wait
    /// report `removed`.
    /// Errors: `invalid_endpoint`, `untrusted_object`, `timed_out`.
    static result<void> remove(endpoint const& where) { return detail::sysv_membership::remove(where); }
};

}  // namespace strait

#endif
