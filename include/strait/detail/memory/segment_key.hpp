// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMORY_SEGMENT_KEY_HPP
#define STRAIT_DETAIL_MEMORY_SEGMENT_KEY_HPP

#include <strait/detail/membership/control_block.hpp>
#include <strait/detail/membership/leftover.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/fnv1a.hpp>
#include <strait/error.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

// The System V segment of a channel whose messages lie in one. A segment has no name that it could get when it is
// complete. Its key links it to its channel: the key follows from the control file's inode and a number that the
// control file holds before the segment is made. So a process that finds the control file finds the segment, whenever
// its creator died. A peer that overwrites the number cannot make it lead to a segment of the peer's choice.
namespace strait::detail {

inline constexpr std::string_view segment_memory = "sysv_memory";  // how control_block::memory begins

// How many keys are tried: another segment may have one by chance.
inline constexpr std::uint64_t segment_tries = 16;

inline ::key_t segment_key(struct ::stat const& control_file, std::uint64_t number) noexcept
{
    std::uint64_t const words[] = {control_file.st_dev, control_file.st_ino, number};
    std::uint64_t const h = fnv1a({reinterpret_cast<char const*>(words), sizeof words});
    auto const key = static_cast<::key_t>(h ^ h >> 32);
    return key == IPC_PRIVATE ? 1 : key;
}

// What a control file says of its segment; number 0: it has none.
struct segment_note {
    struct ::stat control_file = {};
    std::uint64_t number = 0;
    std::uint64_t size = 0;

    static segment_note read(int fd) noexcept
    {
        segment_note n;
        std::array<char, offsetof(control_block, transport)> bytes{};
        if (::fstat(fd, &n.control_file) != 0 || ::pread(fd, bytes.data(), bytes.size(), 0) != static_cast<::ssize_t>(bytes.size()))
            return n;
        auto const word = [&](std::size_t at) {
            std::uint64_t w = 0;
            std::memcpy(&w, bytes.data() + at, sizeof w);
            return w;
        };
        std::string_view const memory(bytes.data() + offsetof(control_block, memory), segment_memory.size());
        if (word(offsetof(control_block, magic)) == control_block::magic_value && memory == segment_memory && word(offsetof(control_block, mechanism)) <= segment_tries) {
            n.number = word(offsetof(control_block, mechanism));
            n.size = word(offsetof(control_block, beside));
        }
        return n;
    }

    // The segment's id. -1: there is none of that key, or it is not the one that the owner of the control file has made
    // for it.
    int find() const noexcept
    {
        int const id = number == 0 ? -1 : ::shmget(segment_key(control_file, number), 0, 0);
        struct ::shmid_ds found = {};
        if (id == -1 || ::shmctl(id, IPC_STAT, &found) != 0)
            return -1;
        return found.shm_perm.uid == control_file.st_uid && found.shm_segsz == size ? id : -1;
    }
};

// Removes every segment at a key of this control file that its owner can have made: what the control file notes may be a
// lie. Only the owner of a segment may remove it. Living ends go on with what they have mapped.
struct segment_leftover {
    static error_code remove(int control_file, location const&)
    {
        control_copy const channel(control_file);
        bool const intact = channel.is_intact();
        if (!channel.is_known() || (intact && !channel.memory().starts_with(segment_memory)))
            return {};
        error_code failed;
        for (std::uint64_t number = 1; number <= segment_tries; ++number) {
            int const id = ::shmget(segment_key(channel.status(), number), 0, 0);
            struct ::shmid_ds found = {};
            if (id == -1 || ::shmctl(id, IPC_STAT, &found) != 0 || (intact && found.shm_segsz != channel.beside()) ||
                !channel.can_have_made(found.shm_perm.uid, group_of(channel, found), found.shm_perm.mode))
                continue;
            if (::shmctl(id, IPC_RMID, nullptr) != 0 && errno != EINVAL && errno != EIDRM)
                failed = not_removed("the System V segment with id " + std::to_string(id), errno, found.shm_perm.uid);
        }
        return failed;
    }

private:
    // The creator may have been killed before it gave the segment the group of the control file.
    static ::gid_t group_of(control_copy const& channel, struct ::shmid_ds const& found) noexcept
    {
        return channel.is_ready() ? found.shm_perm.gid : channel.status().st_gid;
    }
};
static_assert(leftover<segment_leftover>);

}  // namespace strait::detail

#endif
