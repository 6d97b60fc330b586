// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_LEFTOVER_HPP
#define STRAIT_DETAIL_MEMBERSHIP_LEFTOVER_HPP

#include <strait/detail/membership/control_block.hpp>
#include <strait/detail/membership/location.hpp>
#include <strait/detail/os/file_view.hpp>
#include <strait/detail/os/object_note.hpp>
#include <strait/error.hpp>

#include <atomic>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strait::detail {

// What one mechanism may leave on the host under a channel's name, besides the control file: a type with a static
// function that removes it, called with the set-up lock held.
//
//   error_code remove(int control_file, location const&)
//
// `control_file` is an open descriptor of the channel's control file, whose content may be anything, or -1 where the
// channel has none that can be opened. It is no error when there is nothing to remove; what lies there and is not of
// this mechanism stays. After an error the control file must stay too, because it leads to the object.
template <class L>
concept leftover = requires(int control_file, location const& where)
{
    { L::remove(control_file, where) } -> std::same_as<error_code>;
};

struct no_leftover {
    static error_code remove(int, location const&) noexcept { return {}; }
};
static_assert(leftover<no_leftover>);

// What any of several mechanisms may leave.
template <leftover... Each>
struct leftovers {
    template <class L>
    static constexpr bool contains = std::same_as<L, no_leftover> || (std::same_as<L, Each> || ...);

    // Stops at the first error.
    static error_code remove(int control_file, location const& where)
    {
        error_code failed;
        static_cast<void>((... || static_cast<bool>(failed = Each::remove(control_file, where))));
        return failed;
    }
};

// What every mechanism of the library may leave; in detail/host/leftovers.hpp, which knows the mechanisms. A
// transport's header includes it, so that a channel is removed whole by any transport, also by a program that includes
// no other.
struct host_leftovers;

// A channel's control file as it was at one moment, for those who do not join the channel. Any participant may have
// written anything into it, or have cut it off.
class control_copy {
public:
    explicit control_copy(int fd) noexcept
    {
        known_ = fd >= 0 && ::fstat(fd, &status_) == 0;
        whole_ = known_ && ::pread(fd, bytes_, sizeof bytes_, 0) == static_cast<::ssize_t>(sizeof bytes_);
    }

    explicit control_copy(file_view const& file) noexcept : status_(file.status()), known_(file.size() != 0)
    {
        whole_ = file.read(0, bytes_, sizeof bytes_);
    }

    // Whether there is a file; the kernel's word on its owner, group and mode. Without one these are of this user.
    bool is_known() const noexcept { return known_; }
    struct ::stat const& status() const noexcept { return status_; }
    ::uid_t owner() const noexcept { return known_ ? status_.st_uid : ::geteuid(); }

    // Whether it has as many bytes as a control file has at least, and begins as one does.
    bool is_control_file() const noexcept { return whole_ && block().magic == control_block::magic_value; }
    bool is_intact() const noexcept { return whole_ && block().is_intact(); }
    bool is_ready() const noexcept { return whole_ && block().ready.load(std::memory_order_relaxed) == 1; }
    std::string_view transport() const noexcept { return block().transport_name(); }
    std::string_view memory() const noexcept { return block().memory_name(); }
    std::uint64_t beside() const noexcept { return block().beside; }
    std::string_view schema() const noexcept { return block().schema(); }
    control_block const& block() const noexcept { return *std::launder(reinterpret_cast<control_block const*>(bytes_)); }
    std::uint64_t word(std::size_t i) const noexcept { return block().mechanism[i].load(std::memory_order_relaxed); }

    // Whether an object of the kernel with this owner, group and mode can belong to the channel. The keys and names of
    // objects are hashes, so an object of another program can have one by chance.
    bool can_have_made(::uid_t owner_of_it, ::gid_t group, unsigned mode) const noexcept
    {
        mode &= 0777;
        if (owner_of_it != owner())
            return false;
        return known_ ? group == status_.st_gid && mode == (status_.st_mode & 0777) : mode == 0600 || mode == 0660 || mode == 0666;
    }

private:
    alignas(control_block) char bytes_[sizeof(control_block)] = {};
    struct ::stat status_ = {};
    bool known_ = false;
    bool whole_ = false;
};

// The error for an object of the channel that could not be removed. foreign_object: only its owner may.
inline error_code not_removed(std::string const& object, int number, ::uid_t owner)
{
    if ((number != EPERM && number != EACCES) || owner == ::geteuid())
        return at_object(object, system_failure(number));
    return at_object(object + ", which belongs to user " + std::to_string(owner), errc::foreign_object);
}

// Removes the file of a channel that has this suffix, if it is of this kind: S_IFIFO or S_IFSOCK.
inline error_code remove_file(location const& where, std::string_view suffix, ::mode_t kind)
{
    std::string const name = where.file(suffix);
    struct ::stat found = {};
    if (::fstatat(where.directory(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 && (found.st_mode & S_IFMT) == kind &&
        ::unlinkat(where.directory(), name.c_str(), 0) != 0 && errno != ENOENT)
        return not_removed(where.path(suffix), errno, found.st_uid);
    return {};
}

}  // namespace strait::detail

#endif
