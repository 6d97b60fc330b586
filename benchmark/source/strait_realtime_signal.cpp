// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/realtime_signal.hpp>

namespace benchmark {

std::vector<benchmark_case> realtime_signal_cases()
{
    return kernel_cases<strait::realtime_signal, 8>("signal", "signal");
}

}  // namespace benchmark
