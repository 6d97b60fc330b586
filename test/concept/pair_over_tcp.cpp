// expect: strait: this transport has no nameless channels (guarantees.nameless): open both ends by an endpoint
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/tcp.hpp>

void split() { auto both = strait::channel<int, strait::tcp>::make_pair(); }
