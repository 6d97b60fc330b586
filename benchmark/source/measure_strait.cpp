// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"

#include <iterator>

int main(int argc, char** argv)
{
    using namespace benchmark;
    std::vector<benchmark_case> all;
    for (auto const cases : {shm_ring_cases, shm_ring_in_place_cases, shm_broadcast_cases, sealed_memory_cases, anonymous_pipe_cases,
                             named_pipe_cases, posix_mqueue_cases, sysv_mqueue_cases, unix_datagram_cases,
                             unix_seqpacket_cases, unix_stream_cases, tcp_cases, acknowledged_cases, udp_cases,
                             realtime_signal_cases, in_process_cases, rpc_cases, serialization_cases}) {
        auto some = cases();
        all.insert(all.end(), std::move_iterator(some.begin()), std::move_iterator(some.end()));
    }
    return run_program(argc, argv, all);
}
