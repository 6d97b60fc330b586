// Distributed under the Boost Software License, Version 1.0.
#ifndef TOUR_METER_HPP
#define TOUR_METER_HPP

#include "line.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace tour {

/// Counts what a consumer receives, from the first message to the end of the stream, and tells the parent how far it
/// is.
class meter {
public:
    using clock = std::chrono::steady_clock;

    void count(line const& l)
    {
        if (messages_++ == 0)
            first_ = clock::now();
        bytes_ += l.text.size() + (l.continued ? 0 : 1);
        if (messages_ % 8192 == 0)
            tell();
    }

    void stop() { last_ = clock::now(); }

    std::uint64_t messages() const noexcept { return messages_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::uint64_t nanoseconds() const
    {
        return static_cast<std::uint64_t>(std::chrono::nanoseconds(last_ - first_).count());
    }

private:
    void tell()
    {
        auto const now = clock::now();
        if (now - told_ < std::chrono::milliseconds(100))
            return;
        told_ = now;
        std::printf("progress %ju\n", static_cast<std::uintmax_t>(bytes_));
        std::fflush(stdout);
    }

    clock::time_point first_;
    clock::time_point last_;
    clock::time_point told_;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace tour

#endif
