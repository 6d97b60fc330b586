// expect: strait cannot send this type
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

#include <string_view>

struct line {
    int number;
    std::string_view text;  // points into memory of the sender
};

static_assert(strait::detail::require_serializable<line>());
