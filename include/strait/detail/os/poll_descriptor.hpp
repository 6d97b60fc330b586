// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_POLL_DESCRIPTOR_HPP
#define STRAIT_DETAIL_OS_POLL_DESCRIPTOR_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/timespec.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <cerrno>

#include <poll.h>

namespace strait::detail {

// Sleeps until the descriptor has one of `events`, or an error or hang-up, which the next system call on it then
// reports. timed_out: the deadline came first. It looks once even if the deadline has passed or is poll().
[[gnu::noinline, gnu::cold]] inline result<void> wait_descriptor(int fd, short events, deadline until)
{
    for (;;) {
        ::timespec const left = to_timespec(until.is_poll() ? 0 : nanoseconds_left(until));
        ::pollfd p{fd, events, 0};
        int const ready = ::ppoll(&p, 1, until.is_never() ? nullptr : &left, nullptr);
        if (ready > 0)
            return {};
        if (ready == 0)
            return errc::timed_out;
        if (errno != EINTR)
            return last_failure();
    }
}

// Sleeps until the descriptor can be read from, as wait_descriptor() does.
inline result<void> wait_readable(int fd, deadline until) { return wait_descriptor(fd, POLLIN, until); }

// Whether a write to the descriptor would not wait, or would fail at once.
inline bool is_writable(int fd) { return wait_descriptor(fd, POLLOUT, deadline::poll()).has_value(); }

// The events of poll(2) for a reader.
inline constexpr short read_events = POLLIN;

// Whether these events of poll(2) are those of a writer.
constexpr bool waits_for_room(short events) noexcept { return (events & POLLOUT) != 0; }

}  // namespace strait::detail

#endif
