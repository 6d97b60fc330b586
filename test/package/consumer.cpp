// Distributed under the Boost Software License, Version 1.0.
// The program that every way of using the package builds and runs.
#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

#include <cstdint>
#include <iostream>

struct trade {
    std::uint64_t id;
    double price;
};

int main()
{
    auto [out, in] = strait::channel<trade, strait::shm_ring<>>::make_pair().split();
    out.send({7, 99.5});
    auto const received = in.receive();
    std::cout << "trade " << received->id << " at " << received->price << '\n';
}
