// expect: default-constructible, at most 64, no pointers, no base class
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

struct header {
    int version;
};
struct packet : header {
    int content;
};

static_assert(strait::detail::require_serializable<packet>());
