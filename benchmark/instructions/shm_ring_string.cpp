// Distributed under the Boost Software License, Version 1.0.
#include "loop.hpp"

#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

#include <string>

// 40 bytes of a varying length, copied into a string whose memory is reused.
int main(int argc, char** argv)
{
    auto ends = strait::channel<std::string, strait::shm_ring<>>::make_pair({.capacity = 1 << 16}).split();
    auto& out = ends.first;
    auto& in = ends.second;
    std::string const sent(40, 'x');
    std::string received;
    return loop(argc, argv, [&](std::uint64_t) {
        out.send(sent);
        return in.receive(received) && received.size() == sent.size();
    });
}
