// expect: there is no ring for this topology here
// Distributed under the Boost Software License, Version 1.0.
#include <strait/transport/shm_ring.hpp>

struct torus {};

strait::shm_ring<torus>::options how;
