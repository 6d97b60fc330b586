// Distributed under the Boost Software License, Version 1.0.

#include "segment.hpp"

#include <support/watchdog.hpp>

#include <iterator>
#include <list>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace rings_lossless {

namespace {

using namespace rings;
using X = lossless;

// Receivers come and go; each sees every message from when it came, and the sender is held back by the slowest.
template <class T>
void check_random_crowd()
{
    struct listener {
        receiver end;
        std::uint64_t next;
    };
    std::string const name = support::unique_name();
    auto s = open_sender<X, T>(name, small<X, T>());
    std::list<listener> crowd;
    std::mt19937 random(11);
    std::uint64_t sent = 0;
    std::uint64_t refused = 0;
    for (int round = 0; round != support::rounds(6000); ++round) {
        if (crowd.empty() || (crowd.size() < 7 && random() % 16 == 0))
            crowd.push_back({open_receiver<X, T>(name), sent});
        else if (random() % 64 == 0)
            crowd.erase(std::next(crowd.begin(), static_cast<std::ptrdiff_t>(random() % crowd.size())));
        if (crowd.empty())
            continue;
        for (auto n = random() % 12; n != 0; --n, ++sent)
            if (auto const done = send(s, support::make_message<T>(sent), deadline::poll()); !done) {
                BOOST_TEST_REQUIRE((done.error() == errc::full));
                ++refused;
                if constexpr (!std::is_same_v<T, std::string>) {
                    std::uint64_t slowest = sent;
                    for (auto const& l : crowd)
                        slowest = std::min(slowest, l.next);
                    BOOST_TEST_REQUIRE(sent - slowest == 16U);
                    BOOST_TEST_REQUIRE(s.stats().depth == 16U);
                }
                break;
            }
        auto& l = *std::next(crowd.begin(), static_cast<std::ptrdiff_t>(random() % crowd.size()));
        for (auto n = random() % 16; n != 0 && l.next != sent; --n)
            BOOST_TEST_REQUIRE((receive<T>(l.end, deadline::poll()) == support::make_message<T>(l.next++)));
        if (l.next == sent)
            BOOST_TEST_REQUIRE((l.end.peek(deadline::poll()).error() == errc::empty));
    }
    BOOST_TEST(refused > 0U);
    BOOST_TEST(sent > 1000U);
    BOOST_TEST(s.close(deadline::poll()).has_value());
    for (auto& l : crowd) {
        for (; l.next != sent; ++l.next)
            BOOST_TEST_REQUIRE((receive<T>(l.end, deadline::poll()) == support::make_message<T>(l.next)));
        BOOST_TEST((l.end.peek(deadline::never()).error() == errc::closed));
        BOOST_TEST((l.end.ended() == strait::end_reason::left));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_lossless, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(the_sender_waits_for_the_slowest_receiver)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, int>(name, {.capacity = 8});
    auto a = open_receiver<X, int>(name);
    auto b = open_receiver<X, int>(name);
    for (int i = 0; i != 8; ++i)
        BOOST_TEST(send(s, i, deadline::poll()).has_value());
    for (int i = 0; i != 8; ++i)
        BOOST_TEST((receive<int>(a, deadline::poll()) == i));
    BOOST_TEST((send(s, 8, deadline::poll()).error() == errc::full));
    BOOST_TEST((send(s, 8, soon()).error() == errc::timed_out));
    BOOST_TEST(b.peek(deadline::poll()).has_value());
    BOOST_TEST((send(s, 8, deadline::poll()).error() == errc::full));  // it lies there until it is released
    b.release();
    BOOST_TEST(send(s, 8, deadline::poll()).has_value());
    BOOST_TEST((send(s, 9, deadline::poll()).error() == errc::full));
    BOOST_TEST(s.stats().depth == 8U);
    BOOST_TEST((receive<int>(a, deadline::poll()) == 8));
    for (int i = 1; i != 9; ++i)
        BOOST_TEST((receive<int>(b, deadline::poll()) == i));
    BOOST_TEST(s.stats().depth == 0U);
}

BOOST_AUTO_TEST_CASE(each_receiver_sees_every_message_from_when_it_joined)
{
    check_random_crowd<support::probe>();
    check_random_crowd<std::string>();
}

BOOST_AUTO_TEST_CASE(a_receiver_that_leaves_does_not_hold_the_sender_back)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, int>(name, {.capacity = 4});
    auto a = open_receiver<X, int>(name);
    auto b = open_receiver<X, int>(name);
    for (int i = 0; i != 4; ++i) {
        BOOST_TEST(send(s, i, deadline::poll()).has_value());
        BOOST_TEST((receive<int>(a) == i));
    }
    BOOST_TEST(b.peek(deadline::poll()).has_value());
    BOOST_TEST((send(s, 4, deadline::poll()).error() == errc::full));
    std::thread leaving([&] { BOOST_TEST(b.close(deadline::poll()).has_value()); });
    BOOST_TEST(send(s, 4, patiently()).has_value());
    leaving.join();
    BOOST_TEST((receive<int>(a) == 4));
}

BOOST_AUTO_TEST_CASE(a_sender_waits_for_its_first_receiver_and_notices_when_the_last_has_left)
{
    std::string const name = support::unique_name();
    {
        auto brief = open_sender<X, int>(name, {.capacity = 4, .connect_timeout = std::chrono::milliseconds(30)});
        BOOST_TEST((send(brief, 0).error() == errc::no_receiver));
        BOOST_TEST((send(brief, 0, deadline::poll()).error() == errc::no_receiver));
    }
    auto s = open_sender<X, int>(name, {.capacity = 4});
    BOOST_TEST((send(s, 0, deadline::poll()).error() == errc::no_receiver));
    BOOST_TEST((send(s, 0, soon()).error() == errc::timed_out));
    for (int life = 0; life != 20; ++life) {
        std::optional r(open_receiver<X, int>(name));
        for (int i = 0; i != life % 6; ++i) {
            BOOST_TEST(send(s, i).has_value());
            BOOST_TEST((receive<int>(*r) == i));
        }
        r.reset();
        // As many as there was room for when the last one left.
        int more = 0;
        strait::error_code reported;
        while (!reported)
            if (auto const done = send(s, more, life % 2 == 0 ? deadline::poll() : patiently()); done)
                ++more;
            else
                reported = done.error();
        BOOST_TEST(more <= 4);
        BOOST_TEST((reported == errc::no_receiver));
    }
}

BOOST_AUTO_TEST_CASE(a_poll_says_that_no_receiver_has_come_yet_and_loses_nothing)
{
    std::string const name = support::unique_name();
    auto s = raw::sender<int, X>::open(name, {.capacity = 4}, "test").value();
    for (int i = 0; i != 3; ++i) {
        BOOST_TEST((raw::send(s, 0, deadline::poll()).error() == errc::no_receiver));
        BOOST_TEST(s.awaits_receiver());
    }
    auto r = raw::receiver<int, X>::open(name, {}, "test").value();
    for (int i = 0; i != 4; ++i)
        BOOST_TEST(raw::send(s, i, deadline::poll()).has_value());
    BOOST_TEST(!s.awaits_receiver());
    BOOST_TEST((raw::send(s, 4, deadline::poll()).error() == errc::full));
    for (int i = 0; i != 4; ++i)
        BOOST_TEST((raw::receive<int>(r) == i));
    BOOST_TEST(r.close(deadline::poll()).has_value());
    BOOST_TEST(s.close(deadline::poll()).has_value());
    BOOST_TEST(!s.awaits_receiver());
}

BOOST_AUTO_TEST_CASE(a_sender_awaits_no_receiver_after_its_connect_timeout_or_when_none_can_come)
{
    auto brief = raw::sender<int, X>::open(support::unique_name(), {.connect_timeout = std::chrono::nanoseconds(0)}, "test").value();
    BOOST_TEST(!brief.awaits_receiver());
    BOOST_TEST((raw::send(brief, 0, deadline::poll()).error() == errc::no_receiver));
    auto ends = raw::pair<int, X>::make({}, "test").value().split().value();
    BOOST_TEST(ends.first.awaits_receiver());
    BOOST_TEST(ends.second.close(deadline::poll()).has_value());
    BOOST_TEST(!ends.first.awaits_receiver());
    auto kept = raw::sender<int>::open(support::unique_name(), {}, "test").value();
    BOOST_TEST(!kept.awaits_receiver());
}

BOOST_AUTO_TEST_CASE(a_waiting_sender_is_woken_by_the_first_receiver)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, std::string>(name);
    std::thread coming([&] {
        auto r = open_receiver<X, std::string>(name);
        if (receive<std::string>(r) != std::string("first"))
            std::abort();
    });
    BOOST_TEST(send(s, std::string("first"), deadline::never()).has_value());
    coming.join();
}

