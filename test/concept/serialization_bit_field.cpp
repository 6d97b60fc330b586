// expect: strait cannot send this type
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

struct flags {
    unsigned a : 3;
    unsigned b : 5;
};

static_assert(strait::detail::require_serializable<flags>());
