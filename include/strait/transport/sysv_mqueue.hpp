// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_SYSV_MQUEUE_HPP
#define STRAIT_TRANSPORT_SYSV_MQUEUE_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/queue/packing_member.hpp>
#include <strait/detail/queue/sender.hpp>
#include <strait/detail/sysv/member.hpp>
#include <strait/detail/sysv/receiver.hpp>
#include <strait/transport.hpp>

namespace strait {

/// A System V message queue (msgget(2); `ipcs -q` shows it): many senders, many receivers, each message to one of them.
/// The kernel keeps unread messages when every process has gone; the channel then stays, for the next receiver.
///
/// `options.capacity` is in messages of the largest size; default: what /proc/sys/kernel/msgmnb (16384) gives in bytes,
/// which is also the most. More messages fit if they are smaller. For types that vary in size `options.max_message_size` is
/// what each may take; default and most: /proc/sys/kernel/msgmax (8192). Without it a capacity beyond msgmnb is not refused
/// but lowered, as few messages will be that long. The first opener decides.
///
/// Opening reports what limit of the kernel was met: `queue_limit` (msgmax, msgmnb), `queue_count_limit` (msgmni). The
/// queues of a host have one space of keys, and a channel tries up to 16 keys made from its name and the user's id;
/// `untrusted_object` when others have them all.
///
/// The kernel offers neither a descriptor nor a wait with a deadline: ends that wait sleep at a futex beside the queue. So
/// messages that another program sends are found within 50 ms. They are checked: another size than that of a fixed-size
/// type, more than the channel takes, or another message type than 1 is `malformed_message`, and discarded.
///
/// A message is consumed when it is first looked at: with a receiver killed then, the one in its hands is lost. remove()
/// takes the queue from living ends, too: they report `removed`.
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
    using receiver_end = detail::sysv_receiver<L>;

    /// What packed<sysv_mqueue> is made of.
    struct packs {
        static constexpr char const* name = detail::packed_sysv_transport;
        /// Membership in a channel of packs.
        using member = detail::packing_member<detail::sysv_member, detail::packed_sysv_transport>;
        template <message_layout L>
        using sender_end = detail::queue_sender<L, member>;
        template <message_layout L>
        using receiver_end = detail::sysv_receiver<L, member>;
    };

    /// What prioritized<sysv_mqueue> is made of.
    struct priorities {
        static constexpr char const* name = detail::prioritized_sysv_transport;
        template <message_layout L>
        using sender_end = detail::queue_sender<L, detail::prioritized_member>;
        template <message_layout L>
        using receiver_end = detail::sysv_receiver<L, detail::prioritized_member>;
    };

    /// Removes the channel, whatever it contains. invalid_endpoint, untrusted_object.
    static result<void> remove(endpoint const& where) { return detail::sysv_membership::remove(where); }
};

}  // namespace strait

#endif
