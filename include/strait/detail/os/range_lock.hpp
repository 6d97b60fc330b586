// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_RANGE_LOCK_HPP
#define STRAIT_DETAIL_OS_RANGE_LOCK_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/timespec.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cstdint>

#include <fcntl.h>

// Liveness by open-file-description locks on bytes of a channel's control file. Such a lock is freed by the kernel
// when the last descriptor of its description closes, however the process ends, and a zombie holds none. It belongs to
// the description, not to the process: each end has one of its own, and nobody else may hold a copy of it.
namespace strait::detail {

enum class role : std::uint8_t { sender, receiver };

// The bytes lie beyond anything that is mapped. One for set-up; one for each participant; one for each role of a
// make_pair() that somebody may still take up.
struct lock_bytes {
    static constexpr ::off_t setup = ::off_t{1} << 40;
    static constexpr ::off_t participants = setup + 1;
    static constexpr ::off_t most = 4096;  // of each role
    static constexpr ::off_t promises = participants + 2 * most;

    static constexpr ::off_t first(role r) noexcept { return participants + (r == role::sender ? 0 : most); }
    static constexpr ::off_t promise(role r) noexcept { return promises + (r == role::sender ? 0 : 1); }
};

inline struct ::flock whole_lock(short type, ::off_t first, ::off_t count) noexcept
{
    struct ::flock l = {};
    l.l_type = type;
    l.l_whence = SEEK_SET;
    l.l_start = first;
    l.l_len = count;
    return l;
}

// busy: somebody else holds it.
inline result<void> try_lock_byte(int fd, ::off_t byte) noexcept
{
    auto l = whole_lock(F_WRLCK, byte, 1);
    if (uninterrupted([&] { return ::fcntl(fd, F_OFD_SETLK, &l); }) == 0)
        return {};
    if (errno == EAGAIN || errno == EACCES)
        return errc::busy;
    return last_failure();
}

inline void unlock_byte(int fd, ::off_t byte) noexcept
{
    auto l = whole_lock(F_UNLCK, byte, 1);
    ::fcntl(fd, F_OFD_SETLK, &l);
}

// Whether another description holds any of these bytes. When in doubt somebody is alive: a wrong "dead" would let two
// ends repair what one still uses.
inline bool any_locked(int fd, ::off_t first, ::off_t count) noexcept
{
    auto l = whole_lock(F_WRLCK, first, count);
    return uninterrupted([&] { return ::fcntl(fd, F_OFD_GETLK, &l); }) != 0 || l.l_type != F_UNLCK;
}

// Waits by retrying: F_OFD_SETLKW knows no deadline, and a holder may be stopped.
inline result<void> lock_byte(int fd, ::off_t byte, deadline until) noexcept
{
    for (std::int64_t pause = 20'000;; pause = std::min<std::int64_t>(2 * pause, 2'000'000)) {
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
