// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/udp.hpp>

namespace benchmark {

std::vector<benchmark_case> udp_cases()
{
    auto all = kernel_cases<strait::udp, 4096>("udp", "udp");
    for (benchmark_case& c : all)
        c.info.max_senders = 1;  // a window is for one
    return all;
}

}  // namespace benchmark
