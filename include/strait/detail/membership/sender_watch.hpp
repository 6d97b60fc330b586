// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_SENDER_WATCH_HPP
#define STRAIT_DETAIL_MEMBERSHIP_SENDER_WATCH_HPP

#include <strait/detail/membership/participant.hpp>
#include <strait/error.hpp>

#include <cstdint>

namespace strait::detail {

// Asks whether the stream is over as seldom as can be: that takes system calls. At once when the counters say that the
// last sender has counted itself out; else, because the dead count nothing, when `interval` nanoseconds have passed or
// the caller has slept.
class sender_watch {
public:
    static constexpr std::int64_t when_polled = 1'000'000;
    static constexpr std::int64_t when_spinning = 10'000'000;

    // If it says that they are gone: look for messages once more, then believe it.
    end_reason gone(participant const& c, std::int64_t now, bool slept, std::int64_t interval) noexcept
    {
        std::uint64_t const joined = c.block().joined_senders.load(std::memory_order_acquire);  // pairs with joining
        std::uint64_t const left = c.block().left_senders.load(std::memory_order_acquire);      // pairs with leaving
        if (found_ != end_reason::none && joined == joined_)
            return found_;  // nobody has come since
        bool const news = left >= joined && (joined != joined_ || left != left_);
        if (!slept && !news && now - asked_at_ < interval)
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

}  // namespace strait::detail

#endif
