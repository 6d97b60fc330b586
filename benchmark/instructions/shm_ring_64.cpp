// Distributed under the Boost Software License, Version 1.0.
#include "loop.hpp"

#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

int main(int argc, char** argv)
{
    auto ends = strait::channel<message<64>, strait::shm_ring<>>::make_pair({.capacity = 1024}).split();
    auto& out = ends.first;
    auto& in = ends.second;
    return loop(argc, argv, [&](std::uint64_t i) {
        out.send({i});
        return in.receive()->front() == i;
    });
}
