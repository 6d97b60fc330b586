// expect: strait cannot send this type
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

struct [[gnu::packed]] frame {
    char kind;
    int length;
};

static_assert(strait::detail::require_serializable<frame>());
