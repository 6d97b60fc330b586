// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/sysv_mqueue.hpp>

namespace benchmark {

std::vector<benchmark_case> sysv_mqueue_cases() { return kernel_cases<strait::sysv_mqueue, 4096>("sysv queue", "sysv"); }

}  // namespace benchmark
