// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TCP_OPTIONS_HPP
#define STRAIT_TCP_OPTIONS_HPP

#include <strait/endpoint.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>

namespace strait {

/// How an end over tcp is opened: an aggregate, for designated initialisers.
///
///     strait::sender<price, strait::tcp> out{"10.0.0.7:4000", {.keep_alive = 5s}};
struct tcp_options {
    /// Bytes of each socket's buffers; 0 is the kernel's default. Of a name the first opener decides.
    std::size_t capacity = 0;
    /// Bytes of the largest encoded message, for types that vary in size; 0 is 64 MiB. At most 4 GiB. Of a name the first
    /// opener decides.
    std::size_t max_message_size = 0;
    /// How long a sender's operation waits for the first receiver.
    std::chrono::nanoseconds connect_timeout = infinite;
    /// How long close() and the destructor wait for accepted messages to leave this process.
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
};

}  // namespace strait

#endif
