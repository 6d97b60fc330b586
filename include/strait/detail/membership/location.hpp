// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_LOCATION_HPP
#define STRAIT_DETAIL_MEMBERSHIP_LOCATION_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/fnv1a.hpp>
#include <strait/detail/os/object_note.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

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
// comes from the environment. Our own directory stays, although it is empty, when its last channel has gone: /dev/shm and
// /var/tmp belong to everybody, and another user could take its name first.
//
// An end holds the directory open, so it finds its objects again after chroot(2), and when the directory gets another
// name. Copies share the descriptor.
class location {
public:
    location() = default;

    static constexpr std::string_view in_memory = "/dev/shm";

    static error_code find(endpoint const& where, access_mode access, location& l, std::string_view root = in_memory)
    {
        l = location();
        l.access_ = l.object_access_ = access;
        if (where.is_address())
            return errc::invalid_endpoint;
        if (where.what() == endpoint::kind::path) {
            auto const slash = where.text().rfind('/');
            l.path_ = slash == 0 ? "/" : where.text().substr(0, slash);
            l.name_ = where.text().substr(slash + 1);
        } else {
            std::string const user = std::to_string(::geteuid());
            l.path_ = std::string(root) + "/strait-" + user;
            l.name_ = where.text();
            l.private_ = true;
            if (root == in_memory)
                l.flat_name_ = "strait-" + user + "-" + l.name_;
        }
        return {};
    }

    // Opens and checks the directory, and makes it first if it is our own. untrusted_directory: another user could change
    // what lies in it. no_directory: it is not there, and cannot be made, since the one above it is not there either.
    // ENOENT of the system: our own was removed meanwhile.
    error_code open_directory()
    {
        if (private_) {
            made_ = ::mkdir(path_.c_str(), 0700) == 0;
            if (made_)
                ::chmod(path_.c_str(), 0700);  // the umask may have taken bits; no other user can have replaced it
            else if (errno == ENOENT || errno == ENOTDIR)
                return at_object(path_, errc::no_directory);
            else if (errno != EEXIST)
                return at_object(path_, last_failure());
        }
        descriptor dir(uninterrupted([&] {
            return ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | (private_ ? O_NOFOLLOW : 0));
        }));
        struct ::stat found = {};
        if (!dir || ::fstat(dir.get(), &found) != 0) {
            error_code const e = cannot_open(errno);
            bool const seen = ::fstatat(AT_FDCWD, path_.c_str(), &found, private_ ? AT_SYMLINK_NOFOLLOW : 0) == 0;
            bool const foreign = seen && private_ && found.st_uid != ::geteuid();
            return at_object(path_, foreign ? make_error_code(errc::untrusted_directory) : e, seen ? &found : nullptr);
        }
        if (private_ ? found.st_uid != ::geteuid() || (found.st_mode & 0077) != 0 : !trusted_directory(found))
            return at_object(path_, errc::untrusted_directory, &found);
        if (!private_ || flat_name_.empty() || flat_name_.starts_with(hashed))
            flat_name_ = hashed + std::to_string(identity(found));
        directory_ = std::make_shared<guarded_descriptor>(std::move(dir));
        return {};
    }

    // The open directory; -1 before open_directory(), and in a child of fork().
    int directory() const noexcept { return directory_ ? directory_->get() : -1; }

    // To be called when the control file is open. The kernel releases the descriptors of a killed process from the
    // highest number down. Whoever is told of a death by a socket must find the lock of the control file free, so the
    // socket, which is opened next, gets the number below it that the directory has had.
    void leave_number_free()
    {
        if (descriptor higher = duplicate(directory()))
            *directory_ = guarded_descriptor(std::move(higher));
    }

    // To be called when the channel's name was removed: this end has nothing to remove any more.
    void close_directory() noexcept { directory_.reset(); }

    // Whether it is the directory of named channels, which the first channel makes.
    bool is_own_directory() const noexcept { return private_; }

    // To be called when opening has failed: removes our own directory if this location has made it and it is empty.
    void undo_directory() noexcept
    {
        if (std::exchange(made_, false))
            ::rmdir(path_.c_str());
    }

    std::string file(std::string_view suffix) const { return name_ + std::string(suffix); }
    std::string path(std::string_view suffix) const { return path_ + "/" + file(suffix); }

    // The channel's name in name spaces without directories, such as that of POSIX message queues. It does not depend on
    // how a path was written. Only after open_directory() where the endpoint is a path.
    std::string const& flat_name() const noexcept { return flat_name_; }

    // The access of the objects of the channel. That of find(), unless keep_objects() was called.
    access_mode access() const noexcept { return object_access_; }

    // From now on the objects of the channel are for this user alone, in a directory that the wider access of find()
    // allows.
    void keep_objects() noexcept { object_access_ = access_mode::owner; }

private:
    static constexpr char hashed[] = "strait-path-";

    // A user who may rename or unlink files in the directory could exchange a channel's objects.
    bool trusted_directory(struct ::stat const& found) const noexcept
    {
        bool const writable_by_others = (found.st_mode & (access_ == access_mode::owner ? 0022 : 0002)) != 0;
        if (access_ == access_mode::everyone)
            return true;
        return (!writable_by_others || (found.st_mode & S_ISVTX) != 0) &&
               (found.st_uid == ::geteuid() || found.st_uid == 0 || access_ == access_mode::group);
    }

    // Symbolic links, bind mounts and different spellings lead to one directory, which has one number.
    std::uint64_t identity(struct ::stat const& directory) const noexcept
    {
        std::uint64_t const words[] = {directory.st_dev, directory.st_ino};
        return fnv1a(name_, fnv1a({reinterpret_cast<char const*>(words), sizeof words}));
    }

    error_code cannot_open(int number) const noexcept
    {
        if (number == ENOTDIR || number == ELOOP)
            return errc::untrusted_directory;
        return number == ENOENT && !private_ ? make_error_code(errc::no_directory) : system_failure(number);
    }

    std::string path_;  // of the directory
    std::string name_;
    std::string flat_name_;
    std::shared_ptr<guarded_descriptor> directory_;
    access_mode access_ = access_mode::owner;  // of the directory
    access_mode object_access_ = access_mode::owner;
    bool private_ = false;
    bool made_ = false;
};

}  // namespace strait::detail

#endif
