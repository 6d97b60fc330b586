// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>

namespace benchmark {

namespace {

template <class Overflow>
using ring = strait::shm_ring<strait::broadcast<Overflow>>;

template <class Overflow>
case_info info_of(char const* how)
{
    case_info info{std::string("strait/shm_ring_broadcast/") + Overflow::name,
                   "strait",
                   "shared memory",
                   "spin",
                   std::string("strait shm_ring<broadcast<") + Overflow::name + ">>",
                   std::string("one receiver; default capacity; ") + how};
    info.limit = "limit/cache_line";
    return info;
}

benchmark_case losing()
{
    case_info info = info_of<strait::lossy>("send() and receive(), which poll for 30 us and then sleep");
    info.measures = {measure::latency};  // what a sender at full speed has overwritten is no throughput
    return sized_case<copied<ring<strait::lossy>, false>::template of>(info);
}

benchmark_case keeping()
{
    case_info info = info_of<strait::lossless>("send() and receive(), which poll for 30 us and then sleep");
    info.batches = {1, 64};
    return sized_case<copied<ring<strait::lossless>, false>::template of>(info);
}

}  // namespace

std::vector<benchmark_case> shm_broadcast_cases() { return {losing(), keeping()}; }

}  // namespace benchmark
