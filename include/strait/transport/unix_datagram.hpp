// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_UNIX_DATAGRAM_HPP
#define STRAIT_TRANSPORT_UNIX_DATAGRAM_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/socket/datagram_receiver.hpp>
#include <strait/detail/unix_socket/ends.hpp>
#include <strait/detail/unix_socket/socket.hpp>
#include <strait/transport.hpp>

namespace strait {

namespace detail {

struct unix_datagrams : unix_datagram_packets {
    static constexpr char name[] = "unix_datagram";
    static constexpr bool connects = false;

    template <message_layout L>
    using receiver = datagram_receiver<L, unix_listener>;
};

}  // namespace detail

/// A Unix domain datagram socket: many senders, and one socket for all of them at the receiver. For very many senders, which
/// cost the receiver nothing. A message goes into one datagram, or a whole batch of small ones does (up to 64 KiB).
///
/// The kernel lets /proc/sys/net/unix/max_dgram_qlen datagrams wait, 10 on most hosts: one by one the channel is soon full,
/// and a sender then waits, or gets errc::full; nothing is dropped. Endpoints are names and paths; the path with
/// `.sock` behind it has at most 107 bytes. options.capacity is bytes of each sender's socket buffer, more if a message
/// needs it. options.max_message_size, for types that vary, is 128 KiB by default; what /proc/sys/net/core/wmem_max does
/// not allow twice is refused with `capacity_limit`, and at most 2 MiB are taken.
///
/// What was sent is in the kernel: it arrives when the sender is killed, and is lost with the receiver. A sender's first
/// operation that waits, waits for the first receiver; one that does not wait reports no_receiver. When the receiver has
/// gone, operations report no_receiver, and the next one looks for another receiver. No datagram says that a sender has
/// died: the channel's control file does. A foreign datagram that is not made of whole frames is reported as
/// `malformed_message`; no other message is lost by it.
class unix_datagram : public detail::unix_channels<detail::unix_datagrams> {
public:
    static constexpr transport_guarantees guarantees{
        .name = detail::unix_datagrams::name,
        .senders = multiplicity::many,
        .max_message_size = detail::unix_datagrams::largest,
        .pollable = true,
        .committed_when = commit_point::call_returned,
    };
};

}  // namespace strait

#endif
