// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_NAMED_PIPE_HPP
#define STRAIT_TRANSPORT_NAMED_PIPE_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/pipe/frame.hpp>
#include <strait/detail/pipe/receiver.hpp>
#include <strait/detail/pipe/sender.hpp>
#include <strait/transport.hpp>

namespace strait {

/// A FIFO: many senders, one receiver. Small messages between processes of one host, with nothing but pipes.
///
/// A message is at most PIPE_BUF (4096 bytes), its header of 8 bytes included where the size varies: up to there the
/// kernel keeps the writes of several senders apart. Messages of fixed size have no header.
///
/// `options.capacity` is in bytes, rounded up by the kernel; default 64 KiB; `capacity_limit` above
/// /proc/sys/fs/pipe-max-size without privileges. The receiver reads ahead as much again.
///
/// Messages lie in the kernel from the call that sends them until the receiver reads: with a killed receiver those that
/// it had read ahead are lost, at most a pipe full; those still in the pipe come to the next receiver if a sender stays
/// connected. Never a part of one.
///
/// What a foreign process writes into the FIFO is checked; at a lying header the receiver reports `malformed_message` and
/// drops all that it has read ahead, other senders' messages included, since where the next message starts is unknown.
/// The next read starts at a message again.
///
/// Distinct objects: safe. Shared objects: unsafe.
struct named_pipe {
    static constexpr transport_guarantees guarantees{
        .name = detail::fifo_transport,
        .senders = multiplicity::many,
        .max_message_size = detail::pipe_frame_limit,
        .pollable = true,
        .committed_when = commit_point::call_returned,
    };

    using options = channel_options;

    template <message_layout L>
    using sender_end = detail::fifo_sender<L>;
    template <message_layout L>
    using receiver_end = detail::fifo_receiver<L>;

    /// Removes the channel, whatever it contains; living ends go on with each other. invalid_endpoint, untrusted_object.
    static result<void> remove(endpoint const& where) { return detail::fifo_membership::remove(where); }
};

}  // namespace strait

#endif
