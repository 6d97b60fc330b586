// expect: strait: messages of this type vary in size, and this transport takes only types of one size (guarantees.fixed_size_only)
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/realtime_signal.hpp>

#include <string>

void tell() { strait::sender<std::string, strait::realtime_signal> out{"names"}; }
