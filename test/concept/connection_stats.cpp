// expect: strait: a connection has two ends
// Distributed under the Boost Software License, Version 1.0.
#include <strait/connection.hpp>
#include <strait/transport/unix_stream.hpp>

auto count(strait::connection<int, int, strait::unix_stream>& c) { return c.stats(); }
