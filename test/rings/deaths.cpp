// Distributed under the Boost Software License, Version 1.0.

#include "raw_ends.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>

#include <sys/wait.h>

namespace {

// Deaths at every moment are those of test/crash/. Here: what the living learn of the dead and the stopped.
using namespace raw;

// So that the stopped soon keep others waiting.
strait::channel_options small() { return {.capacity = 64}; }

// Sends until it is killed.
int send_on(std::string const& name)
{
    auto s = open_sender<support::probe>(name, small());
    for (std::uint64_t i = 0;; ++i)
        if (!send(s, support::make_probe(i)))
            return 1;
}

// Receives until the sender has left; 0 when each was right, and how many they were is noted.
int receive_all(std::string const& name, support::notes& notes)
{
    auto r = open_receiver<support::probe>(name, small());
    support::sequence_checker seen;
    while (auto const m = receive<support::probe>(r, deadline::never()))
        if (!seen.see(*m))
            return 2;
    notes.done = seen.count();
    return 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_ring_kill, *boost::unit_test::fixture<support::watchdog>(support::watchdog::patience))

BOOST_AUTO_TEST_CASE(a_message_in_the_hands_of_a_killed_receiver_is_seen_again)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    auto s = open_sender<int>(name);
    BOOST_TEST(send(s, 1).has_value());
    BOOST_TEST(send(s, 2).has_value());
    support::child in([&] {
        auto r = open_receiver<int>(name);
        (void)receive<int>(r);
        (void)r.peek(deadline::never());
        page->stage = 1;
        ::pause();
    });
    support::notes::await(page->stage, 1);
    in.kill();
    auto r = open_receiver<int>(name);
    BOOST_TEST((receive<int>(r) == 2));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(a_sleeping_receiver_learns_that_its_sender_died)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    support::child out([&] {
        auto s = open_sender<int>(name);
        page->stage = 1;
        ::pause();
    });
    support::notes::await(page->stage, 1);
    support::child killer([&] {
        support::notes::await(page->proceed, 1);
        out.signal(SIGKILL);
    });
    auto r = open_receiver<int>(name);
    BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(120))).error() == errc::timed_out));
    page->proceed = 1;
    BOOST_TEST((r.peek(deadline::never()).error() == errc::closed));
    BOOST_TEST((r.ended() == strait::end_reason::died));
}

BOOST_AUTO_TEST_CASE(a_stopped_receiver_makes_its_sender_wait_and_loses_nothing)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    support::child in([&] { return receive_all(name, *page); });
    auto s = open_sender<support::probe>(name, small());
    std::uint64_t sent = 0;
    for (int round = 0; round != 20; ++round) {
        for (std::uint64_t const end = sent + 500; sent != end; ++sent)
            BOOST_TEST_REQUIRE(send(s, support::make_probe(sent)).has_value());
        in.signal(SIGSTOP);
        int status = 0;
        BOOST_TEST_REQUIRE(::waitpid(in.pid(), &status, WUNTRACED) == in.pid());
        while (send(s, support::make_probe(sent), deadline::poll()))
            ++sent;
        BOOST_TEST((s.reserve(8, soon()).error() == errc::timed_out));
        in.signal(SIGCONT);
    }
    BOOST_TEST(s.close(deadline::never()).has_value());
    BOOST_TEST(in.wait() == 0);
    BOOST_TEST(page->done == sent);
}

BOOST_AUTO_TEST_CASE(a_stopped_sender_is_not_taken_for_dead)
{
    std::string const name = support::unique_name();
    support::child out([&] { return send_on(name); });
    auto r = open_receiver<support::probe>(name, small());
    support::sequence_checker seen;
    for (int round = 0; round != 5; ++round) {
        for (int i = 0; i != 500; ++i)
            BOOST_TEST_REQUIRE(seen.see(receive<support::probe>(r).value()));
        out.signal(SIGSTOP);
        int status = 0;
        BOOST_TEST_REQUIRE(::waitpid(out.pid(), &status, WUNTRACED) == out.pid());
        while (auto const m = receive<support::probe>(r, deadline::poll()))
            BOOST_TEST_REQUIRE(seen.see(*m));
        BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(120))).error() == errc::timed_out));
        out.signal(SIGCONT);
    }
    out.kill();
    BOOST_TEST(strait::shm_ring<>::remove(name).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
