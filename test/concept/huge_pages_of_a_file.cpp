// expect: huge_pages<> of posix_memory or sysv_memory
// Distributed under the Boost Software License, Version 1.0.
#include <strait/transport/huge_pages.hpp>
#include <strait/transport/mapped_file.hpp>
#include <strait/transport/shm_ring.hpp>

strait::shm_ring<strait::spsc, strait::adaptive, strait::huge_pages<strait::mapped_file>>::options how;
