// expect: strait: this message type is larger than the transport takes (guarantees.max_message_size): split it
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/realtime_signal.hpp>

struct trade {
    long id;
    double price;
};

void tell() { strait::sender<trade, strait::realtime_signal> out{"trades"}; }
