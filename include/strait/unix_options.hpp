// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_UNIX_OPTIONS_HPP
#define STRAIT_UNIX_OPTIONS_HPP

#include <strait/endpoint.hpp>
#include <strait/options.hpp>
#include <strait/peer.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <functional>

namespace strait {

/// How an end over unix_stream, unix_seqpacket or sealed_memory is opened: an aggregate, for designated initialisers.
///
///     strait::receiver<job, strait::unix_stream> in{"jobs", {.accept = [](auto const& who) { return who.uid == 1000; }}};
struct unix_options {
    /// Bytes of each socket's buffers, or of each sender's ring; 0 is the default. Packets get more if a message needs it. The
    /// first opener decides; over sealed_memory each end does so for itself.
    std::size_t capacity = 0;
    /// Bytes of the largest encoded message, for types that vary in size; 0 is the transport's default. The first opener
    /// decides; over sealed_memory each end does so for itself.
    std::size_t max_message_size = 0;
    /// How long a sender's operation waits for the first receiver.
    std::chrono::nanoseconds connect_timeout = infinite;
    /// How long close() and the destructor wait for accepted messages to leave this process.
    std::chrono::nanoseconds linger = std::chrono::seconds(5);
    /// The control file stays when the last participant leaves; remove() ends it.
    bool keep = false;
    /// Which users can connect, and whose objects are accepted.
    access_mode access = access_mode::owner;
    /// A predicate on the other end, as the kernel identifies it: process, user and group when it connected, or listened.
    /// It is asked about each other end that options.access admits. A sender that is not accepted gets errc::refused as
    /// soon as the receiver has looked; nothing of it is delivered, and the receiver counts it in stats().dropped. A
    /// sender asks its own predicate about the receiver. Empty: everybody whom options.access admits. An exception of it
    /// comes out of the operation. It is not asked about the two ends of a pair.
    std::function<bool(peer_identity const&)> accept = {};
};

}  // namespace strait

#endif
