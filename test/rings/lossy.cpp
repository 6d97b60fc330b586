// Distributed under the Boost Software License, Version 1.0.

#include "segment.hpp"

#include <support/watchdog.hpp>

#include <random>
#include <vector>

namespace rings_lossy {

namespace {

using namespace rings;
using X = lossy;

template <class T>
T message(std::uint64_t number)
{
    if constexpr (std::is_same_v<T, std::string>)
        return support::make_text(number, 0, 200);
    else
        return T{number};
}

template <class T>
void check_random_laps()
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, T>(name, small<X, T>());
    std::vector<receiver> receivers;
    std::vector<std::uint64_t> first;
    std::mt19937 random(7);
    std::uint64_t sent = 0;
    std::uint64_t dropped = 0;
    for (int round = 0; round != support::rounds(4000); ++round) {
        if (round % 500 == 0 && receivers.size() != 8) {  // now, wherever that is in the ring
            receivers.push_back(open_receiver<X, T>(name));
            first.push_back(sent);
        }
        for (auto n = random() % 40; n != 0; --n, ++sent)
            BOOST_TEST_REQUIRE(send(s, message<T>(sent), deadline::poll()).has_value());
        if (random() % 5 == 0)  // and drops it
            BOOST_TEST_REQUIRE(s.reserve(sizeof(std::uint64_t), deadline::poll()).has_value());
        auto const which = random() % receivers.size();
        auto& r = receivers[which];
        for (auto n = random() % 60; n != 0; --n) {
            auto const m = receive<T>(r, deadline::poll());
            if (!m) {
                BOOST_TEST_REQUIRE((m.error() == errc::empty));
                BOOST_TEST_REQUIRE(first[which] + r.stats().messages + r.stats().dropped == sent);
                BOOST_TEST_REQUIRE(r.stats().depth == 0U);
                break;
            }
            BOOST_TEST_REQUIRE((*m == message<T>(first[which] + number_by_count(r))));
        }
        dropped += r.stats().dropped;
    }
    BOOST_TEST(dropped != 0U);
    BOOST_TEST(s.stats().messages == sent);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_lossy, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_lapped_receiver_goes_on_with_the_oldest_message_and_counts_the_gap)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, int>(name, {.capacity = 8});
    auto slow = open_receiver<X, int>(name);
    auto quick = open_receiver<X, int>(name);
    for (int i = 0; i != 20; ++i) {
        BOOST_TEST(send(s, i, deadline::poll()).has_value());
        BOOST_TEST((receive<int>(quick, deadline::poll()) == i));
    }
    BOOST_TEST(slow.stats().depth == 8U);
    BOOST_TEST((receive<int>(slow, deadline::poll()) == 12));
    BOOST_TEST(slow.stats().dropped == 12U);
    for (int i = 13; i != 20; ++i)
        BOOST_TEST((receive<int>(slow, deadline::poll()) == i));
    BOOST_TEST((slow.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(slow.stats().dropped == 12U);
    BOOST_TEST(slow.stats().messages == 8U);
    BOOST_TEST(quick.stats().dropped == 0U);
}

BOOST_AUTO_TEST_CASE(a_message_that_is_claimed_takes_the_place_of_the_oldest)
{
    auto [s, r] = make_ends<X, int>({.capacity = 4});
    for (int i = 0; i != 4; ++i)
        BOOST_TEST(send(s, i, deadline::poll()).has_value());
    BOOST_TEST(s.reserve(4, deadline::poll()).has_value());
    BOOST_TEST((receive<int>(r, deadline::poll()) == 1));
    BOOST_TEST(r.stats().dropped == 1U);
    BOOST_TEST(send(s, 4, deadline::poll()).has_value());
    for (int i = 2; i != 5; ++i)
        BOOST_TEST((receive<int>(r, deadline::poll()) == i));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(r.stats().dropped == 1U);
}

BOOST_AUTO_TEST_CASE(a_late_receiver_can_read_more_than_half_of_the_bytes)
{
    for (std::size_t size = 1; size < 984; size += 61) {
        auto [s, r] = make_ends<X, std::string>({.capacity = 4096});
        std::string const text(size, 'x');
        for (int i = 0; i != 5000; ++i)
            BOOST_TEST_REQUIRE(send(s, text, deadline::poll()).has_value());
        std::uint64_t bytes = 0;
        while (auto const m = receive<std::string>(r, deadline::poll())) {
            BOOST_TEST_REQUIRE((*m == text));
            bytes += (m->size() + 16 + 7) / 8 * 8;
        }
        BOOST_TEST(bytes > 2048U);
        BOOST_TEST(r.stats().dropped + r.stats().messages == 5000U);
    }
}

BOOST_AUTO_TEST_CASE(the_count_of_dropped_messages_is_exact_in_any_order_of_sending_and_receiving)
{
    check_random_laps<std::uint64_t>();
    check_random_laps<std::string>();
}

BOOST_AUTO_TEST_CASE(a_receiver_that_is_lapped_before_its_first_message_counts_from_when_it_joined)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, std::string>(name, {.capacity = 4096});
    for (int i = 0; i != 100; ++i)
        BOOST_TEST(send(s, message<std::string>(static_cast<std::uint64_t>(i)), deadline::poll()).has_value());
    auto r = open_receiver<X, std::string>(name);
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    for (std::uint64_t i = 100; i != 1000; ++i)
        BOOST_TEST(send(s, message<std::string>(i), deadline::poll()).has_value());
    auto const m = receive<std::string>(r, deadline::poll());
    BOOST_TEST_REQUIRE(m.has_value());
    BOOST_TEST((*m == message<std::string>(100 + r.stats().dropped)));
    BOOST_TEST(r.stats().dropped > 0U);
}

BOOST_AUTO_TEST_CASE(the_smallest_ring_has_two_places)
{
    auto [s, r] = make_ends<X, int>({.capacity = 1});
    for (int i = 0; i != 5; ++i)
        BOOST_TEST(send(s, i, deadline::poll()).has_value());
    BOOST_TEST((receive<int>(r, deadline::poll()) == 3));
}

BOOST_AUTO_TEST_CASE(a_message_shown_stays_when_its_place_is_overwritten)
{
    auto [s, r] = make_ends<X, int>({.capacity = 2});
    BOOST_TEST(send(s, 1).has_value());
    auto const shown = r.peek(deadline::poll());
    for (int i = 2; i != 50; ++i)
        BOOST_TEST(send(s, i).has_value());
    BOOST_TEST((r.peek(deadline::poll())->data() == shown->data()));
    BOOST_TEST((receive<int>(r, deadline::poll()) == 1));
    BOOST_TEST((receive<int>(r, deadline::poll()) == 48));
    BOOST_TEST(r.stats().dropped == 46U);
}

BOOST_AUTO_TEST_CASE(the_next_sender_goes_on_and_the_count_with_it)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<X, std::string>(name, {.capacity = 4096});
    std::uint64_t sent = 0;
    for (int life = 0; life != 60; ++life) {
        auto s = open_sender<X, std::string>(name);
        BOOST_TEST((refusal_of_sender<X, std::string>(name) == errc::busy));
        for (int n = life * 7 % 90; n != 0; --n, ++sent)
            BOOST_TEST_REQUIRE(send(s, message<std::string>(sent), deadline::poll()).has_value());
        BOOST_TEST(s.reserve(900, deadline::poll()).has_value());  // which a death would leave, too
        BOOST_TEST(s.close(deadline::poll()).has_value());
        while (auto const m = receive<std::string>(r, deadline::poll()))
            BOOST_TEST_REQUIRE((*m == message<std::string>(number_by_count(r))));
        BOOST_TEST((r.peek(deadline::never()).error() == errc::closed));
        BOOST_TEST((r.ended() == strait::end_reason::left));
        BOOST_TEST(r.stats().messages + r.stats().dropped == sent);
    }
    BOOST_TEST(r.stats().dropped > 0U);
}

BOOST_AUTO_TEST_CASE(a_later_receiver_gets_only_what_is_sent_from_then_on_and_no_file_is_left)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, int>(name);
    for (int i = 0; i != 5; ++i)
        BOOST_TEST(send(s, i).has_value());  // no receiver has joined
    auto r = open_receiver<X, int>(name);
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(send(s, 5).has_value());
    BOOST_TEST((receive<int>(r) == 5));
    BOOST_TEST(send(s, 6).has_value());
    BOOST_TEST(r.close(deadline::poll()).has_value());
    BOOST_TEST(s.close(deadline::poll()).has_value());
    BOOST_TEST(support::files_of(name).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_lossy
