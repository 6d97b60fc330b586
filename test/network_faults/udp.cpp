// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/udp.hpp>

#include <support/messages.hpp>
#include <support/udp_proxy.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <set>
#include <string>

namespace network_faults_udp {

using namespace strait;
using namespace std::chrono_literals;

namespace {

using text_end = udp::receiver_end<detail::codec<std::string>::layout>;

struct fixture {
    support::watchdog watchdog;
    text_end in = text_end::open("127.0.0.1:0", {}, "test").value();
    support::udp_proxy proxy{in.port()};
    std::set<std::uint64_t> came;
    std::uint64_t wrong = 0;  // torn, or there already
    std::uint64_t overtaken = 0;

    // Sends with so many on their way, and takes what comes.
    void run(std::uint64_t count)
    {
        sender<std::string, udp> out(proxy.where());
        for (std::uint64_t i = 0; i != count; ++i) {
            out.send(support::make_text(i));
            take(i % 16 == 15 ? deadline::after(20ms) : deadline::poll());
        }
        BOOST_TEST(!!out.close());
        while (take(deadline::after(200ms))) {
        }
    }

    bool take(deadline until)
    {
        bool any = false;
        for (; auto const m = in.peek(any ? deadline::poll() : until); any = true) {
            std::string_view const text(reinterpret_cast<char const*>(m->data()), m->size());
            auto const n = support::origin_of(text).sequence;
            overtaken += !came.empty() && n < *came.rbegin();
            wrong += !support::is_whole(text) || !came.insert(n).second;
            in.release();
        }
        return any;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(faults_of_udp, fixture)

BOOST_AUTO_TEST_CASE(through_a_good_network_everything_comes)
{
    run(500);
    BOOST_TEST(came.size() == 500U);
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(in.stats().dropped == 0U);
}

BOOST_AUTO_TEST_CASE(what_the_network_drops_is_missing_and_counted)
{
    proxy->dropped = 200;
    run(1'000);
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(proxy->lost > 100U);
    BOOST_TEST(came.size() < 1'000U);
    // What was lost before the first that came, or behind the last, nobody can count.
    BOOST_TEST(came.size() + in.stats().dropped <= 1'000U);
    BOOST_TEST(came.size() + in.stats().dropped >= *came.rbegin() - *came.begin() + 1);
}

BOOST_AUTO_TEST_CASE(what_the_network_doubles_comes_once)
{
    proxy->doubled = 500;
    run(1'000);
    BOOST_TEST(proxy->passed > 1'200U);
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(came.size() == 1'000U);
}

BOOST_AUTO_TEST_CASE(what_the_network_turns_round_comes_late_but_whole_and_once)
{
    proxy->late = 300;
    run(1'000);
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(overtaken > 50U);
    BOOST_TEST(came.size() == 1'000U);
    BOOST_TEST(in.stats().dropped == 0U);
}

BOOST_AUTO_TEST_CASE(all_of_it_at_once_tears_and_doubles_nothing)
{
    proxy->dropped = 100;
    proxy->doubled = 100;
    proxy->late = 200;
    run(2'000);
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(came.size() > 1'000U);
    BOOST_TEST(came.size() + in.stats().dropped >= *came.rbegin() - *came.begin() + 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace network_faults_udp
