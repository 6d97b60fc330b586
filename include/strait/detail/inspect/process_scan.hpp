// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INSPECT_PROCESS_SCAN_HPP
#define STRAIT_DETAIL_INSPECT_PROCESS_SCAN_HPP

#include <strait/detail/membership/role.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

// Which process holds which place of a channel, from /proc. A lock of an open file description has no process, but
// /proc/PID/fdinfo/FD shows the locks of the description that PID has open as FD.
namespace strait::detail {

inline std::string text_of_file(int directory, char const* name, std::size_t most = std::size_t{64} << 10)
{
    std::string text;
    descriptor const file(::openat(directory, name, O_RDONLY | O_CLOEXEC));
    char part[4096];
    while (file && text.size() < most) {
        STRAIT_STEP();
        auto const n = uninterrupted([&] { return ::read(file.get(), part, sizeof part); });
        if (n <= 0)
            break;
        text.append(part, static_cast<std::size_t>(n));
    }
    return text;
}

// Another process can choose what this shows: only printable characters of ASCII stay.
inline std::string printable(std::string_view text)
{
    std::string shown(text.substr(0, 1024));
    for (char& c : shown)
        if (c < ' ' || c > '~')
            c = '?';
    return shown;
}

// A path without control characters, also those of UTF-8 that are two bytes (U+0080 to U+009F); other letters stay.
inline std::string printable_path(std::string_view path)
{
    std::string shown(path);
    for (std::size_t i = 0; i != shown.size(); ++i) {
        auto const c = static_cast<unsigned char>(shown[i]);
        bool const second = i != 0 && static_cast<unsigned char>(shown[i - 1]) == 0xc2 && c >= 0x80 && c < 0xa0;
        if (c < 32 || c == 127 || second)
            shown[i] = '?';
    }
    return shown;
}

// A file as the kernel tells it from others.
using file_number = std::pair<::dev_t, ::ino_t>;
inline file_number number_of_file(struct ::stat const& found) noexcept { return {found.st_dev, found.st_ino}; }

// A byte range of a control file that a process has locked.
struct held_range {
    file_number file;
    ::off_t first;
    ::off_t last;
    ::pid_t process;
};

// Calls visit(name) for each entry of the directory.
template <class Visit>
void each_entry(descriptor directory, Visit visit)
{
    ::DIR* const open = directory ? ::fdopendir(directory.get()) : nullptr;
    if (!open)
        return;
    (void)directory.release();
    for (::dirent* e = ::readdir(open); e != nullptr; e = ::readdir(open)) {
        STRAIT_STEP();
        visit(static_cast<char const*>(e->d_name));
    }
    ::closedir(open);
}

inline std::string_view next_word(std::string_view& text) noexcept
{
    std::size_t const begin = text.find_first_not_of(" \t");
    std::string_view const rest = begin == text.npos ? std::string_view() : text.substr(begin);
    std::string_view const word = rest.substr(0, rest.find_first_of(" \t"));
    text = rest.substr(word.size());
    return word;
}

// Finds the locks of OFD in the text of /proc/PID/fdinfo/FD:
// "lock:\t1: OFDLCK ADVISORY  WRITE -1 00:17:1234 1099511627777 1099511627777", where the last is "EOF" for an open end.
template <class Found>
void each_lock(std::string_view text, Found found)
{
    while (!text.empty()) {
        STRAIT_STEP();
        std::size_t const end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == text.npos ? std::string_view() : text.substr(end + 1);
        if (next_word(line) != "lock:")
            continue;
        std::string_view words[7];
        for (auto& w : words)
            w = next_word(line);
        std::string_view const last = next_word(line);
        std::int64_t first_byte = 0;
        std::int64_t last_byte = 0;
        auto const number = [](std::string_view w, std::int64_t& n) {
            auto const [at, e] = std::from_chars(w.data(), w.data() + w.size(), n);
            return e == std::errc() && at == w.data() + w.size();
        };
        if (words[1] == "OFDLCK" && number(words[6], first_byte) && number(last, last_byte))
            found(first_byte, last_byte);
    }
}

// Looks once through the processes whose descriptors this user may see, for locks of these files. Those of other users stay unseen,
// also where another process name space has them.
inline std::vector<held_range> scan_processes(std::vector<file_number> const& files)
{
    std::vector<held_range> held;
    if (files.empty())
        return held;
    each_entry(descriptor(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), [&](char const* name) {
        ::pid_t process = 0;
        char const* const end = name + std::strlen(name);
        if (auto const [at, e] = std::from_chars(name, end, process); e != std::errc() || at != end || process <= 0)
            return;
        std::string const base = std::string("/proc/") + name;
        descriptor of(::open((base + "/fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        int const directory = of.get();
        each_entry(std::move(of), [&](char const* fd) {
            struct ::stat found = {};
            if (*fd == '.' || ::fstatat(directory, fd, &found, 0) != 0 || !S_ISREG(found.st_mode))
                return;
            for (file_number const& file : files)
                if (file == number_of_file(found)) {
                    each_lock(text_of_file(AT_FDCWD, (base + "/fdinfo/" + fd).c_str()), [&](::off_t first, ::off_t last) {
                        held.push_back({file, first, last, process});
                    });
                    break;
                }
        });
    });
    return held;
}

// What /proc/PID/stat says of a process.
struct process_facts {
    char state = '?';      // R, S, D, T, t, Z, ...; ?: there is none, or it cannot be seen
    std::string command;
    std::chrono::system_clock::time_point started{};
};

inline process_facts facts_of(::pid_t process)
{
    process_facts facts;
    std::string const text = text_of_file(AT_FDCWD, ("/proc/" + std::to_string(process) + "/stat").c_str());
    std::size_t const begin = text.find('(');
    std::size_t const end = text.rfind(')');
    if (begin == text.npos || end == text.npos || end < begin)
        return facts;
    facts.command = printable(std::string_view(text).substr(begin + 1, end - begin - 1));
    std::string_view rest = std::string_view(text).substr(end + 1);
    std::string_view const state = next_word(rest);
    facts.state = state.empty() ? '?' : state.front();
    std::string_view started;
    for (int field = 4; field <= 22; ++field)  // proc(5) counts from 1; the state is the third
        started = next_word(rest);
    std::int64_t ticks = 0;
    std::from_chars(started.data(), started.data() + started.size(), ticks);
    ::timespec up = {};
    long const per_second = ::sysconf(_SC_CLK_TCK);
    if (ticks <= 0 || per_second <= 0 || ::clock_gettime(CLOCK_BOOTTIME, &up) != 0)
        return facts;
    auto const since = std::chrono::seconds(up.tv_sec) + std::chrono::nanoseconds(up.tv_nsec) - std::chrono::milliseconds(ticks * 1000 / per_second);
    facts.started = std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(since);
    return facts;
}

}  // namespace strait::detail

#endif
