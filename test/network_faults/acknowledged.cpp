// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/acknowledged.hpp>

#include <support/child.hpp>
#include <support/messages.hpp>
#include <support/shared_page.hpp>
#include <support/tcp_proxy.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <type_traits>

namespace network_faults_acknowledged {

using namespace strait;
using namespace std::chrono_literals;

namespace {

using acked = acknowledged<tcp>;
template <class T>
using receiving = acked::receiver_end<detail::codec<T>::layout>;

// However slow the machine is: nobody is given up here.
template <class T>
receiving<T> listen()
{
    acked::options how;
    how.reconnect_within = 1h;
    return receiving<T>::open("127.0.0.1:0", how, "test").value();
}

template <class T>
T message_in(std::span<std::byte const> bytes)
{
    if constexpr (std::is_same_v<T, std::string>) {
        return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
    }
    else {
        T m;
        std::memcpy(&m, bytes.data(), sizeof m);
        return m;
    }
}

// Reads up to the end. Each message whole, once, and in order?
template <class T, class End>
bool read_all(End& in, support::sequence_checker& seen)
{
    bool right = true;
    for (;;) {
        auto const m = in.peek(deadline::never());
        if (!m) {
            BOOST_TEST((m.error() == errc::closed));
            return right;
        }
        right = seen.see(message_in<T>(*m)) && right;
        in.release();
    }
}

// So many, and more as long as cuts are to come. How many there were stands in `page`.
template <class T>
int send_all(support::tcp_proxy const& proxy, std::uint64_t count, support::shared_page const& page, std::size_t batch = 1)
{
    acked::options how;
    how.linger = 60s;
    sender<T, acked> out(proxy.where(), how);
    std::vector<T> some;
    for (std::uint64_t i = 0; i < count || proxy->cuts_left != 0;) {
        some.clear();
        while (some.size() != batch)
            some.push_back(support::make_message<T>(i++));
        page->done = i;
        if (batch == 1)
            out.send(some.front());
        else
            out.send_batch(some);
    }
    out.close().value();
    return 0;
}

struct fixture {
    support::watchdog watchdog;
    support::shared_page page;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(faults_of_acknowledged, fixture)

TYPED_CASE(nothing_is_lost_or_doubled_when_the_connection_is_cut_a_hundred_times, T,
                              decltype(std::tuple<std::string, support::probe>()))
{
    for (int round = support::rounds(1); round != 0; --round) {
        constexpr std::uint64_t count = 10'000;
        constexpr std::uint64_t cuts = 100;
        auto in = listen<T>();
        support::tcp_proxy proxy(in.port());
        proxy->cuts_left = cuts;
        proxy->cut_within = 10'000;
        support::child producer([&] { return send_all<T>(proxy, count, page); });
        support::sequence_checker seen;
        bool const right = read_all<T>(in, seen);
        BOOST_TEST(right);
        BOOST_TEST(seen.count() == page->done);
        BOOST_TEST(seen.count() >= count);
        BOOST_TEST(proxy->cuts == cuts);
        BOOST_TEST((in.ended() == end_reason::left));
        BOOST_TEST(producer.wait() == 0);
    }
}

// Each byte of the greeting, of the first messages and of the end.
BOOST_AUTO_TEST_CASE(a_cut_before_any_byte_costs_nothing)
{
    std::size_t all = sizeof(detail::stream_greeting) + sizeof(detail::session_claim) + sizeof(detail::stream_frame);
    for (std::uint64_t i : {0U, 1U})
        all += detail::stream_frame::bytes(support::make_text(i, 0, 30).size());
    for (std::uint64_t at = 1; at <= all; ++at) {
        auto in = listen<std::string>();
        support::tcp_proxy proxy(in.port());
        proxy->cut_at = at;
        support::child producer([&] {
            acked::options how;
            how.linger = 60s;
            sender<std::string, acked> out(proxy.where(), how);
            out.send(support::make_text(0, 0, 30));
            out.send(support::make_text(1, 0, 30));
            return out.close() ? 0 : 1;
        });
        support::notes::await(proxy->connections, 2);
        proxy->cut_at = 0;
        for (std::uint64_t i = 0; i != 2; ++i) {
            auto const m = in.peek(deadline::never());
            BOOST_TEST_REQUIRE(m.has_value());
            BOOST_TEST(message_in<std::string>(*m) == support::make_text(i, 0, 30));
            in.release();
        }
        BOOST_TEST((in.peek(deadline::never()).error() == errc::closed));
        BOOST_TEST((in.ended() == end_reason::left), "cut at " << at);
        BOOST_TEST(producer.wait() == 0);
    }
}

BOOST_AUTO_TEST_CASE(batches_lose_and_double_nothing_either)
{
    constexpr std::uint64_t count = 40'000;
    auto in = listen<support::probe>();
    support::tcp_proxy proxy(in.port());
    proxy->cuts_left = 50;
    proxy->cut_within = 40'000;
    support::child producer([&] { return send_all<support::probe>(proxy, count, page, 100); });
    support::sequence_checker seen;
    bool right = true;
    std::vector<support::probe> some(64);
    while (auto const n = in.take_n(std::as_writable_bytes(std::span(some)), deadline::never()))
        for (std::size_t i = 0; i != *n; ++i)
            right = seen.see(some[i]) && right;
    BOOST_TEST(right);
    BOOST_TEST(seen.count() == page->done);
    BOOST_TEST(proxy->cuts == 50U);
    BOOST_TEST((in.ended() == end_reason::left));
    BOOST_TEST(producer.wait() == 0);
}

BOOST_AUTO_TEST_CASE(single_bytes_and_delays_are_no_faults)
{
    auto in = listen<std::string>();
    support::tcp_proxy proxy(in.port());
    proxy->segment = 1;
    proxy->delay = 200;
    support::child producer([&] { return send_all<std::string>(proxy, 100, page); });
    support::sequence_checker seen;
    BOOST_TEST(read_all<std::string>(in, seen));
    BOOST_TEST(seen.count() == 100U);
    BOOST_TEST(producer.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_stalled_network_makes_the_sender_wait_and_is_overcome)
{
    auto in = listen<std::string>();
    support::tcp_proxy proxy(in.port());
    acked::options how;
    how.capacity = 10'000;
    sender<std::string, acked> out(proxy.where(), how);
    out.send("first");
    BOOST_TEST(in.peek(deadline::never()).has_value());
    in.release();
    proxy->stalled = 1;
    error_code told;
    std::uint64_t sent = 0;
    while (!told)
        if (auto const r = out.send_for(std::string(1000, 'x'), 20ms); r)
            ++sent;
        else
            told = r.error();
    BOOST_TEST((told == errc::timed_out));
    BOOST_TEST(sent > 0U);
    BOOST_TEST(sent <= 10U);
    BOOST_TEST((out.flush_for(1ms).error() == errc::timed_out));
    proxy->stalled = 0;
    for (; sent != 0; --sent) {
        BOOST_TEST_REQUIRE(in.peek(deadline::never()).has_value());
        in.release();
    }
    while (!out.flush_for(1ms))
        BOOST_TEST((in.peek(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(other_senders_notice_nothing_of_a_cut)
{
    auto in = listen<std::string>();
    support::tcp_proxy proxy(in.port());
    proxy->cuts_left = 30;
    proxy->cut_within = 5'000;
    support::child unlucky([&] { return send_all<std::string>(proxy, 2'000, page); });
    std::string const direct = "127.0.0.1:" + std::to_string(in.port());
    support::child lucky([&] {
        sender<std::string, acked> out(direct);
        for (std::uint64_t i = 0; i != 2'000; ++i)
            out.send(support::make_text(i, 1));
        return out.close() ? 0 : 1;
    });
    support::sequence_checker seen;
    BOOST_TEST(read_all<std::string>(in, seen));
    BOOST_TEST(seen.next(0) == page->done);
    BOOST_TEST(proxy->cuts == 30U);
    BOOST_TEST(seen.next(1) == 2'000U);
    BOOST_TEST(unlucky.wait() == 0);
    BOOST_TEST(lucky.wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace network_faults_acknowledged
