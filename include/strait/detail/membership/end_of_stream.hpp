// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_END_OF_STREAM_HPP
#define STRAIT_DETAIL_MEMBERSHIP_END_OF_STREAM_HPP

#include <strait/detail/membership/sender_watch.hpp>
#include <strait/error.hpp>

#include <cstdint>
#include <optional>

namespace strait::detail {

// Whether the stream is over for the receiver of a ring, and why.
class end_of_stream {
public:
    end_reason why() const noexcept { return why_; }

    // The thorough look of one who waits; `inspect` is that of its ring: a message, damage, or nothing.
    template <class Inspect>
    std::optional<error_code> look(participant const& c, std::int64_t now, bool slept, std::int64_t interval, Inspect inspect)
    {
        if (auto const seen = inspect())
            return seen;
        end_reason const gone = watch_.gone(c, now, slept, interval);
        if (gone == end_reason::none)
            return {};
        if (auto const seen = inspect())  // sent just before the last one went
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
