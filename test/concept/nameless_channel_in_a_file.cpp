// expect: this transport has no nameless channels
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/mapped_file.hpp>
#include <strait/transport/shm_ring.hpp>

auto pair = strait::channel<int, strait::shm_ring<strait::spsc, strait::adaptive, strait::mapped_file>>::make_pair();