BOOST_AUTO_TEST_CASE(there_are_places_for_64_receivers)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, int>(name, {.capacity = 4});
    std::vector<receiver> all;
    for (int i = 0; i != 64; ++i)
        all.push_back(open_receiver<X, int>(name));
    BOOST_TEST((refusal_of_receiver<X, int>(name) == errc::busy));
    for (int i = 0; i != 12; ++i) {
        BOOST_TEST(send(s, i, deadline::poll()).has_value());
        if (i % 4 == 3)
            BOOST_TEST((send(s, i, deadline::poll()).error() == errc::full));
        if (i % 4 == 3)
            for (auto& r : all)
                for (int k = i - 3; k <= i; ++k)
                    BOOST_TEST_REQUIRE((receive<int>(r, deadline::poll()) == k));
    }
    BOOST_TEST(all[17].close(deadline::poll()).has_value());
    all.push_back(open_receiver<X, int>(name));
    BOOST_TEST(send(s, 12, deadline::poll()).has_value());
    BOOST_TEST((receive<int>(all.back(), deadline::poll()) == 12));
}

BOOST_AUTO_TEST_CASE(a_message_is_shown_where_it_lies)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, std::uint64_t>(name);
    auto r = open_receiver<X, std::uint64_t>(name);
    BOOST_TEST(send(s, std::uint64_t{77}).has_value());
    auto const shown = r.peek(deadline::poll());
    segment const memory(name);
    memory.word(strait::detail::lossless_data_offset() + 8).store(78);
    BOOST_TEST((look<std::uint64_t>(r) == 78U));
    BOOST_TEST(shown->size() == 8U);
}

