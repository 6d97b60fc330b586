// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_FLOODED_HPP
#define SUPPORT_FLOODED_HPP

#include <support/clean_host.hpp>
#include <support/raw_peer.hpp>
#include <support/residue.hpp>

#include <strait/serialization/layout.hpp>
#include <strait/transport/unix_seqpacket.hpp>

#include <cstdint>
#include <type_traits>

#include <sys/socket.h>

namespace support {

inline constexpr strait::message_layout numbers{8, 8, 1};

/// A receiver of X, whose messages are numbers, and how a foreign program comes to it.
template <class X>
struct flooded : clean_host {
    static constexpr bool has_port = X::guarantees.crosses_hosts;

    flooded() : in(X::template receiver_end<numbers>::open(has_port ? "127.0.0.1:0" : name, {}, "test").value())
    {
        if constexpr (has_port)
            port = in.port();
    }

    raw_peer come() const
    {
        if constexpr (has_port)
            return raw_peer(port);
        else
            return {channel_directory() + "/" + name + ".sock",
                    std::is_same_v<X, strait::unix_seqpacket> ? SOCK_SEQPACKET : SOCK_STREAM};
    }

    typename X::template receiver_end<numbers> in;
    std::uint16_t port = 0;
};

}  // namespace support

#endif
