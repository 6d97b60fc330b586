// expect: strait cannot send this type: specialise strait::serializer for it, make it an aggregate of supported members
// shows: symbol
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/unix_stream.hpp>

struct trade {
    char const* symbol;
    double price;
};

void tell() { strait::sender<trade, strait::unix_stream> out{"trades"}; }
