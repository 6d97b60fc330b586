// Distributed under the Boost Software License, Version 1.0.

#include "soak.hpp"

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <iomanip>
#include <iostream>

namespace crash_soak {

namespace {

void print_head()
{
    std::cout << "kills and stops at random\n" << std::left << std::setw(32) << "";
    for (char const* column : {"rounds", "kills", "stops", "wedged", "held up", "committed", "lost", "twice", "torn", "unordered"})
        std::cout << std::right << std::setw(11) << column;
    std::cout << '\n';
}

void print(crash::soaked const& s)
{
    std::cout << std::left << std::setw(32) << s.title << std::right << std::setw(11) << s.rounds;
    for (std::uint64_t const n : {s.kills, s.stops, s.wedged, s.held_up, s.checked.committed, s.checked.lost, s.checked.twice,
                                  s.checked.torn, s.checked.unordered})
        std::cout << std::setw(11) << n;
    std::cout << "\n    went on after:  " << s.after << std::endl;
}

// What a ring promises: `lost` and `twice` at most once for each receiver killed.
void judge(crash::soaked const& s, bool may_lose, bool may_repeat)
{
    print(s);
    BOOST_TEST_CONTEXT(s.title)
    {
        BOOST_TEST(s.wedged == 0U);
        BOOST_TEST(s.held_up == 0U);
        BOOST_TEST(s.failures == 0U);
        BOOST_TEST(s.checked.lost <= (may_lose ? s.killed_receivers : 0U));
        BOOST_TEST(s.checked.twice <= (may_repeat ? s.killed_receivers : 0U));
        BOOST_TEST(s.checked.torn == 0U);
        BOOST_TEST(s.checked.unordered == 0U);
        BOOST_TEST(s.checked.unsent == 0U);
        BOOST_TEST(s.checked.received != 0U);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_soak, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_ring_survives_random_kills_and_stops_beside_the_queue_of_boost)
{
    print_head();
    judge(crash::soak_spsc_one_size(), false, true);
    judge(crash::soak_spsc_sizes_vary(), false, true);
    judge(crash::soak_mpmc_one_size(), true, false);
    judge(crash::soak_mpmc_sizes_vary(), true, false);
    crash::soaked const rival = crash::soak_message_queue();
    print(rival);  // for comparison: it does not promise to survive
    BOOST_TEST(rival.checked.received != 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_soak
