// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_OPTIONS_HPP
#define STRAIT_OPTIONS_HPP

#include <strait/endpoint.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>

namespace strait {

/// How an end is opened. Set what you need by name: `strait::sender<int, X> out{"numbers", {.capacity = 64, .keep = true}}`.
/// Members mean the same for every transport; each transport's page says what its capacity counts and what its limits are.
struct channel_options {
    /// How many messages, or bytes where the transport says so, the channel holds; 0 is the transport's default. Who opens the
    /// channel first decides.
    std::size_t capacity = 0;
    /// How many bytes the largest encoded message has, for types that vary in size; 0 is the transport's default.
    std::size_t max_message_size = 0;
    /// How long a sender's operation waits for the first receiver, where messages are not retained; then it reports
    /// errc::no_receiver. Also how long, and at least a second, a client waits for its acceptor or server:
    /// errc::no_receiver when there is none, errc::timed_out when it does not accept.
    std::chrono::nanoseconds connect_timeout = infinite;
    /// How long close() waits for accepted messages to leave this process, and the destructor, which calls it.
    std::chrono::nanoseconds linger = std::chrono::seconds(5);
    /// The channel stays when its last participant leaves; remove() ends it.
    bool keep = false;
    /// Over broadcast rings: how many of the last messages that were sent before a receiver joins it gets first. What the
    /// channel holds of them limits that: errc::history_too_large. Over broadcast<lossless> who opens the channel first
    /// decides how many it keeps, in memory beside that of options.capacity. Has no effect on other transports; a receiver of
    /// broadcast<latest> and of a board always gets one.
    std::size_t history = 0;
    /// Who else may use the channel: the modes of the objects that are created, and whose objects are accepted.
    access_mode access = access_mode::owner;
};

}  // namespace strait

#endif
