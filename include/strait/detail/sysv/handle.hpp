// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SYSV_HANDLE_HPP
#define STRAIT_DETAIL_SYSV_HANDLE_HPP

#include <strait/detail/os/fork_guard.hpp>
#include <strait/error.hpp>

#include <utility>

namespace strait::detail {

// The number of a queue, which the kernel takes from anybody: in a child of fork() there is none.
class sysv_handle : fork_guard {
public:
    sysv_handle() : fork_guard(&disarm) {}
    sysv_handle(sysv_handle&& other) : fork_guard(&disarm), queue_(std::exchange(other.queue_, closed)) {}
    sysv_handle& operator=(sysv_handle&& other) noexcept
    {
        queue_ = std::exchange(other.queue_, closed);
        return *this;
    }

    void set(int queue) noexcept { queue_ = queue; }
    void reset() noexcept { queue_ = closed; }
    int get() const noexcept { return queue_; }
    explicit operator bool() const noexcept { return queue_ >= 0; }
    errc missing() const noexcept { return queue_ == inherited ? errc::inherited_handle : errc::not_open; }

private:
    static constexpr int closed = -1;
    static constexpr int inherited = -2;

    static void disarm(fork_guard& g) noexcept
    {
        auto& self = static_cast<sysv_handle&>(g);
        if (self.queue_ >= 0)
            self.queue_ = inherited;
    }

    int queue_ = closed;
};

}  // namespace strait::detail

#endif
