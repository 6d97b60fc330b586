// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/acknowledged.hpp>
#include <strait/transport/tcp.hpp>

namespace benchmark {

// Beside the same loops as plain tcp, which promise less.
std::vector<benchmark_case> acknowledged_cases()
{
    return kernel_cases<strait::acknowledged<strait::tcp>, 4'194'304>("tcp", "tcp", "acknowledged_tcp");
}

}  // namespace benchmark
