// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_ADAPTIVE_SPIN_HPP
#define STRAIT_DETAIL_WAIT_ADAPTIVE_SPIN_HPP

#include <strait/detail/wait/pause.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cstdint>

namespace strait::detail {

// Whether polling before sleeping has been worth it. With both ends on one core the peer cannot run while we poll, and
// with slow traffic nothing comes in time: then most waits sleep at once, and one in a few tries again, so that two ends
// on two cores do not wake each other for ever.
class adaptive_spin {
public:
    bool pays() const noexcept { return failures_ < tolerated; }
    bool worthwhile() noexcept { return pays() || ++skipped_ >= interval_; }
    void succeeded() noexcept { *this = {}; }
    void failed() noexcept
    {
        if (failures_ < tolerated)
            ++failures_;
        else
            interval_ = std::min(2 * interval_, longest);
        skipped_ = 0;
    }

private:
    static constexpr std::uint32_t tolerated = 4;
    static constexpr std::uint32_t longest = 256;
    std::uint32_t failures_ = 0;
    std::uint32_t skipped_ = 0;
    std::uint32_t interval_ = 16;
};

// Before sleeping in the kernel: tries again and again for about as long as two wake-ups take, if that has been worth it.
// `attempt` is a system call, true when there is no need to sleep.
template <class Attempt>
bool try_before_sleeping(adaptive_spin& spin, deadline until, Attempt attempt)
{
    if (until.is_poll() || !spin.worthwhile())
        return false;
    std::int64_t const end = std::min(deadline::now() + adaptive::spin_nanoseconds, until.nanoseconds());
    do {
        pause_polling<100>();
        if (attempt()) {
            spin.succeeded();
            return true;
        }
    } while (deadline::now() < end);
    spin.failed();
    return false;
}

}  // namespace strait::detail

#endif
