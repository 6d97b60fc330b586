// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_SEGMENTS_HPP
#define SUPPORT_SEGMENTS_HPP

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <sched.h>

namespace support {

/// System V objects and POSIX queues of our own, where the kernel allows it: so a segment that is left is one of ours, and
/// limits can be lowered for nobody else. Programs that this one executes stay with it.
inline bool const has_own_ipc = [] {
    char const* const variable = "STRAIT_TEST_OWN_IPC";
    if (std::getenv(variable))
        return true;
    bool const own = ::unshare(CLONE_NEWIPC) == 0;
    if (own)
        ::setenv(variable, "1", 1);
    return own;
}();

/// A line of /proc/sysvipc/shm.
struct segment_line {
    long key;
    int id;
    unsigned mode;
    unsigned long size;
    unsigned long attached;
    unsigned uid;
    unsigned gid;
};

inline std::vector<segment_line> segments()
{
    std::vector<segment_line> all;
    std::ifstream file("/proc/sysvipc/shm");
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
        std::istringstream in(line);
        segment_line s{};
        long creator = 0;
        long last = 0;
        in >> s.key >> s.id >> std::oct >> s.mode >> std::dec >> s.size >> creator >> last >> s.attached >> s.uid >> s.gid;
        s.mode &= 0777;
        all.push_back(s);
    }
    return all;
}

/// How many segments are left; none where they may be anybody's.
inline std::size_t segments_left() { return has_own_ipc ? segments().size() : 0; }

}  // namespace support

#endif
