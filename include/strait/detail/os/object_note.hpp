// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_OBJECT_NOTE_HPP
#define STRAIT_DETAIL_OS_OBJECT_NOTE_HPP

#include <strait/error.hpp>

#include <cstdio>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

namespace strait::detail {

// The object at which the last opening of this thread has failed, for the text of the exception: its path and, where they
// matter, its owner and its mode. An error_code has no room for these. Empty when nothing was noted.
inline constinit thread_local char object_note[512] = {};

// Notes the object, and returns the error.
[[gnu::noinline, gnu::cold]] inline error_code at_object(std::string const& path, error_code const& e,
                                                        struct ::stat const* found = nullptr) noexcept
{
    if (!found)
        std::snprintf(object_note, sizeof object_note, "%s", path.c_str());
    else
        std::snprintf(object_note, sizeof object_note, "%s, which belongs to user %lu and group %lu and has mode %04o; this is user %lu",
                      path.c_str(), static_cast<unsigned long>(found->st_uid), static_cast<unsigned long>(found->st_gid),
                      static_cast<unsigned>(found->st_mode & 07777), static_cast<unsigned long>(::geteuid()));
    return e;
}

}  // namespace strait::detail

#endif
