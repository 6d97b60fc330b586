// expect: native_handle
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

// Memory has no descriptor to poll; control_ends.cpp has a transport that does.
int descriptor(strait::receiver<int, strait::shm_ring<>>& in) { return in.native_handle(); }
