// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_UNIX_SEQPACKET_HPP
#define STRAIT_TRANSPORT_UNIX_SEQPACKET_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/socket/stream_receiver.hpp>
#include <strait/detail/unix_socket/ends.hpp>
#include <strait/detail/unix_socket/socket.hpp>
#include <strait/transport.hpp>

namespace strait {

namespace detail {

struct unix_seqpackets : unix_seqpacket_packets {
    static constexpr char name[] = "unix_seqpacket";
    static constexpr bool connects = true;

    template <message_layout L>
    using receiver = stream_receiver<L, unix_listener>;
};

}  // namespace detail

/// A Unix domain socket that keeps packets apart: many senders, each with a connection of its own, whose identity the
/// kernel vouches for. A message goes into one packet of the kernel, or a whole batch of small ones does (up to 64 KiB):
/// that is many times as fast as one by one, and never is a message there in part, whenever its sender is killed.
///
/// Endpoints are names and paths; the path with `.sock` behind it has at most 107 bytes. options.capacity is bytes of
/// socket buffer (the kernel's default otherwise), more if a message needs it. options.max_message_size, for types that
/// vary, is 128 KiB by default; what /proc/sys/net/core/wmem_max does not allow twice is refused with `capacity_limit`,
/// and at most 2 MiB are taken.
///
/// What was sent is in the kernel: it arrives when the sender is killed, and is lost with the receiver. A sender's first
/// operation that waits, waits for the first receiver; one that does not wait reports no_receiver. When the receiver has
/// gone, operations report no_receiver, and the next one looks for another receiver. Only processes of this user are
/// accepted, unless options.access is wider; options.accept can be narrower (unix_options). Descriptors that a foreign
/// sender attaches are closed by the kernel.
class unix_seqpacket : public detail::unix_channels<detail::unix_seqpackets> {
public:
    static constexpr transport_guarantees guarantees{
        .name = detail::unix_seqpackets::name,
        .senders = multiplicity::many,
        .max_message_size = detail::unix_seqpackets::largest,
        .pollable = true,
        .passes_handles = true,
        .nameless = true,
        .committed_when = commit_point::call_returned,
    };
};

}  // namespace strait

#endif
