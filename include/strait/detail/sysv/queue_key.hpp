// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SYSV_QUEUE_KEY_HPP
#define STRAIT_DETAIL_SYSV_QUEUE_KEY_HPP

#include <strait/detail/membership/control_block.hpp>
#include <strait/detail/membership/leftover.hpp>
#include <strait/detail/os/fnv1a.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <unistd.h>

// How a channel finds its System V queue, and how an end of any transport that finds the channel removes it.
namespace strait::detail {

inline constexpr char sysv_transport[] = "sysv_mqueue";
inline constexpr char packed_sysv_transport[] = "packed<sysv_mqueue>";
inline constexpr char prioritized_sysv_transport[] = "prioritized<sysv_mqueue>";

// Keys are numbers of the host. A channel's key is a hash of its name; where another queue has that key, it tries a few
// more.
inline constexpr std::uint64_t sysv_attempts = 16;

inline ::key_t sysv_key(location const& where, std::uint64_t attempt)
{
    std::uint64_t const h = fnv1a(where.flat_name(), fnv1a_basis + attempt);
    auto const key = static_cast<::key_t>((h ^ h >> 32) & 0x7fffffff);
    return key == IPC_PRIVATE ? 1 : key;
}

// Words of mechanism[] in the control file: which of the keys is taken, noted before the queue is made, and the number
// of the queue, noted afterwards; both plus 1, so that 0 says that nothing is noted.
inline constexpr std::size_t sysv_noted_attempt = 0;
inline constexpr std::size_t sysv_noted_queue = 1;

// Whether a queue that was found is one that this access would have made.
inline bool sysv_trusted(::msqid_ds const& found, access_mode a) noexcept
{
    bool const owned = found.msg_perm.cuid == ::geteuid() && found.msg_perm.uid == ::geteuid();
    return (owned || a != access_mode::owner) && (found.msg_perm.mode & 0777) == object_mode(a);
}

// The control file notes the key, then the queue is made, then the queue is noted. What is noted may be a lie, so no
// queue goes but one at a key of this name. A queue whose maker was killed before it was noted has never been used: a
// queue that was is another program's, and stays although it has the key.
struct sysv_leftover {
    static error_code remove(int control_file, location const& where)
    {
        std::array<char, sizeof control_block::transport> transport{};
        std::array<std::uint64_t, 2> noted{};
        auto const is = [&](char const* name) { return std::strncmp(transport.data(), name, transport.size()) == 0; };
        if (::pread(control_file, transport.data(), transport.size(), offsetof(control_block, transport)) <= 0 ||
            (!is(sysv_transport) && !is(packed_sysv_transport) && !is(prioritized_sysv_transport)) ||
            ::pread(control_file, noted.data(), sizeof noted, offsetof(control_block, mechanism)) != sizeof noted ||
            noted[sysv_noted_attempt] - 1 >= sysv_attempts)
            return {};
        int const queue = ::msgget(sysv_key(where, noted[sysv_noted_attempt] - 1), 0);
        ::msqid_ds found = {};
        if (queue < 0 || ::msgctl(queue, IPC_STAT, &found) != 0)
            return {};
        bool const unused = found.msg_stime == 0 && found.msg_rtime == 0 && found.msg_qnum == 0;
        bool const ours = noted[sysv_noted_queue] == 0 ? unused && found.msg_perm.cuid == ::geteuid()
                                                       : noted[sysv_noted_queue] - 1 == static_cast<std::uint64_t>(queue);
        if (ours)
            ::msgctl(queue, IPC_RMID, nullptr);
        return {};
    }
};
static_assert(leftover<sysv_leftover>);

}  // namespace strait::detail

#endif
