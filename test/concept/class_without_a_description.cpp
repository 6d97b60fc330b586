// expect: strait: this class is not described: use BOOST_DESCRIBE_CLASS in it, or BOOST_DESCRIBE_STRUCT after it
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>
#include <strait/serialization/boost_describe.hpp>

class account {
    int balance_ = 0;
};

template <>
struct strait::serializer<account> : strait::described<account> {};

static_assert(strait::detail::require_serializable<account>());
