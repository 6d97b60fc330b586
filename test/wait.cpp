// Distributed under the Boost Software License, Version 1.0.
#include <strait/wait.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>

using strait::deadline;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(wait)

BOOST_AUTO_TEST_CASE(poll_and_never_are_the_extremes)
{
    BOOST_TEST(deadline::poll().is_poll());
    BOOST_TEST(!deadline::poll().is_never());
    BOOST_TEST(deadline::never().is_never());
    BOOST_TEST(!deadline::never().passed());
    BOOST_TEST((deadline::poll() < deadline::after(-1h)));
    BOOST_TEST((deadline::after(1h) < deadline::never()));
}

BOOST_AUTO_TEST_CASE(a_moment_before_the_clock_began_is_not_a_poll)
{
    auto const d = deadline::at(deadline::clock::time_point(-1h));
    BOOST_TEST(!d.is_poll());
    BOOST_TEST(d.passed());
}

BOOST_AUTO_TEST_CASE(a_duration_that_does_not_fit_is_for_ever)
{
    BOOST_TEST(deadline::after(strait::infinite).is_never());
    BOOST_TEST(deadline::after(std::chrono::hours::max()).is_never());
    BOOST_TEST(deadline::after(std::chrono::duration<double>(1e300)).is_never());
    BOOST_TEST(deadline::after(std::chrono::hours::min()).passed());
}

BOOST_AUTO_TEST_CASE(after_rounds_up)
{
    auto const before = deadline::now();
    auto const d = deadline::after(std::chrono::duration<double, std::nano>(1e9 + 0.5));
    BOOST_TEST(d.nanoseconds() >= before + 1'000'000'001);
}

BOOST_AUTO_TEST_CASE(capping_takes_the_earlier)
{
    BOOST_TEST(deadline::poll().capped(1h).is_poll());
    BOOST_TEST(!deadline::never().capped(1h).is_never());
    auto const soon = deadline::after(1s);
    BOOST_TEST((soon.capped(1h) == soon));
    BOOST_TEST((soon.capped(0s) < soon));
}

BOOST_AUTO_TEST_SUITE_END()
