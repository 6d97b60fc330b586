// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_LEFTOVER_HPP
#define STRAIT_DETAIL_MEMBERSHIP_LEFTOVER_HPP

#include <strait/detail/membership/location.hpp>
#include <strait/error.hpp>

#include <concepts>
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

// Removes the file of a channel that has this suffix, if it is of this kind: S_IFIFO or S_IFSOCK.
inline void remove_file(location const& where, std::string_view suffix, ::mode_t kind)
{
    std::string const name = where.file(suffix);
    struct ::stat found = {};
    if (::fstatat(where.directory(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 && (found.st_mode & S_IFMT) == kind)
        ::unlinkat(where.directory(), name.c_str(), 0);
}

}  // namespace strait::detail

#endif
