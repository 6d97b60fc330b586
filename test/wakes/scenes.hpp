// Distributed under the Boost Software License, Version 1.0.
#ifndef WAKES_SCENES_HPP
#define WAKES_SCENES_HPP

#include "points.hpp"

#include <strait/receiver.hpp>
#include <strait/sender.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_mqueue.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <type_traits>

namespace wakes {

template <class X, class T, int Senders, int Receivers, bool ToEach = false>
struct scene {
    using transport = X;
    using type = T;
    static constexpr int senders = Senders;
    static constexpr int receivers = Receivers;
    static constexpr bool to_each = ToEach;
};

struct sleeping {
    static constexpr char const* name = "sleeping";
    static constexpr bool sleeps = true;
    static constexpr std::int64_t spin_nanoseconds = 0;
};
template <class Topology>
using ring = strait::shm_ring<Topology, sleeping>;
using lossless = strait::broadcast<strait::lossless>;

template <class T>
T message_of(std::uint64_t i)
{
    if constexpr (std::is_same_v<T, std::string>)
        return std::string(i % 150, 'x');
    else
        return i;
}

}  // namespace wakes

#endif
