// expect: strait: a pair gives both ends away: write std::move(pair).split()
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

using numbers = strait::channel<int, strait::shm_ring<>>;

void take()
{
    auto ends = numbers::make_pair();
    auto [out, in] = ends.split();
}
