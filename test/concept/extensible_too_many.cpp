// expect: strait: extensible says more members than this aggregate has
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

struct order {
    int id;
    double price;
};
template <>
inline constexpr std::size_t strait::extensible<order> = 3;

constexpr auto fingerprint = strait::serializer<order>::fingerprint;
