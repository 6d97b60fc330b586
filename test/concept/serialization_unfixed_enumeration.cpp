// expect: strait cannot send this type
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

enum color { red, green };

static_assert(strait::detail::require_serializable<color>());
