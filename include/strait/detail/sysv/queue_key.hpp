// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SYSV_QUEUE_KEY_HPP
#define STRAIT_DETAIL_SYSV_QUEUE_KEY_HPP

#include <strait/detail/membership/control_block.hpp>
#include <strait/detail/membership/leftover.hpp>
#include <strait/detail/os/fnv1a.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <unistd.h>

// How a channel finds its System V queue, and how an end of any transport that finds the channel removes it.
namespace strait::detail {

inline constexpr char sysv_transport[] = "sysv_mqueue";
inline constexpr char packed_sysv_transport[] = "packed<sysv_mqueue>";
inline constexpr char prioritized_sysv_transport[] = "prioritized<sysv_mqueue>";

// Keys are numbers of the host. A channel's first key is a hash of its name; where another queue has that key, it tries
// a few more. Any user can know these keys and take them first, so the later half follows from the control file, which
// other users cannot see where the channel has a name.
inline constexpr std::uint64_t sysv_attempts_by_name = 16;
inline constexpr std::uint64_t sysv_attempts = 32;

inline ::key_t sysv_key(std::string_view of, std::uint64_t attempt) noexcept
{
    std::uint64_t const h = fnv1a(of, fnv1a_basis + attempt);
    auto const key = static_cast<::key_t>((h ^ h >> 32) & 0x7fffffff);
    return key == IPC_PRIVATE ? 1 : key;
}
inline ::key_t sysv_key(location const& where, std::uint64_t attempt) noexcept { return sysv_key(where.flat_name(), attempt); }
inline ::key_t sysv_key(location const& where, struct ::stat const& control_file, std::uint64_t attempt) noexcept
{
    if (attempt < sysv_attempts_by_name)
        return sysv_key(where, attempt);
    std::uint64_t const words[] = {control_file.st_dev, control_file.st_ino};
    return sysv_key({reinterpret_cast<char const*>(words), sizeof words}, attempt);
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
// queue goes but one at a key of this channel. A queue whose maker was killed before it was noted has never been used: a
// queue that was is another program's, and stays although it has the key. Where the control file does not lead to the
// queue, since a peer has overwritten it or it is gone, every queue at a key of this channel that it can have made
// goes.
struct sysv_leftover {
    static error_code remove(int control_file, location const& where)
    {
        control_copy const channel(control_file);
        std::string_view const transport = channel.transport();
        bool const intact = channel.is_intact();
        if (intact && transport != sysv_transport && transport != packed_sysv_transport && transport != prioritized_sysv_transport)
            return {};
        std::uint64_t const noted = channel.word(sysv_noted_queue);
        bool const made_half = noted == 0 && !channel.is_ready();
        bool const by_note = intact && (made_half || (noted != 0 && noted == static_cast<std::uint64_t>(
                                                                       queue_at(channel, where, noted_attempt(channel)) + 1)));
        error_code failed;
        for (std::uint64_t attempt = 0; attempt != (channel.is_known() ? sysv_attempts : sysv_attempts_by_name); ++attempt) {
            ::msqid_ds found = {};
            auto const queue = static_cast<int>(queue_at(channel, where, attempt));
            if (queue < 0 || (by_note && attempt != noted_attempt(channel)) || ::msgctl(queue, IPC_STAT, &found) != 0)
                continue;
            bool const unused = found.msg_stime == 0 && found.msg_rtime == 0 && found.msg_qnum == 0;
            bool const ours = !by_note     ? channel.can_have_made(found.msg_perm.cuid, found.msg_perm.gid, found.msg_perm.mode)
                              : made_half  ? unused && found.msg_perm.cuid == ::geteuid()
                                           : true;
            if (ours && ::msgctl(queue, IPC_RMID, nullptr) != 0 && errno != EIDRM && errno != EINVAL)
                failed = not_removed("the System V queue with id " + std::to_string(queue), errno, found.msg_perm.uid);
        }
        return failed;
    }

private:
    // sysv_attempts or more: none is noted.
    static std::uint64_t noted_attempt(control_copy const& channel) noexcept { return channel.word(sysv_noted_attempt) - 1; }

    static std::int64_t queue_at(control_copy const& channel, location const& where, std::uint64_t attempt) noexcept
    {
        return attempt < sysv_attempts ? ::msgget(sysv_key(where, channel.status(), attempt), 0) : -1;
    }
};
static_assert(leftover<sysv_leftover>);

}  // namespace strait::detail

#endif
