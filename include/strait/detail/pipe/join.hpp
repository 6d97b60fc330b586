// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_PIPE_JOIN_HPP
#define STRAIT_DETAIL_PIPE_JOIN_HPP

#include <strait/detail/membership/membership.hpp>
#include <strait/detail/pipe/fifo.hpp>
#include <strait/detail/pipe/frame.hpp>
#include <strait/options.hpp>

#include <string_view>

namespace strait::detail {

inline constexpr char fifo_transport[] = "named_pipe";

using fifo_membership = membership<fifo_mechanism>;

template <message_layout L>
error_code join_fifo(location const& where, channel_options const& how, std::string_view type_name, role r, participant& member)
{
    channel_traits traits = traits_beside<L>(fifo_transport, type_name, how);
    traits.max_message_size = pipe_frame<L>::largest;
    fifo_mechanism mechanism(how.capacity);
    return fifo_membership::join(where, traits, r, r == role::sender ? lock_bytes::most : 1, mechanism, member);
}

}  // namespace strait::detail

#endif
