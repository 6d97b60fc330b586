// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_UNIX_STREAM_HPP
#define STRAIT_TRANSPORT_UNIX_STREAM_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/socket/stream_receiver.hpp>
#include <strait/detail/unix_socket/ends.hpp>
#include <strait/transport.hpp>

#include <cstddef>
#include <cstdint>

namespace strait {

namespace detail {

struct unix_streams {
    static constexpr char name[] = "unix_stream";

    template <message_layout L>
    static constexpr std::uint64_t limit(std::uint64_t asked) noexcept
    {
        return stream_limit<L>(asked);
    }
    template <message_layout L>
    using receiver = stream_receiver<L, unix_listener>;
    static constexpr bool connects = true;

    static unix_kind sockets(std::size_t capacity, std::uint64_t) noexcept { return {.capacity = capacity}; }
};

}  // namespace detail

/// A Unix domain stream socket: many senders, each with a connection of its own, whose identity the kernel vouches for.
///
/// Endpoints are names and paths; the path with `.sock` behind it has at most 107 bytes. options.capacity is bytes of
/// socket buffer (the kernel's default otherwise), options.max_message_size 64 MiB for types that vary, up to 4 GiB.
///
/// What was sent is in the kernel: it arrives when the sender is killed, unless it was being written at that moment; it is
/// lost with the receiver. A sender's first operation that waits, waits for the first receiver; one that does not wait
/// reports no_receiver. When the receiver has gone, operations report no_receiver, and the next one looks for another
/// receiver. Only processes of this user are accepted, unless options.access is wider; options.accept can be narrower
/// (unix_options). A message of which one byte has left is accepted; its rest leaves first in the next operation.
class unix_stream : public detail::unix_channels<detail::unix_streams> {
public:
    static constexpr transport_guarantees guarantees{
        .name = detail::unix_streams::name,
        .senders = multiplicity::many,
        .pollable = true,
        .passes_handles = true,
        .nameless = true,
        .committed_when = commit_point::call_returned,
    };
};

}  // namespace strait

#endif
