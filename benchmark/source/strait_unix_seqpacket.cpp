// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/unix_seqpacket.hpp>

namespace benchmark {

std::vector<benchmark_case> unix_seqpacket_cases()
{
    return kernel_cases<strait::unix_seqpacket, 65'536>("unix seqpacket", "unix_seqpacket");
}

}  // namespace benchmark
