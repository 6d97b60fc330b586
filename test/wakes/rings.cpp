// Distributed under the Boost Software License, Version 1.0.

#include "exchange.hpp"

#include <support/typed_case.hpp>

#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>

namespace wakes_rings {

namespace {

using namespace wakes;

using scenes = std::tuple<scene<ring<strait::spsc>, std::uint64_t, 1, 1>, scene<ring<strait::spsc>, std::string, 1, 1>,
                          scene<ring<strait::mpsc>, std::uint64_t, 1, 1>, scene<ring<strait::mpsc>, std::uint64_t, 3, 1>,
                          scene<ring<strait::mpmc>, std::uint64_t, 2, 2>, scene<ring<lossless>, std::uint64_t, 1, 2, true>>;

}  // namespace

BOOST_AUTO_TEST_SUITE(wakes_rings)

TYPED_CASE(no_wake_up_is_left_to_a_slice, S, scenes)
{
    wakes::exchange<S>(600, {.capacity = std::is_same_v<typename S::type, std::string> ? 256U : 4U});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace wakes_rings
