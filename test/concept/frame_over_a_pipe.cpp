// expect: strait: this message type is larger than the transport takes (guarantees.max_message_size): split it
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/named_pipe.hpp>

struct frame {
    char pixels[640 * 480];
};

void tell() { strait::sender<frame, strait::named_pipe> out{"frames"}; }
