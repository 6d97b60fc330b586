// expect: strait: there is no channel object
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

using numbers = strait::channel<int, strait::shm_ring<>>;

void open() { numbers c; }
