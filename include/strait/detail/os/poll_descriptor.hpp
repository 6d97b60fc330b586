// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_POLL_DESCRIPTOR_HPP
#define STRAIT_DETAIL_OS_POLL_DESCRIPTOR_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>

#include <poll.h>

namespace strait::detail {

// Sleeps until the descriptor has one of `events` or an error or hang-up, which the next system call on it will tell;
// timed_out when the deadline comes first. Looks once also when the deadline is past or is poll().
[[gnu::noinline, gnu::cold]] inline result<void> wait_descriptor(int fd, short events, deadline until)
{
    for (;;) {
        std::int64_t const left =
            until.is_poll() ? 0 : std::max<std::int64_t>(0, until.is_never() ? 0 : until.nanoseconds() - deadline::now());
        ::timespec const t{static_cast<std::time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
        ::pollfd p{fd, events, 0};
        int const ready = ::ppoll(&p, 1, until.is_never() ? nullptr : &t, nullptr);
        if (ready > 0)
            return {};
        if (ready == 0)
            return errc::timed_out;
        if (errno != EINTR)
            return last_failure();
    }
}

}  // namespace strait::detail

#endif
