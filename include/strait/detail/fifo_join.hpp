// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_FIFO_JOIN_HPP
#define STRAIT_DETAIL_FIFO_JOIN_HPP

#include <strait/detail/companion_door.hpp>
#include <strait/detail/fifo.hpp>
#include <strait/detail/pipe_frame.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <chrono>
#include <string_view>

namespace strait::detail {

inline constexpr char fifo_transport[] = "named_pipe";

// Others hold the set-up lock for a few system calls only, unless they were stopped in between.
inline constexpr std::chrono::seconds fifo_patience{5};

using fifo_door = companion_door<fifo_mechanism>;

template <message_layout L>
result<companion> join_fifo(location const& where, channel_options const& how, std::string_view type_name, role r)
{
    channel_traits const traits{
        .transport = fifo_transport,
        .type_name = type_name,
        .fingerprint = L.fingerprint,
        .element_size = L.fixed_size,
        .capacity = how.capacity,
        .max_message_size = pipe_frame<L>::largest,
        .size = control_block::size_in_file,
        .keep = how.keep,
    };
    fifo_mechanism mechanism{how.capacity};
    return fifo_door::join(where, traits, r, r == role::sender ? lock_bytes::most : 1, mechanism,
                           deadline::after(fifo_patience));
}

}  // namespace strait::detail

#endif
