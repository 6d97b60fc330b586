// expect: broadcast<lossy>, broadcast<latest> and broadcast<lossless> in
// Distributed under the Boost Software License, Version 1.0.
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>

struct newest_first {};

strait::shm_ring<strait::broadcast<newest_first>>::options how;
