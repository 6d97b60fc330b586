// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_RESIDUE_HPP
#define SUPPORT_RESIDUE_HPP

#include <support/names.hpp>

#include <strait/detail/sysv/queue_key.hpp>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <mqueue.h>
#include <sys/stat.h>
#include <unistd.h>

namespace support {

/// Where named channels lie; those of files on a disk below /var/tmp.
inline std::string channel_directory(std::string const& root = "/dev/shm") { return root + "/strait-" + std::to_string(::geteuid()); }

/// Keeps that directory for files made by hand: another test may remove it between two of them.
class held_directory {
public:
    explicit held_directory(std::string const& directory = channel_directory())
        : directory_(directory), file_(directory + "/held-by-" + std::to_string(::getpid()))
    {
        int fd = -1;
        do {
            ::mkdir(directory_.c_str(), 0700);
            fd = ::open(file_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        } while (fd < 0 && errno == ENOENT);
        ::close(fd);
    }
    ~held_directory()
    {
        ::unlink(file_.c_str());
        ::rmdir(directory_.c_str());
    }
    held_directory(held_directory const&) = delete;
    held_directory& operator=(held_directory const&) = delete;

private:
    std::string directory_;
    std::string file_;
};

/// The files of channels whose names begin like this.
inline std::vector<std::string> files_of(std::string const& beginning)
{
    std::vector<std::string> found;
    std::error_code ignored;
    for (char const* const root : {"/dev/shm", "/var/tmp"})
        for (auto const& entry : std::filesystem::directory_iterator(channel_directory(root), ignored))
            if (std::string const name = entry.path().filename(); name.starts_with(beginning))
                found.push_back(entry.path());
    return found;
}

/// Deletes the files of this channel, as rm(1) does.
inline void delete_files_of(std::string const& name)
{
    for (auto const& file : files_of(name + "."))
        ::unlink(file.c_str());
}

/// Asks the kernel by name: the mount of mqueue is often not there.
inline bool has_queue(std::string const& name)
{
    strait::detail::location where;
    if (strait::detail::location::find(name, strait::access_mode::owner, where))
        return false;
    for (std::uint64_t attempt = 0; attempt != strait::detail::sysv_attempts_by_name; ++attempt)
        if (::msgget(strait::detail::sysv_key(where, attempt), 0) >= 0)
            return true;
    int const queue = ::mq_open(("/strait-" + std::to_string(::geteuid()) + "-" + name).c_str(), O_RDONLY | O_CLOEXEC);
    if (queue >= 0)
        ::mq_close(queue);
    return queue >= 0;
}

/// What is left of the channels that this process has named.
inline std::vector<std::string> leftovers()
{
    auto found = files_of(names_begin());
    for (auto const& name : names_given())
        if (has_queue(name))
            found.push_back("queue " + name);
    return found;
}

inline std::size_t entries(char const* directory)
{
    std::error_code ignored;
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(directory, ignored), std::filesystem::directory_iterator()));
}

inline std::size_t open_descriptors() { return entries("/proc/self/fd"); }
inline std::size_t running_threads() { return entries("/proc/self/task"); }

/// Of this process's memory.
inline std::size_t resident_pages()
{
    std::size_t total = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident;
}

}  // namespace support

#endif
