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

/// As channel_options, and who may be at the other end of a connected Unix socket.
struct unix_options {
    std::size_t capacity = 0;          ///< as in channel_options
    std::size_t max_message_size = 0;  ///< as in channel_options
    std::chrono::nanoseconds connect_timeout = infinite;         ///< as in channel_options
    std::chrono::nanoseconds linger = std::chrono::seconds(5);  ///< as in channel_options
    bool keep = false;                                          ///< as in channel_options
    access_mode access = access_mode::owner;                    ///< as in channel_options
    /// Asked of each other end that options.access admits, by what the kernel says of it: its process, user and group when
    /// it connected, or listened. A sender that is not accepted gets errc::refused as soon as the receiver has looked, and is
    /// counted in its stats().dropped; nothing of it is delivered, and nobody else notices. Of a sender: whether the receiver
    /// will do. None: everybody of the same user. What it throws comes out of the operation. A pair has nobody to ask about.
    std::function<bool(peer_identity const&)> accept = {};
};

}  // namespace strait

#endif
