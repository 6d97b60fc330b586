// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_EPOLL_SET_HPP
#define STRAIT_DETAIL_OS_EPOLL_SET_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/timespec.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <span>

#include <sys/epoll.h>

namespace strait::detail {

// Descriptors that one end waits for together, each with a tag. A descriptor that is closed leaves the set by itself.
//
// Distinct objects: safe. Shared objects: unsafe.
class epoll_set {
public:
    error_code open()
    {
        fd_ = guarded_descriptor(descriptor(::epoll_create1(EPOLL_CLOEXEC)));
        return fd_ ? error_code() : last_failure();
    }

    error_code add(int fd, void* tag, std::uint32_t events) { return control(EPOLL_CTL_ADD, fd, tag, events); }
    error_code modify(int fd, void* tag, std::uint32_t events) { return control(EPOLL_CTL_MOD, fd, tag, events); }

    // To be called before closing a descriptor that another process may have too: it would stay in the set.
    void remove(int fd) noexcept { (void)control(EPOLL_CTL_DEL, fd, nullptr, 0); }

    // Readable while a descriptor of the set is ready.
    guarded_descriptor const& fd() const noexcept { return fd_; }
    void close() noexcept { fd_.reset(); }

    // The events of the descriptors that are ready. Waits up to the deadline for the first one; none when it passes.
    std::span<::epoll_event> wait(std::span<::epoll_event> events, deadline until) const
    {
        int const n = uninterrupted([&] { return wait_once(events.data(), static_cast<int>(events.size()), until); });
        return events.first(static_cast<std::size_t>(std::max(n, 0)));
    }

private:
    error_code control(int operation, int fd, void* tag, std::uint32_t events)
    {
        ::epoll_event e = {};
        e.events = events;
        e.data.ptr = tag;
        return ::epoll_ctl(fd_.get(), operation, fd, &e) == 0 ? error_code() : last_failure();
    }

    int wait_once(::epoll_event* events, int most, deadline until) const
    {
        if (until.is_poll())
            return ::epoll_wait(fd_.get(), events, most, 0);
        if (until.is_never())
            return ::epoll_wait(fd_.get(), events, most, -1);
        std::int64_t const left = nanoseconds_left(until);
        ::timespec const t = to_timespec(left);
        int const n = ::epoll_pwait2(fd_.get(), events, most, &t, nullptr);
        if (n >= 0 || errno != ENOSYS)
            return n;
        std::int64_t const milliseconds = std::min<std::int64_t>((left + 999'999) / 1'000'000, std::numeric_limits<int>::max());
        return ::epoll_wait(fd_.get(), events, most, static_cast<int>(milliseconds));
    }

    guarded_descriptor fd_;
};

}  // namespace strait::detail

#endif
