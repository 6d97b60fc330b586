// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_RANGE_LOCK_HPP
#define STRAIT_DETAIL_OS_RANGE_LOCK_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/timespec.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cstdint>

#include <fcntl.h>

// Locks of open file descriptions (OFD) on single bytes of a file, which tell whether their holder lives. The kernel
// frees such a lock when the last descriptor of its description is closed, however the process ends; a zombie holds
// none. The lock belongs to the description and not to the process: so each holder opens a description of its own, and
// gives no copy of it to another process.
namespace strait::detail {

inline struct ::flock whole_lock(short type, ::off_t first, ::off_t count) noexcept
{
    struct ::flock l = {};
    l.l_type = type;
    l.l_whence = SEEK_SET;
    l.l_start = first;
    l.l_len = count;
    return l;
}

// Takes the lock of this byte. busy: another description holds it.
inline result<void> try_lock_byte(int fd, ::off_t byte) noexcept
{
    auto l = whole_lock(F_WRLCK, byte, 1);
    if (uninterrupted([&] { return ::fcntl(fd, F_OFD_SETLK, &l); }) == 0)
        return {};
    if (errno == EAGAIN || errno == EACCES)
        return errc::busy;
    return last_failure();
}

// Gives the lock of this byte up. Closing one descriptor does not, if another one of the same description is open.
inline void unlock_byte(int fd, ::off_t byte) noexcept
{
    auto l = whole_lock(F_UNLCK, byte, 1);
    ::fcntl(fd, F_OFD_SETLK, &l);
}

// Whether another description holds any of these bytes. Where the kernel does not say, the answer is yes: a wrong "no"
// would let an end repair what a living one uses.
inline bool any_locked(int fd, ::off_t first, ::off_t count) noexcept
{
    auto l = whole_lock(F_WRLCK, first, count);
    return uninterrupted([&] { return ::fcntl(fd, F_OFD_GETLK, &l); }) != 0 || l.l_type != F_UNLCK;
}

// Calls found(byte) for each byte in [first, end) that another description holds, in no order. A lock of several bytes counts
// once. Ends after 2 * (end - first) questions at most.
template <class Found>
void each_locked(int fd, ::off_t first, ::off_t end, Found found)
{
    while (first < end) {
        STRAIT_STEP();
        auto l = whole_lock(F_WRLCK, first, end - first);
        if (uninterrupted([&] { return ::fcntl(fd, F_OFD_GETLK, &l); }) != 0 || l.l_type == F_UNLCK)
            return;
        ::off_t const at = std::clamp(l.l_start, first, end - 1);
        each_locked(fd, first, at, found);  // the kernel shows any of them
        found(at);
        first = l.l_len == 0 ? end : std::max(at + 1, l.l_start + l.l_len);
    }
}

// Takes the lock of this byte, waiting for it up to the deadline: timed_out. It waits by retrying, because F_OFD_SETLKW
// has no deadline, and the holder may be stopped.
inline result<void> lock_byte(int fd, ::off_t byte, deadline until) noexcept
{
    for (std::int64_t pause = 20'000;; pause = std::min<std::int64_t>(2 * pause, 2'000'000)) {
        STRAIT_STEP();
        auto const held = try_lock_byte(fd, byte);
        if (held || held.error() != errc::busy)
            return held;
        if (until.is_poll() || until.passed())
            return errc::timed_out;
        ::timespec const t = to_timespec(pause);
        ::nanosleep(&t, nullptr);
    }
}

}  // namespace strait::detail

#endif
