// Distributed under the Boost Software License, Version 1.0.
#ifndef CONFORMANCE_DELAYS_HPP
#define CONFORMANCE_DELAYS_HPP

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace conformance {

/// How long peers took to notice a death, counted from when the dead process had been reaped. Printed, not asserted: a
/// loaded machine delays everything.
class delays {
public:
    void add(std::chrono::nanoseconds d)
    {
        auto const ms = std::chrono::duration<double, std::milli>(d).count();
        longest_ = std::max(longest_, ms);
        ++counts_[static_cast<std::size_t>(std::upper_bound(limits.begin(), limits.end(), ms) - limits.begin())];
    }

    void print(char const* transport, char const* what) const
    {
        std::printf("%-26s %-34s", transport, what);
        for (std::size_t i = 0; i != counts_.size(); ++i)
            if (i < limits.size())
                std::printf(" <%gms:%d", limits[i], counts_[i]);
            else
                std::printf(" more:%d", counts_[i]);
        std::printf("  longest %.3g ms\n", longest_);
        std::fflush(stdout);
    }

private:
    static constexpr std::array<double, 6> limits{0.1, 1, 10, 30, 60, 100};
    std::array<int, limits.size() + 1> counts_{};
    double longest_ = 0;
};

}  // namespace conformance

#endif
