// expect: strait: an anonymous pipe has no name
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/anonymous_pipe.hpp>

void tell() { strait::sender<int, strait::anonymous_pipe> out{"trades"}; }
