// expect: strait: the second argument of channel must be a transport, such as strait::shm_ring<>
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>

using feed = strait::channel<int, int>;

void tell() { feed::sender out{"trades"}; }
