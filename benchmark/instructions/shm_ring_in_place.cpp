// Distributed under the Boost Software License, Version 1.0.
#include "loop.hpp"

#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

// 64 bytes, of which only the first 8 are touched.
int main(int argc, char** argv)
{
    auto ends = strait::channel<message<64>, strait::shm_ring<>>::make_pair({.capacity = 1024}).split();
    auto& out = ends.first;
    auto& in = ends.second;
    return loop(argc, argv, [&](std::uint64_t i) {
        auto claimed = out.claim();
        claimed->front() = i;
        claimed.commit();
        return in.borrow()->front() == i;
    });
}
