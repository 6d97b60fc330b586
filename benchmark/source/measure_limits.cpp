// Distributed under the Boost Software License, Version 1.0.
#include "limit_lines.hpp"
#include "limit_memcpy.hpp"
#include "sizes.hpp"

namespace benchmark {
namespace {

// The same at every size: a message cannot take less, however large it is.
template <contestant C>
benchmark_case latency_case(case_info info)
{
    info.measures = {measure::latency};
    return {std::move(info), [](request const& r) { return ping_pong<C>(r); }};
}

std::vector<benchmark_case> cases()
{
    return {
        latency_case<cache_line<true>>(
            {"limit/cache_line", "limit", "shared memory", "spin", "a cache line, polled every 20 ns",
             "8 bytes in one cache line for each direction, polled about every 20 ns as strait's rings "
             "do; the size is not carried"}),
        latency_case<cache_line<false>>(
            {"limit/cache_line_unpaced", "limit", "shared memory", "spin", "a cache line, polled back to back",
             "8 bytes in one cache line for each direction, polled without pause; the size is not carried"}),
        latency_case<futex_line>(
            {"limit/futex", "limit", "shared memory", "block", "futex sleep and wake",
             "one FUTEX_WAKE and one FUTEX_WAIT for each 8 bytes, no polling; the size is not carried"}),
        sized_case<memcpy_stream>(
            {"limit/memcpy", "limit", "shared memory", "spin", "memcpy between the cores",
             "copied into and out of 1 MiB (8 MiB for messages from 64 KiB) of shared memory in pieces of "
             "16 KiB at both ends at once, announced by one word for each piece"}),
    };
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
