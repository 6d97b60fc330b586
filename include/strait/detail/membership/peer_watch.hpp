// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_PEER_WATCH_HPP
#define STRAIT_DETAIL_MEMBERSHIP_PEER_WATCH_HPP

#include <strait/detail/membership/participant.hpp>
#include <strait/detail/wait/ends_together.hpp>
#include <strait/error.hpp>

#include <cstdint>
#include <optional>

// How an end that waits finds out that its peers have gone. Locks tell that for certain, by a system call, so it is
// asked seldom.
namespace strait::detail {

// Finds out for a receiver whether all senders have gone. It asks the kernel at once when the counters say that the
// last sender has counted itself out. Senders that died have not counted themselves out: for them it asks when
// `interval` nanoseconds have passed since it asked last, or when the caller has slept; less often where a thread looks at
// many ends together.
class sender_watch {
public:
    // Intervals, in nanoseconds, for callers that poll and for callers that spin.
    static constexpr std::int64_t when_polled = 1'000'000;
    static constexpr std::int64_t when_spinning = 10'000'000;

    // After an answer that they have gone, the caller looks for messages once more, and then believes it.
    end_reason gone(participant const& c, std::int64_t now, bool slept, std::int64_t interval) noexcept
    {
        std::uint64_t const joined = c.block().joined_senders.load(std::memory_order_acquire);  // pairs with joining
        std::uint64_t const left = c.block().left_senders.load(std::memory_order_acquire);      // pairs with leaving
        if (found_ != end_reason::none && joined == joined_)
            return found_;  // no sender has joined since
        bool const all_left = left >= joined && (joined != joined_ || left != left_);
        std::int64_t const pause = now - asked_at_;
        if (!slept && !all_left && (pause < interval || pause < interval * ends_together::seldom()))
            return end_reason::none;
        joined_ = joined;
        left_ = left;
        asked_at_ = now;
        found_ = c.senders_gone();
        return found_;
    }

private:
    static constexpr std::uint64_t never = ~std::uint64_t{0};
    std::uint64_t joined_ = never;
    std::uint64_t left_ = never;
    std::int64_t asked_at_ = 0;
    end_reason found_ = end_reason::none;
};

// Finds out for a waiting sender of a channel without a name whether no receiver can come any more: all have gone, and
// no process holds a pair that could still become one. It asks as seldom as sender_watch does.
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

// Whether the stream is over for a receiver, and why.
class end_of_stream {
public:
    end_reason why() const noexcept { return why_; }

    // What a waiting receiver finds: a message (no error), damage, `closed`, `removed`, or nothing yet. `inspect` looks
    // into its queue or ring and answers with the first two or nothing.
    template <class Inspect>
    std::optional<error_code> look(participant const& c, std::int64_t now, bool slept, std::int64_t interval, Inspect inspect)
    {
        if (auto const seen = inspect())
            return seen;
        end_reason const gone = watch_.gone(c, now, slept, interval);
        if (gone == end_reason::none)
            return c.is_removed(now, slept) ? std::optional<error_code>(errc::removed) : std::nullopt;
        if (auto const seen = inspect())  // sent just before the last sender went
            return seen;
        why_ = gone;
        return errc::closed;
    }

private:
    sender_watch watch_;
    end_reason why_ = end_reason::none;
};

}  // namespace strait::detail

#endif
