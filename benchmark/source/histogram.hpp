// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_HISTOGRAM_HPP
#define STRAIT_BENCHMARK_HISTOGRAM_HPP

#include "case.hpp"

#include <boost/histogram.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

namespace benchmark {

/// Latencies in bins of 1 %, from 10 ns to 10 s.
class latency_histogram {
    static constexpr unsigned bins = 2083;  // ln(10^9) / ln(1.01)

public:
    /// As the measuring process leaves it for its parent: the underflow, the bins, the overflow.
    struct counts {
        std::array<std::uint64_t, bins + 2> bin;
        std::uint64_t messages;
        double sum, min, max;
    };

    void add(double ns)
    {
        histogram_(ns);
        ++messages_;
        sum_ += ns;
        min_ = std::min(min_, ns);
        max_ = std::max(max_, ns);
    }

    std::uint64_t messages() const noexcept { return messages_; }

    void save(counts& to) const
    {
        for (int i = -1; i <= static_cast<int>(bins); ++i)
            to.bin[static_cast<std::size_t>(i + 1)] = histogram_.at(i);
        to.messages = messages_;
        to.sum = sum_;
        to.min = min_;
        to.max = max_;
    }

    static one_way summary(counts const& of)
    {
        one_way w{};
        w.min = of.min;
        w.max = of.max;
        w.mean = of.sum / static_cast<double>(of.messages);
        w.p50 = quantile(of, 0.5);
        w.p99 = quantile(of, 0.99);
        w.p999 = quantile(of, 0.999);
        axis const a = make_axis();
        for (std::size_t i = 0; i != of.bin.size(); ++i)
            if (of.bin[i] != 0)
                w.histogram.push_back({std::min(a.value(static_cast<double>(i)), of.max), of.bin[i]});
        return w;
    }

private:
    using axis = boost::histogram::axis::regular<double, boost::histogram::axis::transform::log>;

    static axis make_axis() { return axis{bins, 10.0, 1e10}; }

    // The counter of some processors advances in steps of about 10 ns. So the latencies of a bin are taken to be spread
    // evenly from the bin before it that is not empty, at most so far below.
    static constexpr double step = 10;

    static double quantile(counts const& of, double q)
    {
        axis const a = make_axis();
        double const wanted = q * static_cast<double>(of.messages);
        double seen = 0;
        double below = of.min;
        for (std::size_t i = 0; i != of.bin.size(); ++i) {
            auto const here = static_cast<double>(of.bin[i]);
            if (here == 0)
                continue;
            double const lower = i == 0 ? of.min : a.value(static_cast<double>(i - 1));
            double const upper = i == bins + 1 ? of.max : a.value(static_cast<double>(i));
            double const from = std::max(below, lower - step);
            if (seen + here >= wanted)
                return std::clamp(from + (upper - from) * (wanted - seen) / here, of.min, of.max);
            seen += here;
            below = upper;
        }
        return of.max;
    }

    decltype(boost::histogram::make_histogram_with(std::vector<std::uint64_t>(), make_axis())) histogram_ =
        boost::histogram::make_histogram_with(std::vector<std::uint64_t>(), make_axis());
    std::uint64_t messages_ = 0;
    double sum_ = 0;
    double min_ = std::numeric_limits<double>::max();
    double max_ = 0;
};

}  // namespace benchmark

#endif
