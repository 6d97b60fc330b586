// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/shm_ring.hpp>

struct trade {
    char symbol[8];
    double price;
};

void tell()
{
    auto both = strait::channel<trade, strait::shm_ring<>>::make_pair();
    strait::sender<trade, strait::named_pipe> out{"trades"};
}

int descriptor(strait::receiver<trade, strait::named_pipe>& in) { return in.native_handle(); }
