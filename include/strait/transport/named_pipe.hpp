// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_NAMED_PIPE_HPP
#define STRAIT_TRANSPORT_NAMED_PIPE_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/pipe/frame.hpp>
#include <strait/detail/pipe/receiver.hpp>
#include <strait/detail/pipe/sender.hpp>
#include <strait/transport.hpp>

namespace strait {

/// A FIFO: many senders, one receiver. It carries small messages between processes of one host, and needs nothing but
/// pipes.
///
/// A message has at most PIPE_BUF (4096) bytes, including its header of 8 bytes where the size varies: up to that size
/// the kernel does not mix the writes of several senders. Messages of fixed size have no header.
///
/// `options.capacity` is in bytes; the kernel rounds it up; the default is 64 KiB; `capacity_limit` above
/// /proc/sys/fs/pipe-max-size without privileges. The receiver reads as much again ahead.
///
/// Messages lie in the kernel from the call that sends them until the receiver reads them. With a killed receiver the
/// messages that it has read ahead are lost, at most a full pipe. Those that are still in the pipe come to the next
/// receiver if a sender stays connected. A part of a message never arrives.
///
/// A sender waits for the first receiver, up to `options.connect_timeout`; one that does not wait reports
/// `no_receiver`.
///
/// The receiver checks what a foreign process writes into the FIFO. At a wrong header it reports `malformed_message`
/// and drops all that it has read ahead, also messages of other senders, because it cannot know where the next message
/// starts. The next read starts at a message again.
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

    /// Removes the channel, whatever it contains, and of whatever transport it is. Living ends that wait
    /// report `removed`.
    /// Errors: `invalid_endpoint`, `untrusted_object`, `timed_out`.
    static result<void> remove(endpoint const& where) { return detail::fifo_membership::remove(where); }
};

}  // namespace strait

#endif
