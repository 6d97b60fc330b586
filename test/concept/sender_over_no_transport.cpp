// expect: strait: the second argument must be a transport, such as strait::shm_ring<>
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>

struct pigeon {};

void tell() { strait::sender<int, pigeon> out{"trades"}; }
