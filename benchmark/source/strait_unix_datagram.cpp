// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/unix_datagram.hpp>

namespace benchmark {

std::vector<benchmark_case> unix_datagram_cases()
{
    return kernel_cases<strait::unix_datagram, 65'536>("unix datagram", "unix_datagram");
}

}  // namespace benchmark
