// Distributed under the Boost Software License, Version 1.0.

#include "steps.hpp"

#include <support/watchdog.hpp>

namespace crash_steps_mpmc {

namespace {

using one_size = crash::subject<strait::mpmc, support::probe>;
using sizes_vary = crash::subject<strait::mpmc, std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_steps_mpmc, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_death_after_any_instruction_of_a_ring_of_many_ends_costs_nobody_else_anything)
{
    crash::kill_at_instructions<one_size>();
}

BOOST_AUTO_TEST_CASE(a_death_after_any_instruction_of_a_ring_of_many_ends_whose_messages_vary_costs_nobody_else_anything)
{
    crash::kill_at_instructions<sizes_vary>();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_steps_mpmc
