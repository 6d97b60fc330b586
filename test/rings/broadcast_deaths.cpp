// Distributed under the Boost Software License, Version 1.0.

#include "deaths.hpp"

#include <list>

namespace rings_broadcast_deaths {

namespace {

using namespace rings;

// Sends first, first + 1, ... and notes how many have been sent in all.
template <class X, class T>
int send_from(std::string const& name, std::uint64_t first, support::notes& notes)
{
    auto s = open_sender<X, T>(name, small<X, T>());
    for (std::uint64_t i = first;; ++i) {
        auto done = send(s, support::make_message<T>(i));
        while (!done && done.error() == errc::no_receiver)  // receivers come and go
            done = send(s, support::make_message<T>(i));
        if (!done)
            return 1;
        notes.done.store(i + 1, std::memory_order_release);
    }
}

// Receives for ever; stage counts messages.
template <class X, class T>
int listen(std::string const& name, support::notes& notes)
{
    auto r = open_receiver<X, T>(name, small<X, T>());
    stream_checker seen;
    for (;;) {
        auto const m = receive<T>(r, deadline::never());
        if (!m)
            return m.error() == errc::closed ? 0 : 2;
        if (!seen.see(r, *m) || (X::guarantees.reliable && r.stats().dropped != 0))
            notes.wrong.fetch_add(1);
        notes.stage.fetch_add(1, std::memory_order_release);
    }
}

template <class X, class T>
void kill_senders()
{
    std::string const name = support::unique_name();
    support::shared_page page;
    dice random;
    auto r = open_receiver<X, T>(name, small<X, T>());
    auto other = open_receiver<X, T>(name, small<X, T>());
    stream_checker seen;
    stream_checker seen_by_other;
    for (int round = 0; round != support::rounds(150); ++round) {
        std::uint64_t const before = seen.next;
        page->done = before;
        support::child c([&] { return send_from<X, T>(name, before, *page); });
        if (random.coin())
            support::notes::await(page->done, before + 1);
        if (random.coin())
            for (int i = 0; i != 300; ++i) {
                if (auto const m = receive<T>(r, deadline::poll()))
                    BOOST_TEST_REQUIRE(seen.see(r, *m));
                if (auto const m = receive<T>(other, deadline::poll()))
                    BOOST_TEST_REQUIRE(seen_by_other.see(other, *m));
            }
        random.pass_a_moment();
        c.kill();
        auto const drain = [&](auto& in, stream_checker& by) {
            for (;;) {
                // A sender killed before it joined leaves the end of its predecessor, or none in the first round.
                auto const m = receive<T>(in, round == 0 ? soon() : patiently());
                if (!m) {
                    BOOST_TEST_REQUIRE((m.error() == errc::closed || (round == 0 && m.error() == errc::timed_out)));
                    break;
                }
                BOOST_TEST_REQUIRE(by.see(in, *m));
            }
        };
        drain(r, seen);
        drain(other, seen_by_other);
        BOOST_TEST_REQUIRE(seen.next == seen_by_other.next);
        std::uint64_t const done = page->done;
        BOOST_TEST_REQUIRE((seen.next == done || seen.next == done + 1));
    }
    BOOST_TEST(r.stats().messages > 0U);
    if (X::guarantees.reliable)
        BOOST_TEST(r.stats().dropped + other.stats().dropped == 0U);
}

// Other receivers are killed while they join, receive and wait. Ours sees every message, or counts how many it has missed.
template <class X, class T>
void kill_receivers()
{
    std::string const name = support::unique_name();
    support::shared_page page;
    support::shared_page their_page;
    dice random;
    auto r = open_receiver<X, T>(name, small<X, T>());
    support::child out([&] { return send_from<X, T>(name, 0, *page); });
    stream_checker seen;
    std::list<support::child> crowd;
    auto const go_on = [&](int messages) {
        for (int i = 0; i != messages; ++i) {
            auto const m = receive<T>(r);
            BOOST_TEST_REQUIRE(m.has_value());
            BOOST_TEST_REQUIRE(seen.see(r, *m));
        }
    };
    for (int round = 0; round != support::rounds(150); ++round) {
        crowd.emplace_back([&] { return listen<X, T>(name, *their_page); });
        if (random.coin()) {
            std::uint64_t const before = their_page->stage;
            while (their_page->stage == before)
                go_on(1);
        }
        if (crowd.size() == 4 || random.coin())
            crowd.pop_front();  // kills it
        go_on(20);
        random.pass_a_moment();
    }
    crowd.clear();
    go_on(100);
    out.kill();
    while (auto const m = receive<T>(r))
        BOOST_TEST_REQUIRE(seen.see(r, *m));
    BOOST_TEST((r.ended() == strait::end_reason::died));
    BOOST_TEST(their_page->wrong == 0U);
    std::uint64_t const sent = page->done;
    BOOST_TEST((seen.next == sent || seen.next == sent + 1));
    if (X::guarantees.reliable)
        BOOST_TEST(r.stats().dropped == 0U);
}

// Receivers that do nothing but open and close are killed somewhere while they join or leave.
template <class X>
void kill_who_joins()
{
    std::string const name = support::unique_name();
    support::shared_page page;
    dice random;
    auto r = open_receiver<X, std::uint64_t>(name, {.capacity = 4});
    auto s = open_sender<X, std::uint64_t>(name);
    std::uint64_t sent = 0;
    for (int round = 0; round != support::rounds(100); ++round) {
        page->stage = 0;
        auto const restless = [&] {
            for (;;) {
                (void)open_receiver<X, std::uint64_t>(name);
                ++page->stage;
            }
        };
        support::child one(restless);
        support::child two(restless);
        support::notes::await(page->stage, 1);
        random.pass_a_moment();
        one.kill();
        two.kill();
        for (int i = 0; i != 12; ++i, ++sent) {
            BOOST_TEST_REQUIRE(send(s, sent).has_value());
            BOOST_TEST_REQUIRE((receive<std::uint64_t>(r) == sent));
        }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_broadcast_deaths, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(what_a_killed_sender_committed_arrives_or_is_counted)
{
    kill_senders<lossy, support::probe>();
    kill_senders<lossy, std::string>();
}

BOOST_AUTO_TEST_CASE(what_a_killed_sender_committed_arrives_everywhere_once_in_order_and_untorn)
{
    kill_senders<lossless, support::probe>();
    kill_senders<lossless, std::string>();
}

BOOST_AUTO_TEST_CASE(killed_receivers_take_nothing_from_the_others)
{
    kill_receivers<lossy, support::probe>();
    kill_receivers<lossy, std::string>();
}

BOOST_AUTO_TEST_CASE(killed_receivers_take_nothing_from_the_others_and_the_sender_stops_waiting_for_them)
{
    kill_receivers<lossless, support::probe>();
    kill_receivers<lossless, std::string>();
}

BOOST_AUTO_TEST_CASE(a_receiver_killed_while_it_joins_or_leaves_blocks_no_other_end)
{
    kill_who_joins<lossy>();
    kill_who_joins<lossless>();
}

BOOST_AUTO_TEST_CASE(a_stopped_receiver_delays_no_sender_that_may_lose)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    support::child in([&] { return listen<lossy, support::probe>(name, *page); });
    auto s = open_sender<lossy, support::probe>(name, small<lossy, support::probe>());
    std::uint64_t sent = 0;
    for (int round = 0; round != 20; ++round) {
        std::uint64_t const before = page->stage;
        while (page->stage < before + 100)
            BOOST_TEST_REQUIRE(send(s, support::make_probe(sent++), deadline::poll()).has_value());
        stop(in);
        for (int i = 0; i != 5000; ++i)
            BOOST_TEST_REQUIRE(send(s, support::make_probe(sent++), deadline::poll()).has_value());
        in.signal(SIGCONT);
    }
    BOOST_TEST(s.close(deadline::never()).has_value());
    BOOST_TEST(in.wait() == 0);
    BOOST_TEST(page->wrong == 0U);
}

BOOST_AUTO_TEST_CASE(a_stopped_receiver_makes_a_sender_wait_that_may_not_lose)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    support::shared_page other_page;
    auto s = open_sender<lossless, support::probe>(name, small<lossless, support::probe>());
    support::child in([&] { return listen<lossless, support::probe>(name, *page); });
    support::child other([&] { return listen<lossless, support::probe>(name, *other_page); });
    std::uint64_t sent = 0;
    while (page->stage == 0 || other_page->stage == 0)
        BOOST_TEST_REQUIRE(send(s, support::make_probe(sent++)).has_value());
    for (int round = 0; round != 20; ++round) {
        for (std::uint64_t const end = sent + 500; sent != end; ++sent)
            BOOST_TEST_REQUIRE(send(s, support::make_probe(sent)).has_value());
        stop(in);
        strait::error_code reported;
        while (!reported)  // the other one makes room for a while
            if (auto const done = send(s, support::make_probe(sent), soon()); done)
                ++sent;
            else
                reported = done.error();
        BOOST_TEST((reported == errc::timed_out));
        in.signal(SIGCONT);
    }
    // While it is stopped the sender waits for it; once it is killed the sender goes on.
    stop(in);
    while (send(s, support::make_probe(sent), deadline::poll()))
        ++sent;
    in.kill();
    for (int i = 0; i != 500; ++i, ++sent)
        BOOST_TEST_REQUIRE(send(s, support::make_probe(sent)).has_value());
    BOOST_TEST(s.close(deadline::never()).has_value());
    BOOST_TEST(other.wait() == 0);
    BOOST_TEST(page->wrong + other_page->wrong == 0U);
}

BOOST_AUTO_TEST_CASE(a_sender_whose_receivers_all_died_says_so)
{
    for (int round = 0; round != 10; ++round) {
        std::string const name = support::unique_name();
        support::shared_page page;
        auto s = open_sender<lossless, std::string>(name, small<lossless, std::string>());
        support::child one([&] { return listen<lossless, std::string>(name, *page); });
        support::child two([&] { return listen<lossless, std::string>(name, *page); });
        std::uint64_t sent = 0;
        while (page->stage == 0)
            BOOST_TEST_REQUIRE(send(s, support::make_text(sent++)).has_value());
        one.kill();
        two.kill();
        strait::error_code reported;
        while (!reported)
            if (auto const done = send(s, support::make_text(sent)); done)
                ++sent;
            else
                reported = done.error();
        BOOST_TEST((reported == errc::no_receiver));
        auto r = open_receiver<lossless, std::string>(name);
        BOOST_TEST(send(s, std::string("again")).has_value());
        BOOST_TEST((receive<std::string>(r) == std::string("again")));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_broadcast_deaths
