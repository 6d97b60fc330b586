// expect: strait cannot send this type: specialise strait::serializer for it, make it an aggregate of supported members
// shows: arguments
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

#include <string>
#include <vector>

struct session {
    std::string name;
    std::vector<char const*> arguments;
};

static_assert(strait::detail::require_serializable<session>());
