// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_PIPE_FIFO_HPP
#define STRAIT_DETAIL_PIPE_FIFO_HPP

#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/location.hpp>
#include <strait/detail/membership/membership.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/pipe/frame.hpp>
#include <strait/detail/pipe/leftover.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strait::detail {

// The object that an end has found is not the one that its channel was made with, because the channel was removed
// meanwhile.
inline error_code const channel_removed{ENOENT, boost::system::system_category()};

// Sets how many bytes a pipe takes; the kernel rounds up to a power of two of pages. capacity_limit: more than this
// user may have.
inline error_code set_pipe_capacity(int fd, std::uint64_t bytes)
{
    if (bytes > static_cast<std::uint64_t>(std::numeric_limits<int>::max()))
        return errc::capacity_limit;
    if (::fcntl(fd, F_SETPIPE_SZ, static_cast<int>(bytes)) >= 0 || errno == EBUSY)  // busy: more bytes than that lie in it
        return {};
    return errno == EPERM || errno == EINVAL ? make_error_code(errc::capacity_limit) : last_failure();
}

// Makes a pipe without a name, whose writing end does not block. `capacity` in bytes; 0: what the kernel gives.
inline error_code make_pipe(std::uint64_t capacity, descriptor& reads, descriptor& writes)
{
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0)
        return last_failure();
    writes.reset(fds[1]);  // first: if that fails errno says why
    if (!writes)
        return last_failure();
    reads.reset(fds[0]);
    if (!reads)
        return last_failure();
    ::fcntl(writes.get(), F_SETFL, O_NONBLOCK);
    return capacity == 0 ? error_code() : set_pipe_capacity(writes.get(), capacity);
}

// A FIFO beside the control file, which notes its inode: mechanism[0] number, [1] device. The kernel drops what is
// unread with the last descriptor, so nothing is ever unread in a channel without participants.
struct fifo_mechanism : no_backing_object {
    using leftover = fifo_leftover;

    explicit fifo_mechanism(std::uint64_t bytes = 0) noexcept : capacity(bytes) {}

    std::uint64_t capacity;  // 0: what the kernel gives

    error_code create(participant const& c, location const& where)
    {
        std::string const name = where.file(fifo_suffix);
        struct ::stat found = {};
        if (::fstatat(where.directory(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) {
            if (!S_ISFIFO(found.st_mode) || found.st_uid != ::geteuid())
                return at_object(where.path(fifo_suffix), errc::untrusted_object, &found);
            ::unlinkat(where.directory(), name.c_str(), 0);
        }
        if (::mkfifoat(where.directory(), name.c_str(), object_mode(where.access())) != 0)
            return at_object(where.path(fifo_suffix), errno == EEXIST ? make_error_code(errc::untrusted_object) : last_failure());
        ::fchmodat(where.directory(), name.c_str(), object_mode(where.access()), 0);  // the umask may have taken bits
        error_code const failed = note(c, where, name);
        if (failed)
            ::unlinkat(where.directory(), name.c_str(), 0);
        return failed;
    }

    // A later channel of this name has a FIFO of its own, which stays.
    void forget(participant const& c, location const& where) const
    {
        std::string const path = where.path(fifo_suffix);
        struct ::stat found = {};
        if (::lstat(path.c_str(), &found) == 0 && found.st_ino == c.block().mechanism[0].load(std::memory_order_relaxed) &&
            found.st_dev == c.block().mechanism[1].load(std::memory_order_relaxed))
            ::unlink(path.c_str());
    }

private:
    // Sets the capacity too, so that one which is impossible is reported to the end that asks for it and not to the
    // receiver later.
    error_code note(participant const& c, location const& where, std::string const& name) const
    {
        descriptor fd(::openat(where.directory(), name.c_str(), O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
        struct ::stat made = {};
        if (!fd || ::fstat(fd.get(), &made) != 0)
            return last_failure();
        if (!trusted_object(made, S_IFIFO, where.access()))
            return errc::untrusted_object;
        c.block().mechanism[0].store(made.st_ino, std::memory_order_relaxed);
        c.block().mechanism[1].store(made.st_dev, std::memory_order_relaxed);
        if (capacity != 0)
            return set_pipe_capacity(fd.get(), capacity);
        return {};
    }
};
static_assert(backing_object<fifo_mechanism>);

using fifo_membership = membership<fifo_mechanism>;

inline constexpr char fifo_transport[] = "named_pipe";

// Joins the channel of a FIFO, which has one receiver.
template <message_layout L>
error_code join_fifo(location& where, channel_options const& how, message_type const& type, role r, participant& member)
{
    channel_traits traits = traits_beside<L>(fifo_transport, type, how);
    traits.max_message_size = pipe_frame<L>::largest;
    fifo_mechanism mechanism(how.capacity);
    return fifo_membership::join(where, traits, r, r == role::sender ? lock_bytes::most : 1, mechanism, member);
}

// Leaves the channel of a pipe, with a name or without one.
inline void leave_fifo(participant& member, location const& where, deadline until) noexcept
{
    fifo_mechanism mechanism;
    if (member.is_nameless())
        member.leave_nameless();
    else
        fifo_membership::leave(member, where, mechanism, until);
}

// Opens the channel's FIFO without blocking. no_receiver: no process has it open for reading (with O_WRONLY).
// channel_removed. untrusted_object.
inline result<descriptor> open_fifo(participant const& c, location const& where, int mode)
{
    std::string const name = where.file(fifo_suffix);
    descriptor fd(uninterrupted([&] {
        return ::openat(where.directory(), name.c_str(), mode | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    }));
    int const failed = errno;
    struct ::stat found = {};
    if ((fd ? ::fstat(fd.get(), &found) : ::fstatat(where.directory(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW)) != 0)
        return errno == ENOENT ? channel_removed : last_failure();
    if (!trusted_object(found, S_IFIFO, where.access()))
        return at_object(where.path(fifo_suffix), errc::untrusted_object, &found);
    if (found.st_ino != c.block().mechanism[0].load(std::memory_order_relaxed) ||
        found.st_dev != c.block().mechanism[1].load(std::memory_order_relaxed))
        return channel_removed;
    if (!fd)
        return failed == ENXIO ? make_error_code(errc::no_receiver) : system_failure(failed);
    return fd;
}

}  // namespace strait::detail

#endif
