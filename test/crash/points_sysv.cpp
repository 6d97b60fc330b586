// Distributed under the Boost Software License, Version 1.0.

#include "scenes.hpp"

#include <strait/transport/sysv_memory.hpp>

#include <support/watchdog.hpp>

#include <iostream>

namespace crash_points_sysv {

BOOST_AUTO_TEST_SUITE(crash_points_sysv, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_death_at_any_point_of_a_ring_in_a_segment_costs_nobody_anything_and_leaves_no_segment)
{
    if (!support::has_own_ipc)
        std::cout << "SKIPPED: whether a segment is left cannot be told apart from the segments of others" << std::endl;
    crash::kill_everywhere<crash::subject<strait::spsc, support::probe, strait::sysv_memory>>(true);
    crash::kill_everywhere<crash::subject<strait::mpsc, std::string, strait::sysv_memory>>(true);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_points_sysv
