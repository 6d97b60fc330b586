// Distributed under the Boost Software License, Version 1.0.
#ifndef TOOL_DOCTOR_HPP
#define TOOL_DOCTOR_HPP

#include "show.hpp"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace tool {

/// One limit of the host, and what it means for channels.
struct finding {
    std::string name;
    std::string value;
    bool is_bad = false;
    std::string meaning;
};

/// Looks at the limits of this host and of this process.
class doctor {
public:
    std::vector<finding> look()
    {
        memory("/dev/shm");
        disk("/var/tmp");
        directory("/dev/shm");
        directory("/var/tmp");
        number("fs.mqueue.msg_max", "/proc/sys/fs/mqueue/msg_max", 2, "a posix_mqueue without privileges holds at most so many messages");
        number("fs.mqueue.msgsize_max", "/proc/sys/fs/mqueue/msgsize_max", 128, "the largest message of a posix_mqueue without privileges, in bytes");
        number("fs.mqueue.queues_max", "/proc/sys/fs/mqueue/queues_max", 8, "so many channels over posix_mqueue can be there at once, of all users");
        limit("RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE, 100'000, "bytes of all of this user's posix_mqueue channels together");
        limit("RLIMIT_NOFILE", RLIMIT_NOFILE, 256, "an end takes two to four descriptors, and one over a socket one more for each peer");
        limit("RLIMIT_MEMLOCK", RLIMIT_MEMLOCK, 0, "matters for programs that call mlockall(2): their channels count as locked memory");
        limit("RLIMIT_FSIZE", RLIMIT_FSIZE, 64 << 20, "no ring can be larger than a file may be");
        number("kernel.shmmni", "/proc/sys/kernel/shmmni", 16, "so many channels in sysv_memory can be there at once, of all users");
        number("kernel.shmmax", "/proc/sys/kernel/shmmax", 16 << 20, "the largest ring in sysv_memory, in bytes");
        number("kernel.shmall", "/proc/sys/kernel/shmall", 4096, "pages of all System V segments together");
        number("kernel.msgmni", "/proc/sys/kernel/msgmni", 16, "so many channels over sysv_mqueue can be there at once, of all users");
        number("kernel.msgmnb", "/proc/sys/kernel/msgmnb", 4096, "bytes of the unread messages of a sysv_mqueue");
        number("kernel.msgmax", "/proc/sys/kernel/msgmax", 1024, "the largest message of a sysv_mqueue, in bytes");
        number("fs.inotify.max_user_instances", "/proc/sys/fs/inotify/max_user_instances", 16,
               "each thread or event loop that waits for several rings takes one; without one it looks every 50 ms");
        number("fs.inotify.max_user_watches", "/proc/sys/fs/inotify/max_user_watches", 1024, "each ring that is waited for so takes one");
        number("net.core.wmem_max", "/proc/sys/net/core/wmem_max", 65'536, "half of the largest packet of unix_seqpacket and unix_datagram, in bytes");
        overcommit();
        remove_ipc();
        runtime_directory();
        proc();
        return std::move(all_);
    }

private:
    static std::string content(std::string const& path)
    {
        std::ifstream in(path);
        std::string text;
        std::getline(in, text);
        return text;
    }

    void add(std::string name, std::string value, bool bad, std::string meaning)
    {
        all_.push_back({std::move(name), std::move(value), bad, std::move(meaning)});
    }

    void number(char const* name, char const* path, std::uint64_t least, char const* meaning)
    {
        std::string const text = content(path);
        if (text.empty())
            add(name, "absent", true, std::string("this kernel or container does not have it; ") + meaning);
        else
            add(name, text, std::strtoull(text.c_str(), nullptr, 10) < least, meaning);
    }

    void limit(char const* name, int which, std::uint64_t least, char const* meaning)
    {
        ::rlimit found = {};
        ::getrlimit(static_cast<::__rlimit_resource_t>(which), &found);
        add(name, found.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(found.rlim_cur), found.rlim_cur < least, meaning);
    }

    void memory(char const* path)
    {
        struct ::statvfs found = {};
        if (::statvfs(path, &found) != 0) {
            add(path, "absent", true, "channels with a name lie there; mount a tmpfs");
            return;
        }
        std::uint64_t const total = std::uint64_t{found.f_blocks} * found.f_frsize;
        std::uint64_t const free = std::uint64_t{found.f_bavail} * found.f_frsize;
        add(std::string(path) + " size", bytes_in_words(total), total < (std::uint64_t{16} << 20), "all rings with a name together take no more; Docker gives 64 MiB unless it is told --shm-size");
        add(std::string(path) + " free", bytes_in_words(free), free < (std::uint64_t{4} << 20), "an end that finds less than its ring needs reports out_of_memory when it opens");
        add(std::string(path) + " free files", std::to_string(found.f_favail), found.f_files != 0 && found.f_favail < 64, "each channel takes one or two files");
    }

    void disk(char const* path)
    {
        struct ::statvfs found = {};
        if (::statvfs(path, &found) != 0) {
            add(path, "absent", true, "channels in mapped_file with a name lie there");
            return;
        }
        std::uint64_t const free = std::uint64_t{found.f_bavail} * found.f_frsize;
        add(std::string(path) + " free", bytes_in_words(free), free < (std::uint64_t{4} << 20), "rings in mapped_file with a name lie there");
    }

    void directory(std::string const& root)
    {
        std::string const path = root + "/strait-" + std::to_string(::geteuid());
        struct ::stat found = {};
        if (::lstat(path.c_str(), &found) != 0) {
            add(path, "absent", false, "the first channel with a name makes it");
            return;
        }
        bool const bad = !S_ISDIR(found.st_mode) || found.st_uid != ::geteuid() || (found.st_mode & 0077) != 0;
        add(path, bad ? "untrusted" : "trusted", bad,
            bad ? "no end with a name can be opened, since another user could change what lies there: let its owner or root remove it"
                : "this user's channels with a name lie there");
    }

    void overcommit()
    {
        std::string const text = content("/proc/sys/vm/overcommit_memory");
        add("vm.overcommit_memory", text.empty() ? "absent" : text, false,
            text == "2" ? "mappings count as used memory: a ring that varies in size, which is mapped twice, may count double"
                        : "mappings do not count as used memory before they are touched");
    }

    // The last line that sets it counts, of the files in the order in which systemd reads them.
    void remove_ipc()
    {
        namespace fs = std::filesystem;
        std::vector<fs::path> files = {"/etc/systemd/logind.conf"};
        for (char const* const folder : {"/usr/lib/systemd/logind.conf.d", "/etc/systemd/logind.conf.d"}) {
            std::error_code ignored;
            std::vector<fs::path> here;
            for (auto const& e : fs::directory_iterator(folder, ignored))
                if (e.path().extension() == ".conf")
                    here.push_back(e.path());
            std::sort(here.begin(), here.end());
            files.insert(files.end(), here.begin(), here.end());
        }
        if (!fs::exists("/run/systemd/system")) {
            add("RemoveIPC", "no systemd", false, "nothing removes a user's objects at logout");
            return;
        }
        std::string value = "yes";  // what logind does where nothing is set
        for (auto const& file : files) {
            std::ifstream in(file);
            for (std::string line; std::getline(in, line);)
                if (line.starts_with("RemoveIPC="))
                    value = line.substr(10);
        }
        bool const removes = (value == "yes" || value == "true" || value == "1" || value == "on") && ::geteuid() >= 1000;
        add("RemoveIPC", value, removes,
            removes ? "logind deletes this user's channels at the last logout, also those that services use: set RemoveIPC=no, or give services a system user"
                    : "logind leaves this user's channels alone");
    }

    void runtime_directory()
    {
        char const* const path = std::getenv("XDG_RUNTIME_DIR");
        struct ::stat found = {};
        bool const there = path && ::stat(path, &found) == 0 && S_ISDIR(found.st_mode);
        bool const bad = there && (found.st_uid != ::geteuid() || (found.st_mode & 0077) != 0);
        add("XDG_RUNTIME_DIR", there ? path : "absent", bad,
            bad ? "it is not this user's alone: take no paths in it" : "channels with a name do not need it; it is a good place for channels with a path");
    }

    void proc()
    {
        bool const there = ::access("/proc/self/fd", F_OK) == 0;
        add("/proc", there ? "mounted" : "absent", !there, "make_pair() and realtime_signal need it, and this command, to tell the processes of ends");
    }

    std::vector<finding> all_;
};

}  // namespace tool

#endif
