// Distributed under the Boost Software License, Version 1.0.

#include "points.hpp"

#include <strait/channel.hpp>
#include <strait/select.hpp>
#include <strait/transport/shm_ring.hpp>

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace wakes_selectors {

BOOST_AUTO_TEST_SUITE(wakes_selectors)

// Each ring must know that the thread sleeps, and the kernel is asked for one fence for all of them.
BOOST_AUTO_TEST_CASE(a_selector_that_sleeps_makes_few_fences_however_many_rings_it_has)
{
    support::watchdog const bound;
    using channel = strait::channel<std::uint64_t, strait::shm_ring<>>;
    std::vector<std::pair<channel::sender, channel::receiver>> ends;
    strait::selector all;
    for (int i = 0; i != 60; ++i)
        ends.push_back(channel::make_pair({.capacity = 8}).split());
    for (auto& [out, in] : ends)
        all.add(in);
    auto const before = wakes::fences();
    for (int i = 0; i != 5; ++i)
        BOOST_TEST((all.wait(strait::deadline::after(std::chrono::milliseconds(1))).error() == strait::errc::timed_out));
    BOOST_TEST(wakes::fences() - before <= 20U);
    ends[41].first.send(1);
    BOOST_TEST(all.wait().value().index == 41U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace wakes_selectors
