// expect: strait: a type that is extensible cannot be sent as it lies in memory: it has enable_bitwise
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

struct order {
    int id;
};
template <>
inline constexpr bool strait::enable_bitwise<order> = true;
template <>
inline constexpr std::size_t strait::extensible<order> = 1;

static_assert(strait::serializable<order>);
