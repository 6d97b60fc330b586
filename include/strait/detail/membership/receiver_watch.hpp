// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_RECEIVER_WATCH_HPP
#define STRAIT_DETAIL_MEMBERSHIP_RECEIVER_WATCH_HPP

#include <strait/detail/membership/participant.hpp>
#include <strait/detail/membership/sender_watch.hpp>

#include <cstdint>

namespace strait::detail {

// Asks, as seldom as sender_watch does, whether a waiting sender waits for nobody: of a channel without a name, whose
// receivers have gone and of whom no pair promises another.
class receiver_watch {
public:
    bool no_receiver_possible(participant const& c, std::int64_t now, bool slept) noexcept
    {
        if (!c.is_nameless() || (!slept && now - asked_at_ < sender_watch::when_spinning))
            return false;
        asked_at_ = now;
        return c.receivers_gone();
    }

private:
    std::int64_t asked_at_ = 0;
};

}  // namespace strait::detail

#endif
