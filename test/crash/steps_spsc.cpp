// Distributed under the Boost Software License, Version 1.0.

#include "steps.hpp"

#include <support/watchdog.hpp>

namespace crash_steps_spsc {

namespace {

using one_size = crash::subject<strait::spsc, support::probe>;
using sizes_vary = crash::subject<strait::spsc, std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_steps_spsc, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_death_after_any_instruction_of_a_ring_of_slots_costs_nobody_else_anything)
{
    crash::kill_at_instructions<one_size>();
}

BOOST_AUTO_TEST_CASE(a_death_after_any_instruction_of_a_ring_of_records_costs_nobody_else_anything)
{
    crash::kill_at_instructions<sizes_vary>();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_steps_spsc
