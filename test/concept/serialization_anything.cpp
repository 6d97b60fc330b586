// expect: include an adapter from strait/serialization/
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

#include <any>
#include <map>
#include <string>

static_assert(strait::detail::require_serializable<std::map<std::string, std::any>>());
