// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/shm_ring.hpp>

namespace benchmark {

namespace {

template <class Wait>
benchmark_case claiming()
{
    case_info info{std::string("strait/shm_ring/") + Wait::name + "/in_place",
                   "strait",
                   "shared memory",
                   "spin",
                   std::string("strait shm_ring in place, ") + Wait::name,
                   "default capacity; claim() and borrow(), of which 8 bytes are touched"};
    info.bare = "bare/ring";
    info.limit = "limit/cache_line";
    return sized_case<in_place<strait::shm_ring<strait::spsc, Wait>>::template of>(info);
}

template <bool InPlace>
benchmark_case strings(char const* name, char const* title, char const* how)
{
    case_info info{name,   "strait", "shared memory",
                   "spin", title,    std::string("adaptive, 1 MiB, for large messages 8 of them; std::string, ") + how};
    info.bare = "bare/ring";
    info.limit = "limit/cache_line";
    return strings_case<strait::shm_ring<>, InPlace>(info);
}

}  // namespace

std::vector<benchmark_case> shm_ring_in_place_cases()
{
    return {
        claiming<strait::busy_spin>(),
        claiming<strait::adaptive>(),
        strings<false>("strait/shm_ring/strings", "strait shm_ring, strings", "receive() into one that is reused"),
        strings<true>("strait/shm_ring/strings/in_place", "strait shm_ring, strings read in place",
                      "send(), and borrow() as std::string_view of which 16 bytes are read"),
    };
}

}  // namespace benchmark
