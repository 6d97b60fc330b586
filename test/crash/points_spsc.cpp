// Distributed under the Boost Software License, Version 1.0.

#include "scenes.hpp"

#include <support/watchdog.hpp>

namespace crash_points_spsc {

namespace {

using one_size = crash::subject<strait::spsc, support::probe>;
using sizes_vary = crash::subject<strait::spsc, std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_points_spsc, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_death_at_any_point_of_a_ring_of_slots_costs_nobody_else_anything)
{
    crash::kill_everywhere<one_size>();
}

BOOST_AUTO_TEST_CASE(a_death_at_any_point_of_a_ring_of_records_costs_nobody_else_anything)
{
    crash::kill_everywhere<sizes_vary>();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_points_spsc
