// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_STRAIT_CASES_HPP
#define STRAIT_BENCHMARK_STRAIT_CASES_HPP

#include "case.hpp"
#include "sizes.hpp"
#include "strait_line.hpp"
#include <strait/transport.hpp>

#include <string>
#include <vector>

namespace benchmark {

// A translation unit for each: together they would be compiled for minutes.
std::vector<benchmark_case> shm_ring_cases();
std::vector<benchmark_case> shm_ring_in_place_cases();
std::vector<benchmark_case> shm_broadcast_cases();
std::vector<benchmark_case> sealed_memory_cases();
std::vector<benchmark_case> anonymous_pipe_cases();
std::vector<benchmark_case> named_pipe_cases();
std::vector<benchmark_case> posix_mqueue_cases();
std::vector<benchmark_case> sysv_mqueue_cases();
std::vector<benchmark_case> unix_datagram_cases();
std::vector<benchmark_case> unix_seqpacket_cases();
std::vector<benchmark_case> unix_stream_cases();
std::vector<benchmark_case> tcp_cases();
std::vector<benchmark_case> acknowledged_cases();
std::vector<benchmark_case> udp_cases();
std::vector<benchmark_case> realtime_signal_cases();
std::vector<benchmark_case> in_process_cases();
std::vector<benchmark_case> rpc_cases();
std::vector<benchmark_case> serialization_cases();

template <class X, bool Polled>
struct copied {
    template <std::size_t N>
    using of = strait_copy<X, Polled, N>;
};

template <class X>
struct in_place {
    template <std::size_t N>
    using of = strait_in_place<X, N>;
};

/// Strings of any size: nothing of them is known when they are compiled.
template <class X, bool InPlace>
benchmark_case strings_case(case_info info)
{
    return {std::move(info), [](request const& r) {
                using contestant = strait_strings<X, InPlace>;
                return r.what == measure::latency ? ping_pong<contestant>(r) : throughput<contestant>(r);
            }};
}

/// A kernel transport: blocking and polled, fixed size and strings. `bare` is the name of its hand-written loop.
template <class X, std::size_t Max>
std::vector<benchmark_case> kernel_cases(std::string const& family, std::string const& bare, std::string const& own = X::guarantees.name)
{
    std::string const name = "strait/" + own;
    std::string const title = std::string("strait ") + X::guarantees.name;
    unsigned const senders = X::guarantees.senders == strait::multiplicity::many ? 2 : 1;
    unsigned const receivers = X::guarantees.receivers == strait::multiplicity::many ? 2 : 1;
    std::vector<benchmark_case> all;

    case_info info{
        name + "/block", "strait", family, "block", title + ", blocking", "default options; send() and receive()"};
    info.bare = "bare/" + bare + "/block";
    info.limit = "limit/futex";
    info.batches = {1, 64};
    info.max_senders = senders;
    info.max_receivers = receivers;
    all.push_back(sized_case<copied<X, false>::template of, Max>(info));

    case_info polled = info;
    polled.name = name + "/spin";
    polled.waiting = "spin";
    polled.title = title + ", polled";
    polled.settings = "default options; send(), and try_receive() in a loop";
    polled.bare = "bare/" + bare + "/spin";
    polled.limit = "limit/cache_line";
    all.push_back(sized_case<copied<X, true>::template of, Max>(polled));

    if constexpr (X::guarantees.fixed_size_only)
        return all;
    else {
        case_info strings = info;
        strings.name = name + "/strings";
        strings.title = title + ", strings";
        strings.settings =
            "options.max_message_size as the messages need; std::string, receive() into one that is reused";
        strings.batches = {1};
        strings.max_size = Max == 4096 ? 4088 : Max;
        all.push_back(strings_case<X, false>(strings));
        return all;
    }
}

}  // namespace benchmark

#endif
