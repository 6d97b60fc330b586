// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_RECEIVER_PRESENCE_HPP
#define STRAIT_DETAIL_MEMBERSHIP_RECEIVER_PRESENCE_HPP

#include <strait/detail/membership/participant.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace strait::detail {

// What a channel over a queue of the kernel is called, and whether unread messages outlive all participants.
struct queue_traits {
    char const* name;
    bool retained;
};

// Whether a sender has a receiver to send to, in a channel that does not retain unread messages: its sender waits for
// the first receiver up to connect_timeout, and gets no_receiver when the last one has gone. In a channel that retains
// them a sender needs no receiver.
class receiver_presence {
public:
    void start(participant const& c, deadline connect_until) noexcept
    {
        retained_ = c.block().retained != 0;
        connect_until_ = connect_until;
    }

    // To be asked before each message. It makes a system call, because a dead receiver has written nothing.
    bool is_missing(participant const& c) const noexcept { return !retained_ && (all_left(c) || c.receivers_gone()); }
    void met() noexcept { state_ = state::met; }

    // To be asked when there is no room: whether all receivers that could make some have gone. It makes a system call.
    bool gone(participant const& c) const noexcept { return !retained_ && c.receivers_gone(); }

    // Whether the first receiver may still come: none was there since this end was opened, and connect_timeout is not
    // over.
    bool awaited(participant const& c) const noexcept
    {
        return !retained_ && state_ == state::fresh && !connect_until_.passed() && !c.has_lost_receiver();
    }

    error_code lose() noexcept
    {
        state_ = state::lost;
        return errc::no_receiver;
    }

    // When no receiver is there: reports `removed`, or waits until participants come or go, for at most one wait slice.
    // Success: look again. A poll does not wait and reports no_receiver, but the first receiver is awaited still.
    error_code await(participant const& c, deadline until, bool first, std::uint64_t& waits) noexcept
    {
        std::uint32_t const seen = c.event();
        if (!is_missing(c))
            return {};
        if (c.is_removed(deadline::now(), !first))
            return errc::removed;
        if (!awaited(c))
            return lose();
        if (until.is_poll())
            return errc::no_receiver;
        if (until.passed())
            return errc::timed_out;
        waits += first ? 1 : 0;
        c.wait_event(seen, std::min(until, connect_until_));
        return {};
    }

private:
    enum class state : std::uint8_t { fresh, met, lost };

    // By the counts alone: receivers that died are still counted as there.
    static bool all_left(participant const& c) noexcept
    {
        auto const& b = c.block();
        return b.joined_receivers.load(std::memory_order_acquire) == b.left_receivers.load(std::memory_order_acquire);
    }

    deadline connect_until_ = deadline::never();
    state state_ = state::fresh;
    bool retained_ = true;
};

}  // namespace strait::detail

#endif
