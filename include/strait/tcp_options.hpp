// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TCP_OPTIONS_HPP
#define STRAIT_TCP_OPTIONS_HPP

#include <strait/endpoint.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>

namespace strait::detail {

/// As channel_options, and what belongs to TCP.
struct tcp_options {
    std::size_t capacity = 0;          ///< bytes of socket buffer; 0: the kernel's default
    std::size_t max_message_size = 0;  ///< as in channel_options
    std::chrono::nanoseconds connect_timeout = infinite;         ///< as in channel_options
    std::chrono::nanoseconds linger = std::chrono::seconds(5);  ///< as in channel_options
    bool keep = false;                                          ///< as in channel_options
    access_mode access = access_mode::owner;                    ///< as in channel_options; of names
    /// An idle connection whose peer's host has vanished is noticed after twice this; 0 switches it off.
    std::chrono::seconds keep_alive = std::chrono::seconds(30);
    /// Data not taken by the peer's host for so long breaks the connection; 0 leaves it to the kernel (about 15
    /// minutes). A receiver that lets a full channel wait for longer counts as gone, too.
    std::chrono::milliseconds user_timeout = std::chrono::milliseconds(0);
};

}  // namespace strait::detail

#endif
