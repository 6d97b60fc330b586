// control: the same without a name
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/anonymous_pipe.hpp>

static_assert(strait::byte_transport<strait::anonymous_pipe>);

void tell() { strait::channel<int, strait::anonymous_pipe>::make_pair().split().first.send(1); }
