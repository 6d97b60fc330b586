// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_PING_PONG_HPP
#define STRAIT_BENCHMARK_PING_PONG_HPP

#include "clock.hpp"
#include "contestant.hpp"
#include "histogram.hpp"
#include "meeting.hpp"
#include "shared.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace benchmark {

namespace detail {

inline constexpr double warm_up = 0.1;  // of the time

struct ping_pong_result {
    meeting opened{2};
    meeting finished{2};
    latency_histogram::counts latency;
    double seconds;
};

inline void require_sequence(std::uint64_t seen, std::uint64_t expected)
{
    if (seen != expected) [[unlikely]]
        throw broken_channel(seen == sequence::torn
                                 ? "a message is torn, or the stream has ended"
                                 : "message " + std::to_string(seen) + " came instead of " + std::to_string(expected));
}

template <contestant C>
void ping(typename C::line& there, typename C::line& back, double seconds, ping_pong_result& result)
{
    typename C::sender out(there);
    typename C::receiver in(back);
    latency_histogram latency;
    std::uint64_t next = 0;
    auto const round_trip = [&] {
        std::uint64_t const before = ticks_before();
        out.send(next);
        flush(out);
        std::uint64_t const seen = in.receive();
        std::uint64_t const after = ticks_after();
        require_sequence(seen, next);
        ++next;
        return static_cast<double>(after - before);
    };
    result.opened.arrive_and_wait();

    tick_length const tick;
    auto const part_of = [begin = now(), seconds](double part) {
        return begin + static_cast<std::int64_t>(part * seconds * 1e9);
    };
    for (auto const end = part_of(warm_up); now() < end;)
        round_trip();
    double const half_tick = tick.nanoseconds() / 2;
    auto const begin = now();
    auto const end = part_of(1);
    do
        latency.add(round_trip() * half_tick);
    while (now() < end);
    result.seconds = static_cast<double>(now() - begin) * 1e-9;
    latency.save(result.latency);
    out.send(sequence::stop);
    flush(out);
    in.receive();
    result.finished.arrive_and_wait();
}

template <contestant C>
void pong(typename C::line& there, typename C::line& back, ping_pong_result& result)
{
    typename C::receiver in(there);
    typename C::sender out(back);
    result.opened.arrive_and_wait();
    for (std::uint64_t expected = 0, seen = 0; seen != sequence::stop; ++expected) {
        seen = in.receive();
        if (seen != sequence::stop)
            require_sequence(seen, expected);
        out.send(seen);
        flush(out);
    }
    result.finished.arrive_and_wait();
}

}  // namespace detail

/// The latency of a contestant: half of each round trip over two lines.
template <contestant C>
outcome ping_pong(request const& r)
{
    typename C::line there(setup{r.size, 1, 1, 1, 0});
    typename C::line back(setup{r.size, 1, 1, 1, 1});
    shared<detail::ping_pong_result> result;
    run_ends<C>(
        {[&] { detail::ping<C>(there, back, r.seconds, *result); }, [&] { detail::pong<C>(there, back, *result); }}, r);
    outcome o;
    o.messages = 2 * result->latency.messages;
    o.seconds = result->seconds;
    o.latency = latency_histogram::summary(result->latency);
    return o;
}

}  // namespace benchmark

#endif
