// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/posix_mqueue.hpp>

namespace benchmark {

std::vector<benchmark_case> posix_mqueue_cases()
{
    return kernel_cases<strait::posix_mqueue, 4096>("mqueue", "mqueue");
}

}  // namespace benchmark
