// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SYSV_PRIORITIZED_MEMBER_HPP
#define STRAIT_DETAIL_SYSV_PRIORITIZED_MEMBER_HPP

#include <strait/detail/sysv/member.hpp>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

namespace strait::detail {

// A member of a channel over a System V queue whose messages have priorities. msgrcv(2) with a negative type gives the
// first message of the lowest type: so 1 is the highest priority, and 256 is priority 0. Receivers ask for any type, since
// what another program sends beyond that would stay, and take room, for ever.
struct prioritized_member : sysv_member {
    static constexpr long wanted_type = -std::numeric_limits<long>::max();
    static constexpr long last_type = sysv_data + std::numeric_limits<std::uint8_t>::max();

    void set_priority(std::uint8_t p) noexcept
    {
        long const type = last_type - p;
        if (pages)  // not after a move
            std::memcpy(record(), &type, sizeof type);
    }

    template <message_layout L>
    static error_code join(endpoint const& at, channel_options const& how, std::string_view type_name, role r,
                           prioritized_member& joined)
    {
        error_code const e = sysv_member::join<L>(at, how, type_name, r, joined, {prioritized_sysv_transport, true});
        joined.set_priority(0);
        return e;
    }
};

}  // namespace strait::detail

#endif
