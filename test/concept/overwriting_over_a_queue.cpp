// expect: no matching function for call to 'publish
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/posix_mqueue.hpp>

// A program that must not be held up asks for it; control_broadcast.cpp has a transport that does it.
template <strait::transport X>
    requires(!X::guarantees.bounded && X::guarantees.delivery == strait::delivery_mode::each_to_all)
void publish(strait::sender<int, X>& out)
{
    out.send(1);
}

void tell(strait::sender<int, strait::posix_mqueue>& out) { publish(out); }
