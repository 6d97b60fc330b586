// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_EVENT_FD_HPP
#define STRAIT_DETAIL_OS_EVENT_FD_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>

#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

namespace strait::detail {

// Wakes a thread that waits for descriptors. Distinct objects: safe. Shared objects: safe; ring() also in signal
// handlers.
class wake_event {
public:
    wake_event() : fd_(descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)))
    {
        if (!fd_)
            raise(last_failure());
    }

    int fd() const noexcept { return fd_.get(); }

    void ring() const noexcept
    {
        std::uint64_t const one = 1;
        (void)!::write(fd_.get(), &one, sizeof one);
    }
    void clear() const noexcept
    {
        std::uint64_t rung = 0;
        (void)!::read(fd_.get(), &rung, sizeof rung);
    }

private:
    guarded_descriptor fd_;
};

}  // namespace strait::detail

#endif
