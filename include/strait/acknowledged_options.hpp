// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_ACKNOWLEDGED_OPTIONS_HPP
#define STRAIT_ACKNOWLEDGED_OPTIONS_HPP

#include <strait/endpoint.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>

namespace strait {

/// How an end over acknowledged<tcp> is opened: an aggregate, for designated initialisers.
///
///     strait::receiver<order, strait::acknowledged<strait::tcp>> in{":4000", {.reconnect_within = 1min}};
struct acknowledged_options {
    /// Bytes that a sender keeps until they are acknowledged, and of each socket's buffers; 0 is 1 MiB and the kernel's
    /// default. One message is always taken, however large. Of a name the first opener decides.
    std::size_t capacity = 0;
    /// Bytes of the largest encoded message, for types that vary in size; 0 is 64 MiB. At most 4 GiB. Of a name the first
    /// opener decides.
    std::size_t max_message_size = 0;
    /// How long a sender's operation waits for the first receiver, and how long after the loss of a connection operations
    /// report `no_receiver`.
    std::chrono::nanoseconds connect_timeout = infinite;
    /// How long close() and the destructor wait until all accepted messages are acknowledged.
    std::chrono::nanoseconds linger = std::chrono::seconds(5);
    /// The control file of a name stays when the last participant leaves; remove() ends it. Without effect on an address.
    bool keep = false;
    /// Which users can join a name. Whoever can reach an address can connect to it.
    access_mode access = access_mode::owner;
    /// Seconds without traffic after which the kernel asks the peer's host for a sign of life. A host that has vanished is
    /// noticed after about twice as long. 0 switches this off.
    std::chrono::seconds keep_alive = std::chrono::seconds(30);
    /// Data that the peer's host has not taken for so long breaks the connection; 0 leaves it to the kernel (about 15
    /// minutes). A receiver that lets a full channel wait for longer counts as gone, too.
    std::chrono::milliseconds user_timeout = std::chrono::milliseconds(0);
    /// With an address: how long a receiver waits for a sender whose connection has broken. Only time in which the
    /// receiver is asked counts: of a pause between two operations not more than a quarter of this.
    std::chrono::nanoseconds reconnect_within = std::chrono::seconds(10);
};

}  // namespace strait

#endif
