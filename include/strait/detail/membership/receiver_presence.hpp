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

// What a channel over a queue is called, and whether it outlives everybody with what is unread.
struct queue_traits {
    char const* name;
    bool retained;
};

// Whether a sender has somebody to send to, where unread messages are not kept: it waits for the first receiver, and is
// told when the last one has gone. Of a channel that keeps them it always has.
class receiver_presence {
public:
    void start(participant const& c, deadline connect_until) noexcept
    {
        keeps_ = c.block().retained != 0;
        connect_until_ = connect_until;
    }

    // At a message: a system call, since the dead leave no word.
    bool nobody(participant const& c) const noexcept { return !keeps_ && (all_left(c) || c.receivers_gone()); }
    void met() noexcept { state_ = state::met; }

    // There is no room: also nobody who could make it? That is a system call.
    bool gone(participant const& c) const noexcept { return !keeps_ && c.receivers_gone(); }

    error_code lose() noexcept
    {
        state_ = state::lost;
        return errc::no_receiver;
    }

    // Nobody is there: waits a turn, for who may come. Success: look again.
    error_code await(participant const& c, deadline until, bool first, std::uint64_t& waits) noexcept
    {
        std::uint32_t const seen = c.event();
        if (!nobody(c))
            return {};
        if (state_ != state::fresh || connect_until_.passed())
            return lose();
        if (until.is_poll())
            return errc::full;
        if (until.passed())
            return errc::timed_out;
        waits += first ? 1 : 0;
        c.wait_event(seen, std::min(until, connect_until_));
        return {};
    }

private:
    enum class state : std::uint8_t { fresh, met, lost };

    // By the counts, which the dead have not left.
    static bool all_left(participant const& c) noexcept
    {
        auto const& b = c.block();
        return b.joined_receivers.load(std::memory_order_acquire) == b.left_receivers.load(std::memory_order_acquire);
    }

    deadline connect_until_ = deadline::never();
    state state_ = state::fresh;
    bool keeps_ = true;
};

}  // namespace strait::detail

#endif
