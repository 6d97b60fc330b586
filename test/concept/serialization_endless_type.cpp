// expect: strait cannot send this type
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

#include <vector>

struct sets : std::vector<sets> {};  // no aggregate on the way round, so nobody would count the depth

static_assert(strait::detail::require_serializable<sets>());
