// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SYSV_CONTENTS_HPP
#define STRAIT_DETAIL_SYSV_CONTENTS_HPP

#include <strait/detail/membership/contents.hpp>
#include <strait/detail/sysv/queue_key.hpp>

#include <cstdint>
#include <string_view>

#include <sys/msg.h>

namespace strait::detail {

struct sysv_contents {
    static bool is_of(channel_view const& v) noexcept
    {
        std::string_view const transport = v.control().transport();
        return transport == sysv_transport || transport == packed_sysv_transport || transport == prioritized_sysv_transport;
    }

    static void look(channel_view const& v, channel_contents& c)
    {
        std::uint64_t const attempt = v.control().word(sysv_noted_attempt) - 1;
        if (attempt >= sysv_attempts)
            return;
        ::msqid_ds found = {};
        int const queue = ::msgget(sysv_key(v.where(), v.control().status(), attempt), 0);
        if (queue < 0 || static_cast<std::uint64_t>(queue) + 1 != v.control().word(sysv_noted_queue) ||
            ::msgctl(queue, IPC_STAT, &found) != 0 ||
            !v.control().can_have_made(found.msg_perm.cuid, found.msg_perm.gid, found.msg_perm.mode))
            return;
        c.kernel_bytes = found.__msg_cbytes;
        bool const packed = v.control().transport() == packed_sysv_transport;
        c.count(found.msg_qnum, packed ? channel_contents::knowledge::at_least : channel_contents::knowledge::exact);
    }
};
static_assert(contents_reader<sysv_contents>);

}  // namespace strait::detail

#endif
