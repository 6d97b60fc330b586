// expect: strait cannot send this type: specialise strait::serializer for it, make it an aggregate of supported members
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>
#include <strait/serialization/boost_describe.hpp>

#include <boost/describe/class.hpp>

class account {
    int* balance_ = nullptr;
    BOOST_DESCRIBE_CLASS(account, (), (), (), (balance_))
};

template <>
struct strait::serializer<account> : strait::described<account> {};

static_assert(strait::detail::require_serializable<account>());
