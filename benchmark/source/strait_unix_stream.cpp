// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/unix_stream.hpp>

namespace benchmark {

std::vector<benchmark_case> unix_stream_cases()
{
    return kernel_cases<strait::unix_stream, 4'194'304>("unix socket", "unix_stream");
}

}  // namespace benchmark
