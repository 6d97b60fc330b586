// Distributed under the Boost Software License, Version 1.0.

#include "deaths.hpp"
#include <support/typed_case.hpp>

#include <vector>

namespace rings_deaths {

// Deaths at every moment are those of test/crash/. Here: what the living learn of the dead and the stopped.
namespace {

using namespace rings;

using one_stream = std::tuple<spsc, mpmc, lossless, lossy>;  // messages of one sender come in one line, and are counted

// Sends until it is killed.
template <class X, class T>
int send_on(std::string const& name)
{
    auto s = open_sender<X, T>(name, small<X, T>());
    for (std::uint64_t i = 0;; ++i)
        if (!send(s, support::make_message<T>(i)))
            return 1;
}

// Receives until all senders have left; 0 when each message was right, and how many they were is noted.
template <class X>
int receive_all(std::string const& name, support::notes& notes)
{
    auto r = open_receiver<X, support::probe>(name, small<X, support::probe>());
    support::sequence_checker seen;
    while (auto const m = receive<support::probe>(r, deadline::never()))
        if (!seen.see(*m))
            return 2;
    notes.done = seen.count();
    return 0;
}

template <class X, class T>
void stop_the_sender()
{
    std::string const name = support::unique_name();
    auto r = open_receiver<X, T>(name, small<X, T>());
    support::child out([&] { return send_on<X, T>(name); });
    stream_checker seen;
    for (int round = 0; round != 5; ++round) {
        for (int i = 0; i != 500; ++i)
            BOOST_TEST_REQUIRE(seen.see(r, receive<T>(r).value()));
        stop(out);
        while (auto const m = receive<T>(r, deadline::poll()))
            BOOST_TEST_REQUIRE(seen.see(r, *m));
        BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(120))).error() == errc::timed_out));
        out.signal(SIGCONT);
    }
    out.kill();
    BOOST_TEST(X::remove(name).has_value());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_deaths, *boost::unit_test::fixture<support::watchdog>())

TYPED_CASE(a_borrowed_message_of_a_killed_receiver_is_seen_again_or_gone, X, retained)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    auto s = open_sender<X, int>(name);
    for (int i = 1; i != 4; ++i)
        BOOST_TEST(send(s, i).has_value());
    support::child in([&] {
        auto r = open_receiver<X, int>(name);
        (void)receive<int>(r);
        (void)r.peek(deadline::never());
        page->stage = 1;
        ::pause();
    });
    support::notes::await(page->stage, 1);
    in.kill();
    auto r = open_receiver<X, int>(name);
    if (!many_receivers<X>)
        BOOST_TEST((receive<int>(r) == 2));
    BOOST_TEST((receive<int>(r) == 3));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
}

TYPED_CASE(sleeping_receivers_learn_that_the_last_sender_died_and_of_none_before, X, all_topologies)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    std::vector<support::child> senders;
    for (int i = 0; i != (many_senders<X> ? 2 : 1); ++i)
        senders.emplace_back([&] {
            auto s = open_sender<X, int>(name);
            page->stage.fetch_add(1);
            ::pause();
        });
    support::notes::await(page->stage, senders.size());
    std::vector<support::child> receivers;
    for (int i = 0; i != (many_receivers<X> ? 2 : 1); ++i)
        receivers.emplace_back([&] {
            auto r = open_receiver<X, int>(name);
            page->done.fetch_add(1);
            support::notes::await(page->proceed, 1);
            if (r.peek(deadline::after(std::chrono::milliseconds(120))).error() != errc::timed_out)
                return 1;
            page->other[0].fetch_add(1);
            return r.peek(deadline::never()).error() == errc::closed && r.ended() == strait::end_reason::died ? 0 : 2;
        });
    support::notes::await(page->done, receivers.size());
    while (senders.size() != 1)
        senders.pop_back();  // kills it
    page->proceed = 1;
    support::notes::await(page->other[0], receivers.size());
    senders.pop_back();
    for (auto& r : receivers)
        BOOST_TEST(r.wait() == 0);
}

TYPED_CASE(a_stopped_receiver_makes_all_senders_wait_and_loses_nothing, X, retained)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    support::child in([&] { return receive_all<X>(name, *page); });
    struct source {
        sender end;
        std::uint64_t sent;
    };
    std::vector<source> sources;
    for (int i = 0; i != (many_senders<X> ? 2 : 1); ++i)
        sources.push_back({open_sender<X, support::probe>(name, small<X, support::probe>()), 0});
    auto const next_of = [&](source const& from) { return support::make_probe(from.sent, static_cast<std::uint64_t>(&from - &sources[0])); };
    for (int round = 0; round != 20; ++round) {
        for (int i = 0; i != 500; ++i)
            for (auto& from : sources) {
                BOOST_TEST_REQUIRE(send(from.end, next_of(from)).has_value());
                ++from.sent;
            }
        stop(in);
        for (auto& from : sources)
            while (send(from.end, next_of(from), deadline::poll()))
                ++from.sent;
        for (auto& from : sources)
            BOOST_TEST((from.end.reserve(sizeof(support::probe), soon()).error() == errc::timed_out));
        in.signal(SIGCONT);
    }
    std::uint64_t sent = 0;
    for (auto& from : sources) {
        BOOST_TEST(from.end.close(deadline::never()).has_value());
        sent += from.sent;
    }
    BOOST_TEST(in.wait() == 0);
    BOOST_TEST(page->done == sent);
}

TYPED_CASE(a_stopped_sender_is_not_taken_for_dead, X, one_stream)
{
    stop_the_sender<X, support::probe>();
    stop_the_sender<X, std::string>();
}

TYPED_CASE(a_sender_that_waits_for_room_sees_the_next_receiver, X, retained)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    auto const begin = [&] {
        return support::child([&] {
            auto r = open_receiver<X, support::probe>(name, small<X, support::probe>());
            while (receive<support::probe>(r, deadline::never()))
                page->done.fetch_add(1);
        });
    };
    auto s = open_sender<X, support::probe>(name, small<X, support::probe>());
    auto in = begin();
    BOOST_TEST(send(s, support::make_probe(0)).has_value());
    support::notes::await(page->done, 1);
    in.kill();
    for (std::uint64_t i = 1; send(s, support::make_probe(i), deadline::poll()); ++i) {
    }
    in = begin();
    BOOST_TEST(send(s, support::make_probe(1), deadline::never()).has_value());
    in.kill();
    BOOST_TEST(X::remove(name).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_deaths
