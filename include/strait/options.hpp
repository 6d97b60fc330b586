// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_OPTIONS_HPP
#define STRAIT_OPTIONS_HPP

#include <strait/endpoint.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>

namespace strait {

/// How an end is opened. Members have the same meaning for every transport; each transport's page says what its
/// capacity counts and what its limits are.
struct channel_options {
    /// Messages, or bytes where the transport says so; 0 is the transport's default. The first opener decides.
    std::size_t capacity = 0;
    /// Bytes of the largest encoded message, for types that vary in size; 0 is the transport's default.
    std::size_t max_message_size = 0;
    /// How long a sender's operation waits for the first receiver, where one must be there.
    std::chrono::nanoseconds connect_timeout = infinite;
    /// How long close() and the destructor wait for accepted messages to leave this process.
    std::chrono::nanoseconds linger = std::chrono::seconds(5);
    /// The channel stays when its last participant leaves; remove() ends it.
    bool keep = false;
    /// Modes of what is created, and whose objects are accepted.
    access_mode access = access_mode::owner;
};

}  // namespace strait

#endif
