// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_LOCATION_HPP
#define STRAIT_DETAIL_MEMBERSHIP_LOCATION_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/fnv1a.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strait::detail {

// The suffix of a control file's name. A mechanism's own objects have other suffixes.
inline constexpr char control_file_suffix[] = ".channel";

// The mode of the objects that a channel creates.
inline ::mode_t object_mode(access_mode a) noexcept
{
    return a == access_mode::owner ? 0600 : a == access_mode::group ? 0660 : 0666;
}

// Whether an object that was found is one that this access would have made. `kind` is S_IFREG, S_IFIFO or S_IFSOCK.
inline bool trusted_object(struct ::stat const& found, ::mode_t kind, access_mode a) noexcept
{
    bool const owned = found.st_uid == ::geteuid() || a != access_mode::owner;
    // At most one name: a file with two may have been linked here by another user.
    return (found.st_mode & S_IFMT) == kind && owned && (found.st_mode & 07777) == object_mode(a) && found.st_nlink <= 1;
}

// Where the objects of a channel of this host lie: a directory into which no other user can write, and a name in it. A
// channel with a name lies in the directory strait-<uid> below `root`; the number is the effective user id, and never
// comes from the environment.
class location {
public:
    location() = default;

    static constexpr std::string_view in_memory = "/dev/shm";

    static error_code find(endpoint const& where, access_mode access, location& l, std::string_view root = in_memory)
    {
        l = location();
        l.access_ = access;
        if (where.is_address())
            return errc::invalid_endpoint;
        if (where.what() == endpoint::kind::path) {
            auto const slash = where.text().rfind('/');
            l.directory_ = slash == 0 ? "/" : where.text().substr(0, slash);
            l.name_ = where.text().substr(slash + 1);
        } else {
            std::string const user = std::to_string(::geteuid());
            l.directory_ = std::string(root) + "/strait-" + user;
            l.name_ = where.text();
            l.flat_name_ = "strait-" + user + "-" + l.name_;
            l.private_ = true;
        }
        // Queues of the kernel have one name space for the host: their names hold a hash of a path.
        if (!l.private_ || root != in_memory)
            l.flat_name_ = "strait-path-" + std::to_string(fnv1a(l.path("")));
        return {};
    }

    // Opens and checks the directory, and makes it first if it is our own. untrusted_object: another user could change
    // it. no_directory: it is not there, and cannot be made, since the one above it is not there either. ENOENT of the
    // system: our own was removed meanwhile, with the last channel in it.
    error_code open_directory(descriptor& dir) const
    {
        if (private_) {
            if (::mkdir(directory_.c_str(), 0700) == 0)
                ::chmod(directory_.c_str(), 0700);  // the umask may have taken bits; no other user can have replaced it
            else if (errno != EEXIST)
                return errno == ENOENT || errno == ENOTDIR ? make_error_code(errc::no_directory) : last_failure();
        }
        dir.reset(uninterrupted([&] {
            return ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | (private_ ? O_NOFOLLOW : 0));
        }));
        struct ::stat found = {};
        if (!dir && !private_ && errno == ENOENT)
            return errc::no_directory;
        if (!dir || ::fstat(dir.get(), &found) != 0)
            return errno == ENOTDIR || errno == ELOOP ? make_error_code(errc::untrusted_object) : last_failure();
        if (private_ ? found.st_uid != ::geteuid() || (found.st_mode & 0077) != 0 : !trusted_directory(found))
            return errc::untrusted_object;
        return {};
    }

    // Whether it is the directory of named channels, which the first channel makes and the last one removes.
    bool is_own_directory() const noexcept { return private_; }

    // Removes our own directory if the last channel in it has gone; does nothing as long as there are others.
    void remove_directory() const noexcept
    {
        if (private_)
            ::rmdir(directory_.c_str());
    }

    std::string file(std::string_view suffix) const { return name_ + std::string(suffix); }
    std::string path(std::string_view suffix) const { return directory_ + "/" + file(suffix); }

    // The channel's name in name spaces without directories, such as that of POSIX message queues.
    std::string const& flat_name() const noexcept { return flat_name_; }
    access_mode access() const noexcept { return access_; }

private:
    // A user who may rename or unlink files in the directory could exchange a channel's objects.
    bool trusted_directory(struct ::stat const& found) const noexcept
    {
        bool const writable_by_others = (found.st_mode & (access_ == access_mode::owner ? 0022 : 0002)) != 0;
        if (access_ == access_mode::everyone)
            return true;
        return (!writable_by_others || (found.st_mode & S_ISVTX) != 0) &&
               (found.st_uid == ::geteuid() || found.st_uid == 0 || access_ == access_mode::group);
    }

    std::string directory_;
    std::string name_;
    std::string flat_name_;
    access_mode access_ = access_mode::owner;
    bool private_ = false;
};

}  // namespace strait::detail

#endif
