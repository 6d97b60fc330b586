// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UNIX_SOCKET_LEFTOVER_HPP
#define STRAIT_DETAIL_UNIX_SOCKET_LEFTOVER_HPP

#include <strait/detail/membership/leftover.hpp>

#include <sys/stat.h>

namespace strait::detail {

// A receiver binds its socket under the second name, and gives it the first one when it listens. No channel's name ends so.
inline constexpr char socket_suffix[] = ".sock";
inline constexpr char new_socket_suffix[] = ".new~";
static_assert(sizeof socket_suffix == sizeof new_socket_suffix, "an address has room for both, or for none");

struct socket_leftover {
    static error_code remove(int, location const& where)
    {
        error_code const e = remove_file(where, socket_suffix, S_IFSOCK);
        error_code const of_new = remove_file(where, new_socket_suffix, S_IFSOCK);
        return e ? e : of_new;
    }
};
static_assert(leftover<socket_leftover>);

}  // namespace strait::detail

#endif
