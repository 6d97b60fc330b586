// expect: a ring with lanes, shm_ring<mpsc>, has no huge pages in sysv_memory
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/huge_pages.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_memory.hpp>

strait::sender<int, strait::shm_ring<strait::mpsc, strait::adaptive, strait::huge_pages<strait::sysv_memory>>> out{"name"};
