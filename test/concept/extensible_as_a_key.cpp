// expect: leave extensible types out of the keys of sets and maps
// shows: std::map<order, int
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

#include <map>

struct order {
    int id;
    auto operator<=>(order const&) const = default;
};
template <>
inline constexpr std::size_t strait::extensible<order> = 1;

static_assert(strait::detail::require_serializable<std::map<order, int>>());
