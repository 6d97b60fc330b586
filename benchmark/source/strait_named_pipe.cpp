// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/named_pipe.hpp>

namespace benchmark {

std::vector<benchmark_case> named_pipe_cases() { return kernel_cases<strait::named_pipe, 4096>("pipe", "pipe"); }

}  // namespace benchmark
