// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_QUEUE_PACKING_MEMBER_HPP
#define STRAIT_DETAIL_QUEUE_PACKING_MEMBER_HPP

#include <strait/detail/membership/role.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <string_view>

namespace strait::detail {

// A Member of queue_sender and of the receivers, for a channel of packs, which are not retained.
template <class Member, char const* Name>
struct packing_member : Member {
    template <message_layout L>
    static error_code join(endpoint const& at, channel_options const& how, message_type const& type, role r,
                           packing_member& joined)
    {
        return Member::template join<L>(at, how, type, r, joined, {Name, false});
    }
};

}  // namespace strait::detail

#endif
