// expect: strait: this message type holds descriptors, which this transport cannot carry (guarantees.passes_handles)
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/sealed_memory.hpp>
#include <strait/unique_fd.hpp>

// The receiver copies what it gets out of memory, and a descriptor is not there.
void tell() { strait::sender<strait::unique_fd, strait::sealed_memory> out{"files"}; }
