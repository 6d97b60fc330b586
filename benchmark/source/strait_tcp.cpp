// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/tcp.hpp>

namespace benchmark {

std::vector<benchmark_case> tcp_cases() { return kernel_cases<strait::tcp, 4'194'304>("tcp", "tcp"); }

}  // namespace benchmark
