// expect: the memory of shm_ring is posix_memory
// Distributed under the Boost Software License, Version 1.0.
#include <strait/transport/shm_ring.hpp>

struct core_memory {};

strait::shm_ring<strait::spsc, strait::adaptive, core_memory>::options how;
