// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/packed.hpp>
#include <strait/transport/posix_mqueue.hpp>

namespace benchmark {

std::vector<benchmark_case> posix_mqueue_cases()
{
    auto all = kernel_cases<strait::posix_mqueue, 4096>("mqueue", "mqueue");
    auto packed = kernel_cases<strait::packed<strait::posix_mqueue>, 4096>("mqueue", "mqueue");
    all.insert(all.end(), packed.begin(), packed.end());
    return all;
}

}  // namespace benchmark
