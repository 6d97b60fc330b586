// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_CONTROL_FILE_HPP
#define STRAIT_DETAIL_MEMBERSHIP_CONTROL_FILE_HPP

#include <strait/detail/membership/location.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/os/allocation.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// The control file in its directory: it is made without a name, gets one when it is complete, and is found by that.
namespace strait::detail {

// A name or a directory is not there (any more).
inline bool vanished(error_code const& e) noexcept { return e == error_code(ENOENT, boost::system::system_category()); }

// Whether this directory was removed. There ext4 answers EPERM to O_TMPFILE, and other file systems ENOENT, or they
// make a file.
inline bool is_removed_directory(int dir) noexcept
{
    struct ::stat found = {};
    return ::fstat(dir, &found) == 0 && found.st_nlink == 0;
}

// Whether the channel's name still leads to this open file.
inline bool is_still_named(int fd, location const& where)
{
    struct ::stat by_name = {};
    struct ::stat opened = {};
    return ::fstatat(where.directory(), where.file(control_file_suffix).c_str(), &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
           ::fstat(fd, &opened) == 0 && by_name.st_ino == opened.st_ino && by_name.st_dev == opened.st_dev;
}

// Whether this process may remove the control file from its directory. Where that has the sticky bit, as /tmp has, only
// the owners of the file and of the directory may, and a privileged process.
inline bool may_remove(location const& where, int fd) noexcept
{
    struct ::stat directory = {};
    struct ::stat file = {};
    ::uid_t const user = ::geteuid();
    if (user == 0 || ::fstat(where.directory(), &directory) != 0 || ::fstat(fd, &file) != 0)
        return true;  // the attempt will tell
    bool const sticky = (directory.st_mode & S_ISVTX) != 0 && file.st_uid != user && directory.st_uid != user;
    return !sticky && ::faccessat(where.directory(), ".", W_OK, AT_EACCESS) == 0;
}

// Opens the control file of this name. Success without a descriptor: there is none. untrusted_object: something else
// lies there.
inline error_code open_control_file(location const& where, descriptor& fd)
{
    std::string const name = where.file(control_file_suffix);
    fd.reset(uninterrupted([&] {
        return ::openat(where.directory(), name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    }));
    if (fd || errno == ENOENT)
        return {};
    error_code const e = errno == ELOOP || errno == EACCES || errno == EISDIR || errno == ENXIO
                             ? make_error_code(errc::untrusted_object)
                             : last_failure();
    struct ::stat found = {};
    bool const seen = ::fstatat(where.directory(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
    return at_object(where.path(control_file_suffix), e, seen ? &found : nullptr);
}

// What a control file says of ends that were refused; nothing without a file. Any participant may have written it, so control
// characters become question marks.
inline refusals read_refusals(int control_file) noexcept
{
    refusals r;
    bool const whole = control_file >= 0 && ::pread(control_file, &r.count, sizeof r.count, offsetof(control_block, refused)) == static_cast<::ssize_t>(sizeof r.count) &&
                       ::pread(control_file, r.text, sizeof r.text - 1, offsetof(control_block, refusal)) == static_cast<::ssize_t>(sizeof r.text - 1);
    if (!whole)
        return {};
    for (char& c : r.text)
        if (c != '\0' && (static_cast<unsigned char>(c) < 32 || c == 127))
            c = '?';
    return r;
}

// Makes a file without a name, or with a temporary one where the file system knows no O_TMPFILE, or /proc is missing, by
// which a file without a name gets one. Its blocks are allocated now, so that a full file system is an error here and
// not a SIGBUS later.
inline error_code make_control_file(int dir, location const& where, channel_traits const& wanted, descriptor& fd,
                            std::string& temporary)
{
    bool const nameable = has_paths_of_descriptors();  // AT_EMPTY_PATH of linkat(2) needs privileges on older kernels
    if (nameable)
        fd.reset(::openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, object_mode(where.access())));
    if (!fd && (!nameable || errno == EOPNOTSUPP || errno == EISDIR)) {
        temporary = where.file(".new-" + std::to_string(::getpid()) + "-" + std::to_string(deadline::now()));
        fd.reset(::openat(dir, temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, object_mode(where.access())));
    }
    if (!fd) {
        error_code const e = last_failure();
        return is_removed_directory(dir) ? error_code(ENOENT, boost::system::system_category())
                                         : at_object(where.path(control_file_suffix), e);
    }
    ::fchmod(fd.get(), object_mode(where.access()));  // the umask may have taken bits
    if (auto allocated = allocate_beginning(fd.get(), wanted.size, wanted.first_bytes()); !allocated) {
        if (!temporary.empty())
            ::unlinkat(dir, temporary.c_str(), 0);
        return at_object(where.path(control_file_suffix), allocated.error());
    }
    return {};
}

// Gives it the channel's name. EEXIST: another control file has that name by now.
inline result<void> give_name(int dir, int fd, std::string const& temporary, std::string const& name)
{
    int done = -1;
    if (temporary.empty())
        done = ::linkat(AT_FDCWD, path_of_descriptor(fd).c_str(), dir, name.c_str(), AT_SYMLINK_FOLLOW);
    else
        done = ::renameat2(dir, temporary.c_str(), dir, name.c_str(), RENAME_NOREPLACE);
    if (done != 0 && !temporary.empty() && (errno == EINVAL || errno == ENOSYS))  // a file system without RENAME_NOREPLACE
        done = ::linkat(dir, temporary.c_str(), dir, name.c_str(), 0);
    if (done != 0)
        return error_code(errno, boost::system::system_category());
    return {};
}

}  // namespace strait::detail

#endif
