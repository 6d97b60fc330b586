// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INSPECT_SURVEY_HPP
#define STRAIT_DETAIL_INSPECT_SURVEY_HPP

#include <strait/channel_info.hpp>
#include <strait/detail/host/contents.hpp>
#include <strait/detail/inspect/process_scan.hpp>
#include <strait/detail/membership/contents.hpp>
#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/membership/location.hpp>
#include <strait/detail/membership/role.hpp>
#include <strait/detail/memory/attached_segment.hpp>
#include <strait/detail/os/kernel_space.hpp>
#include <strait/detail/os/range_lock.hpp>
#include <strait/error.hpp>
#include <strait/schema.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>

namespace strait::detail {

// Where a channel was found.
struct channel_place {
    std::string where;            // its endpoint
    std::string file;             // the path of its control file
    std::string_view root = {};   // of the directory of names; empty: the endpoint is a path
    location at;
    bool is_doubtful = false;     // another program may use this suffix, too
};

struct surveyed_channel {
    channel_place place;
    channel_info info;
    file_number number{};
};

// Whether the channel was made in this IPC, PID or network name space of the kernel, or in any, where that does not matter.
inline bool is_of_this_container(control_copy const& control) noexcept
{
    std::uint64_t const noted = control.block().kernel_space;
    for (kernel_space const kind : {kernel_space::ipc, kernel_space::pid, kernel_space::net})
        if (noted == number_of(kind))
            return true;
    return noted == 0;
}

// What is wrong with the control file itself; null: nothing.
inline char const* damage_of(control_copy const& control) noexcept
{
    if (!control.is_control_file())
        return "it does not begin as a control file does";
    if (control.block().version != control_block::version_value)
        return "another version of strait has made it";
    if (!control.is_intact())
        return "what its creator wrote into it was changed";
    if (control.block().size != static_cast<std::uint64_t>(control.status().st_size))
        return "it has another size than it says";
    return nullptr;
}

// What is unread in the channel. Looks at nothing where the control file is damaged or its creator has not finished.
inline channel_contents contents_of(channel_view& v)
{
    channel_contents c;
    c.damage = damage_of(v.control());
    if (c.damage || !v.control().is_ready() || !is_of_this_container(v.control()))
        return c;
    attached_segment const segment(v);
    if (v.control().beside() != 0 && segment.size() == 0)
        c.damage = "its System V segment is not there, or this user may not read it";
    else
        host_contents::look(v, c);
    v.lay_beside(nullptr, 0);
    return c;
}

inline void add_ends(int fd, channel_info& info)
{
    each_locked(fd, lock_bytes::participants, lock_bytes::participants + 2 * lock_bytes::most, [&](::off_t byte) {
        end_info end;
        end.is_sender = byte < lock_bytes::first(role::receiver);
        end.place = static_cast<unsigned>(byte - lock_bytes::first(end.is_sender ? role::sender : role::receiver));
        info.ends.push_back(end);
    });
    std::sort(info.ends.begin(), info.ends.end(), [](end_info const& a, end_info const& b) {
        return a.is_sender != b.is_sender ? a.is_sender : a.place < b.place;
    });
}

inline void describe(control_copy const& control, channel_info& info)
{
    control_block const& block = control.block();
    info.transport = printable(control.transport());
    info.memory = printable(control.memory());
    info.type = printable(block.name_of_type());
    if (auto s = schema::parse(std::as_bytes(std::span(control.schema()))))
        info.schema = std::move(*s);
    info.fingerprint = block.fingerprint;
    info.message_size = block.element_size;
    info.max_message_size = block.max_message_size;
    info.capacity = block.capacity;
    info.keep = block.keep.load(std::memory_order_relaxed) != 0;
    info.retained = block.retained != 0;
    info.joined_senders = block.joined_senders.load(std::memory_order_relaxed);
    info.left_senders = block.left_senders.load(std::memory_order_relaxed);
    info.joined_receivers = block.joined_receivers.load(std::memory_order_relaxed);
    info.left_receivers = block.left_receivers.load(std::memory_order_relaxed);
    info.beside_bytes = block.beside;
}

// False: no channel is at this place (any more).
inline bool survey(channel_place place, surveyed_channel& c)
{
    c.place = std::move(place);
    channel_info& info = c.info;
    info.where = printable_path(c.place.where);
    info.file = printable_path(c.place.file);
    struct ::stat status = {};
    if (::lstat(c.place.file.c_str(), &status) != 0)
        return false;
    descriptor const fd(::open(c.place.file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ENOENT)
        return false;
    if (!fd || ::fstat(fd.get(), &status) != 0)
        info.unreadable = last_failure();
    info.owner = status.st_uid;
    info.group = status.st_gid;
    info.mode = static_cast<unsigned>(status.st_mode & 07777);
    info.file_bytes = static_cast<std::uint64_t>(status.st_blocks) * 512;
    c.number = number_of_file(status);
    if (!fd)
        return !c.place.is_doubtful || S_ISREG(status.st_mode);
    if (!S_ISREG(status.st_mode)) {
        info.damage = "it is no file";
        return !c.place.is_doubtful;
    }
    if (c.place.at.open_directory())
        return false;
    add_ends(fd.get(), info);
    channel_view view(fd.get(), c.place.at, info.ends.empty() ? channel_view::use::unused : channel_view::use::used);
    if (!view.control().is_control_file() && c.place.is_doubtful)
        return false;
    channel_contents const found = contents_of(view);
    if (view.control().is_control_file())
        describe(view.control(), info);
    if (found.damage)
        info.damage = found.damage;
    info.kernel_bytes = found.kernel_bytes;
    if (info.ends.empty() && !found.damage && (!view.control().is_ready() || !info.retained))
        info.unread = 0;  // no later end gets it
    else if (found.known != channel_contents::knowledge::unknown && !found.damage)
        info.unread = found.unread;
    info.unread_at_least = info.unread && found.known == channel_contents::knowledge::at_least;
    c.place.at.close_directory();
    return true;
}

}  // namespace strait::detail

#endif
