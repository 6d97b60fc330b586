// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/mapped_file.hpp>
#include <strait/transport/prefaulted.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_memory.hpp>

#include <cstdint>

namespace benchmark {

namespace {

/// Sleeps at once: what a wake-up costs, without polling that saves it.
struct asleep {
    static constexpr char const* name = "asleep";
    static constexpr bool sleeps = true;
    static constexpr std::int64_t spin_nanoseconds = 0;
};
static_assert(strait::waiting_strategy<asleep>);

benchmark_case sleeping()
{
    case_info info{"strait/shm_ring/asleep",
                   "strait",
                   "shared memory",
                   "block",
                   "strait shm_ring, asleep",
                   "default capacity; send() and receive(), which sleep without polling first"};
    info.limit = "limit/futex";
    return sized_case<copied<strait::shm_ring<strait::spsc, asleep>, false>::template of>(info);
}

template <class Wait>
benchmark_case copying(char const* how)
{
    case_info info{std::string("strait/shm_ring/") + Wait::name,
                   "strait",
                   "shared memory",
                   "spin",
                   std::string("strait shm_ring, ") + Wait::name,
                   std::string("default capacity; ") + how};
    info.bare = "bare/ring";
    info.limit = "limit/cache_line";
    info.batches = {1, 64};
    return sized_case<copied<strait::shm_ring<strait::spsc, Wait>, false>::template of>(info);
}

/// The same ring in other memory.
template <class Memory>
benchmark_case lying_in()
{
    case_info info{std::string("strait/shm_ring/busy_spin/") + Memory::name,
                   "strait",
                   "shared memory",
                   "spin",
                   std::string("strait shm_ring in ") + Memory::name,
                   "default capacity; send() and receive(), which poll"};
    info.bare = "bare/ring";
    info.limit = "limit/cache_line";
    return sized_case<copied<strait::shm_ring<strait::spsc, strait::busy_spin, Memory>, false>::template of>(info);
}

template <class Wait>
benchmark_case lanes(char const* how)
{
    case_info info{std::string("strait/shm_ring_mpsc/") + Wait::name,
                   "strait",
                   "shared memory",
                   "spin",
                   std::string("strait shm_ring<mpsc>, ") + Wait::name,
                   std::string("default capacity of each lane; ") + how};
    info.bare = "bare/ring";
    info.limit = "limit/cache_line";
    info.batches = {1, 64};
    info.max_senders = 2;
    return sized_case<copied<strait::shm_ring<strait::mpsc, Wait>, false>::template of>(info);
}

template <class Wait>
benchmark_case many(char const* how)
{
    case_info info{std::string("strait/shm_ring_mpmc/") + Wait::name,
                   "strait",
                   "shared memory",
                   "spin",
                   std::string("strait shm_ring<mpmc>, ") + Wait::name,
                   std::string("default capacity; ") + how};
    info.limit = "limit/cache_line";
    info.max_senders = info.max_receivers = 2;
    return sized_case<copied<strait::shm_ring<strait::mpmc, Wait>, false>::template of>(info);
}

}  // namespace

std::vector<benchmark_case> shm_ring_cases()
{
    return {
        copying<strait::busy_spin>("send() and receive(), which poll"),
        copying<strait::yielding>("send() and receive(), which poll and yield"),
        copying<strait::adaptive>("send() and receive(), which poll for 30 us and then sleep"),
        sleeping(),
        lying_in<strait::mapped_file>(),
        lying_in<strait::sysv_memory>(),
        lying_in<strait::prefaulted<strait::posix_memory>>(),
        lanes<strait::busy_spin>("send() and receive(), which poll"),
        lanes<strait::adaptive>("send() and receive(), which poll for 30 us and then sleep"),
        many<strait::yielding>("send() and receive(), which poll and yield"),
        many<strait::adaptive>("send() and receive(), which poll for 30 us and then sleep"),
    };
}

}  // namespace benchmark
