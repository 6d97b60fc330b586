// Distributed under the Boost Software License, Version 1.0.
#include <strait/wait.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>

namespace unit_wait {

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

template <class Clock, class Duration>
void check_extremes()
{
    using moment = std::chrono::time_point<Clock, Duration>;
    BOOST_TEST(strait::detail::time_left(moment::min()).count() < 0);
    BOOST_TEST((strait::detail::time_left(moment::max()) == strait::infinite));
    if constexpr (std::is_same_v<Clock, deadline::clock>) {
        BOOST_TEST(deadline::at(moment::min()).passed());
        BOOST_TEST(!deadline::at(moment::min()).is_poll());
        BOOST_TEST(deadline::at(moment::max()).is_never());
    }
}

BOOST_AUTO_TEST_CASE(extreme_moments_of_any_clock_do_not_overflow)
{
    check_extremes<std::chrono::steady_clock, std::chrono::nanoseconds>();
    check_extremes<std::chrono::steady_clock, std::chrono::hours>();
    check_extremes<std::chrono::steady_clock, std::chrono::duration<double>>();
    check_extremes<std::chrono::system_clock, std::chrono::nanoseconds>();
    check_extremes<std::chrono::system_clock, std::chrono::seconds>();
    check_extremes<std::chrono::system_clock, std::chrono::duration<std::int64_t, std::ratio<31556952>>>();
    auto const soon = strait::detail::time_left(std::chrono::system_clock::now() + 1h);
    BOOST_TEST(soon.count() > 0);
    BOOST_TEST((soon <= 1h));
}

BOOST_AUTO_TEST_CASE(no_number_is_a_duration_that_is_over)
{
    using seconds = std::chrono::duration<double>;
    BOOST_TEST(deadline::after(seconds(std::numeric_limits<double>::quiet_NaN())).passed());
    BOOST_TEST(deadline::at(std::chrono::time_point<deadline::clock, seconds>(seconds(std::numeric_limits<double>::quiet_NaN()))).passed());
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

}  // namespace unit_wait
