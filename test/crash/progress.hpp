// Distributed under the Boost Software License, Version 1.0.
#ifndef CRASH_PROGRESS_HPP
#define CRASH_PROGRESS_HPP

#include <strait/wait.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <ostream>

#include <sched.h>

namespace crash {

/// Waits until `done()`; false when a watchdog's patience is over.
template <class Done>
bool await(Done done, std::int64_t seconds = 60)
{
    for (std::int64_t const end = strait::deadline::now() + seconds * 1'000'000'000; !done(); ::sched_yield())
        if (strait::deadline::now() > end)
            return false;
    return true;
}

/// How long the survivors of a death took to go on. Printed, never judged: it depends on what else runs.
class progress {
public:
    void took(std::int64_t nanoseconds)
    {
        std::size_t i = 0;
        while (i != bounds.size() && nanoseconds > bounds[i] * 1'000'000)
            ++i;
        ++counts_[i];
        ++total_;
        longest_ = std::max(longest_, nanoseconds);
    }

    friend std::ostream& operator<<(std::ostream& out, progress const& p)
    {
        for (std::size_t i = 0; i != bounds.size(); ++i)
            out << "<=" << bounds[i] << " ms: " << p.counts_[i] << "  ";
        return out << "more: " << p.counts_.back() << "  longest: " << std::fixed << std::setprecision(1)
                   << static_cast<double>(p.longest_) / 1e6 << " ms  of " << p.total_;
    }

private:
    static constexpr std::array<std::int64_t, 6> bounds{1, 5, 20, 50, 100, 200};  // two wait slices are 100 ms
    std::array<std::uint64_t, bounds.size() + 1> counts_{};
    std::uint64_t total_ = 0;
    std::int64_t longest_ = 0;
};

}  // namespace crash

#endif
