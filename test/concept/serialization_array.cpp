// expect: strait cannot send this type
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

using numbers = int[4];  // a C array cannot be returned: std::array can, and so can a struct with the array in it

static_assert(strait::detail::require_serializable<numbers>());
