// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/tcp.hpp>

#include <support/child.hpp>
#include <support/messages.hpp>
#include <support/tcp_proxy.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

namespace network_faults_tcp {

using namespace strait;
using namespace std::chrono_literals;

namespace {

using text_end = tcp::receiver_end<detail::codec<std::string>::layout>;

struct fixture {
    support::watchdog watchdog;
    text_end in = text_end::open("127.0.0.1:0", {}, "test").value();
    support::tcp_proxy proxy{in.port()};

    std::string next()
    {
        auto const m = in.peek(deadline::never());
        if (!m)
            return "no message: " + m.error().message();
        std::string text(reinterpret_cast<char const*>(m->data()), m->size());
        in.release();
        return text;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(faults_of_tcp, fixture)

BOOST_AUTO_TEST_CASE(single_bytes_and_delays_are_no_faults)
{
    proxy->segment = 1;
    proxy->delay = 100;
    support::child producer([&] {
        sender<std::string, tcp> out(proxy.where());
        for (std::uint64_t i = 0; i != 200; ++i)
            out.send(support::make_text(i));
        return out.close() ? 0 : 1;
    });
    bool right = true;
    for (std::uint64_t i = 0; i != 200; ++i)
        right = next() == support::make_text(i) && right;
    BOOST_TEST(right);
    BOOST_TEST((in.peek(deadline::never()).error() == errc::closed));
    BOOST_TEST((in.ended() == end_reason::left));
    BOOST_TEST(producer.wait() == 0);
}

// Of what a plain connection takes along nobody knows: but nothing is torn, nothing comes twice, and both ends are told.
BOOST_AUTO_TEST_CASE(a_cut_is_told_to_both_ends_and_the_next_connection_is_good)
{
    for (std::uint64_t const at : {1U, 64U, 65U, 73U, 500U, 5'000U, 50'000U}) {
        proxy->cut_at = at;
        sender<std::string, tcp> out(proxy.where());
        error_code told;
        std::uint64_t sent = 0;
        for (; !told; ++sent)
            if (auto const r = out.send_for(support::make_text(sent), 60s); !r)
                told = r.error();
        BOOST_TEST((told == errc::no_receiver));
        proxy->cut_at = 0;
        error_code again = errc::no_receiver;
        while (again == errc::no_receiver) {
            auto const r = out.send_for("again", 60s);
            again = r ? error_code() : r.error();
        }
        BOOST_TEST(!again);
        BOOST_TEST(!!out.close());
        // What came through, that connection's death if it had been heard, and the next one, which may overtake it.
        std::uint64_t got = 0;
        std::uint64_t came_again = 0;
        for (std::string text = next(); came_again == 0 || !text.starts_with("no message"); text = next())
            if (text == "again")
                ++came_again;
            else if (text == support::make_text(got))
                ++got;
            else
                BOOST_TEST_REQUIRE(text.starts_with("no message"));
        BOOST_TEST(came_again == 1U);
        BOOST_TEST(got <= sent);
        BOOST_TEST((got > 0 || at < 5'000));
        BOOST_TEST((in.peek(deadline::never()).error() == errc::closed));
    }
}

BOOST_AUTO_TEST_CASE(a_stalled_network_makes_the_sender_wait)
{
    sender<std::string, tcp> out(proxy.where());
    out.send("first");
    BOOST_TEST(next() == "first");
    proxy->stalled = 1;
    std::uint64_t sent = 0;
    error_code told;
    while (!told)
        if (auto const r = out.send_for(support::make_text(sent, 0, 60'000), 20ms); r)
            ++sent;
        else
            told = r.error();
    BOOST_TEST((told == errc::timed_out));
    BOOST_TEST((in.peek(deadline::after(5ms)).error() == errc::timed_out));
    proxy->stalled = 0;
    bool right = true;
    for (std::uint64_t i = 0; i != sent; ++i) {
        right = next() == support::make_text(i, 0, 60'000) && right;
        (void)out.flush_for(1us);  // the rest of the last one
    }
    BOOST_TEST(right);
}

BOOST_AUTO_TEST_CASE(with_a_user_timeout_a_stall_ends_the_connection)
{
    tcp::options how;
    how.user_timeout = 300ms;
    sender<std::string, tcp> out("127.0.0.1:" + std::to_string(in.port()), how);
    out.send("first");
    BOOST_TEST(next() == "first");
    // Nobody reads any more: the window closes, and stays so.
    error_code told;
    while (!told)
        if (auto const r = out.send_for(std::string(1 << 20, 'x'), 60s); !r)
            told = r.error();
    BOOST_TEST((told == errc::no_receiver));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace network_faults_tcp
