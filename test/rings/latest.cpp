// Distributed under the Boost Software License, Version 1.0.

#include "segment.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <random>
#include <vector>

namespace rings_latest {

namespace {

using namespace rings;
using X = latest;

template <class T>
T message(std::uint64_t number)
{
    if constexpr (std::is_same_v<T, std::string>)
        return support::make_text(number, 0, 200);
    else
        return T{number};
}

// Whatever is sent, each receiver gets what was sent last, or nothing new.
template <class T>
void check_random_looks()
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, T>(name, small<X, T>());
    std::vector<receiver> receivers;
    std::vector<std::uint64_t> first;
    std::mt19937 random(7);
    std::uint64_t sent = 0;
    for (int round = 0; round != support::rounds(4000); ++round) {
        if (round % 500 == 0 && receivers.size() != 8) {
            receivers.push_back(open_receiver<X, T>(name));
            first.push_back(sent == 0 ? 0 : sent - 1);  // it gets the present value
        }
        for (auto n = random() % 40 * (random() % 2); n != 0; --n, ++sent)
            BOOST_TEST_REQUIRE(send(s, message<T>(sent), deadline::poll()).has_value());
        if (random() % 5 == 0)  // and drops it
            BOOST_TEST_REQUIRE(s.reserve(sizeof(std::uint64_t), deadline::poll()).has_value());
        auto const which = random() % receivers.size();
        auto& r = receivers[which];
        std::uint64_t const known = first[which] + r.stats().messages + r.stats().dropped;
        auto const m = receive<T>(r, deadline::poll());
        BOOST_TEST_REQUIRE(m.has_value() == (known != sent));
        if (m)
            BOOST_TEST_REQUIRE((*m == message<T>(sent - 1)));
        BOOST_TEST_REQUIRE(first[which] + r.stats().messages + r.stats().dropped == sent);
        BOOST_TEST_REQUIRE(r.stats().depth == 0U);
    }
}

template <class T>
void see_what_both_kinds_get()
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossy, T>(name);
    auto every = open_receiver<lossy, T>(name);
    auto newest = open_receiver<X, T>(name);
    for (std::uint64_t i = 0; i != 10; ++i)
        BOOST_TEST(send(s, message<T>(i)).has_value());
    BOOST_TEST((receive<T>(newest) == message<T>(9)));
    BOOST_TEST(newest.stats().messages == 1U);
    BOOST_TEST(newest.stats().dropped == 9U);
    BOOST_TEST((receive<T>(newest, deadline::poll()).error() == errc::empty));
    for (std::uint64_t i = 0; i != 10; ++i)
        BOOST_TEST((receive<T>(every) == message<T>(i)));
    BOOST_TEST(every.stats().dropped == 0U);
    BOOST_TEST((refusal_of_sender<X, T>(name) == errc::busy));  // it is one channel
}

// Messages of a sender that is at work, seen by a receiver that is slower: each is newer than the one before, and whole.
template <class T>
void watch_a_sender_at_work()
{
    std::string const name = support::unique_name();
    support::shared_page page;
    auto r = open_receiver<X, T>(name, small<X, T>());
    support::child producer([&] {
        auto s = open_sender<X, T>(name);
        for (std::uint64_t i = 0; i != 100'000; ++i)
            send(s, support::make_message<T>(i)).value();
        s.close(deadline::never()).value();
    });
    std::uint64_t received = 0;
    std::uint64_t last = 0;
    for (auto m = receive<T>(r, deadline::never()); m; m = receive<T>(r, deadline::never())) {
        BOOST_TEST_REQUIRE(support::is_whole(*m));
        last = support::origin_of(*m).sequence;
        BOOST_TEST_REQUIRE(last == number_by_count(r));
        ++received;
    }
    BOOST_TEST(producer.wait() == 0);
    BOOST_TEST(last == 99'999U);  // no newer message replaces the last one
    BOOST_TEST(received != 0U);
    BOOST_TEST(received + r.stats().dropped == 100'000U);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_latest, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_receiver_of_the_latest_gets_it_and_counts_the_others)
{
    see_what_both_kinds_get<std::uint64_t>();
    see_what_both_kinds_get<std::string>();
}

BOOST_AUTO_TEST_CASE(a_message_shown_stays_until_it_is_released)
{
    auto [s, r] = make_ends<X, std::uint64_t>({.capacity = 4});
    BOOST_TEST(send(s, std::uint64_t{1}).has_value());
    BOOST_TEST((look<std::uint64_t>(r) == 1U));
    for (std::uint64_t i = 2; i != 10; ++i)
        BOOST_TEST(send(s, i).has_value());
    BOOST_TEST(r.stats().depth == 4U);  // of eight
    BOOST_TEST((receive<std::uint64_t>(r) == 1U));
    BOOST_TEST((receive<std::uint64_t>(r) == 9U));
    BOOST_TEST(r.stats().dropped == 7U);
}

BOOST_AUTO_TEST_CASE(a_receiver_gets_the_newest_whenever_it_looks)
{
    check_random_looks<std::uint64_t>();
    check_random_looks<std::string>();
}

BOOST_AUTO_TEST_CASE(a_receiver_that_is_slower_than_the_sender_sees_newer_and_newer_messages)
{
    watch_a_sender_at_work<support::probe>();
    watch_a_sender_at_work<std::string>();
}

BOOST_AUTO_TEST_CASE(words_that_point_to_the_newest_are_not_believed)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, std::string>(name, {.capacity = 4096});
    auto r = open_receiver<X, std::string>(name);
    segment const memory(name);
    for (std::uint64_t i = 0; i != 200; ++i) {
        BOOST_TEST_REQUIRE(send(s, message<std::string>(2 * i)).has_value());
        BOOST_TEST_REQUIRE(send(s, message<std::string>(2 * i + 1)).has_value());
        std::uint64_t const right = memory.word(4096 + 8).load();
        for (std::uint64_t const wrong : {right - 8, right + 8, right + 1, right + (1 << 20), std::uint64_t{0}, ~std::uint64_t{0}}) {
            memory.word(4096 + 8).store(wrong);
            auto const m = look<std::string>(r, deadline::poll());
            BOOST_TEST_REQUIRE(m.has_value());  // the next one in line, and none that does not begin there
            BOOST_TEST_REQUIRE((*m == message<std::string>(2 * i)));
        }
        memory.word(4096 + 8).store(right);
        r.release();
        BOOST_TEST_REQUIRE((receive<std::string>(r, deadline::poll()) == message<std::string>(2 * i + 1)));
    }
}

BOOST_AUTO_TEST_CASE(the_next_sender_goes_on_and_the_count_with_it)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<X, std::string>(name);
    for (std::uint64_t life = 0; life != 5; ++life) {
        auto s = open_sender<X, std::string>(name);
        for (std::uint64_t i = 0; i != 7; ++i)
            BOOST_TEST(send(s, message<std::string>(life * 7 + i)).has_value());
        BOOST_TEST((receive<std::string>(r) == message<std::string>(life * 7 + 6)));
        BOOST_TEST(number_by_count(r) == life * 7 + 6);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_latest
