// expect: strait: no connection can be made over this transport
// Distributed under the Boost Software License, Version 1.0.
#include <strait/connection.hpp>
#include <strait/transport/posix_mqueue.hpp>

void connect() { strait::connection<int, int, strait::posix_mqueue> c{"counter"}; }