BOOST_AUTO_TEST_CASE(what_a_sender_has_left_is_read_before_what_the_next_one_sends)
{
    std::string const name = support::unique_name();
    auto a = open_receiver<X, std::string>(name, {.capacity = 4096});
    auto b = open_receiver<X, std::string>(name);
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    for (int life = 0; life != 100; ++life) {
        auto s = open_sender<X, std::string>(name);
        BOOST_TEST((refusal_of_sender<X, std::string>(name) == errc::busy));
        for (int n = life % 9; n != 0 && send(s, support::make_text(sent), deadline::poll()); --n)
            ++sent;
        BOOST_TEST(s.close(deadline::poll()).has_value());
        for (int n = life % 7; n != 0 && received != sent; --n, ++received)
            for (auto* r : {&a, &b})
                BOOST_TEST_REQUIRE((receive<std::string>(*r, deadline::poll()) == support::make_text(received)));
    }
    BOOST_TEST(sent > 100U);
    for (; received != sent; ++received)
        for (auto* r : {&a, &b})
            BOOST_TEST_REQUIRE((receive<std::string>(*r, deadline::poll()) == support::make_text(received)));
    BOOST_TEST((a.peek(deadline::never()).error() == errc::closed));
    BOOST_TEST((b.ended() == strait::end_reason::none));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_lossless
