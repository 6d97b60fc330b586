// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/packed.hpp>
#include <strait/transport/sysv_mqueue.hpp>

namespace benchmark {

std::vector<benchmark_case> sysv_mqueue_cases()
{
    auto all = kernel_cases<strait::sysv_mqueue, 4096>("sysv queue", "sysv");
    auto packed = kernel_cases<strait::packed<strait::sysv_mqueue>, 4096>("sysv queue", "sysv");
    all.insert(all.end(), packed.begin(), packed.end());
    return all;
}

}  // namespace benchmark
