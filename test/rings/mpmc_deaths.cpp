// Distributed under the Boost Software License, Version 1.0.

#include "raw_mpmc.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace {

// Deaths at every moment are those of test/crash/. Here: what the living have of the dead and the stopped.
using namespace many;

// Sends, or receives, until it is killed.
int send_on(std::string const& name, support::notes& notes)
{
    auto s = open_sender<support::probe>(name, {.capacity = 16});
    for (std::uint64_t i = 0;; ++i) {
        if (!send(s, support::make_probe(i)))
            return 1;
        notes.done.store(i + 1, std::memory_order_relaxed);
    }
}
int receive_on(std::string const& name, support::notes& notes)
{
    auto r = open_receiver<support::probe>(name, {.capacity = 16});
    while (receive<support::probe>(r, deadline::never()))
        notes.stage.fetch_add(1, std::memory_order_relaxed);
    return 2;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_mpmc_kill, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(the_stopped_keep_nobody_from_going_on)
{
    std::string const name = support::unique_name();
    for (int round = 0; round != support::rounds(60); ++round) {
        support::shared_page page;
        support::child in([&] { return receive_on(name, *page); });
        support::child out([&] { return send_on(name, *page); });
        // Both are through the door, where who is stopped holds up others; then somewhere on their way.
        support::notes::await(page->stage, 1 + support::mixed(static_cast<std::uint64_t>(round)) % 1000);
        out.signal(SIGSTOP);
        in.signal(SIGSTOP);
        for (auto* c : {&in, &out}) {
            int status = 0;
            BOOST_TEST_REQUIRE(::waitpid(c->pid(), &status, WUNTRACED) == c->pid());
        }
        auto s = open_sender<support::probe>(name, {.capacity = 16});
        auto r = open_receiver<support::probe>(name, {.capacity = 16});
        while (receive<support::probe>(r, deadline::poll())) {
        }
        for (std::uint64_t i = 0; i != 200; ++i) {
            BOOST_TEST_REQUIRE(send(s, support::make_probe(i), deadline::poll()).has_value());
            BOOST_TEST_REQUIRE((receive<support::probe>(r, deadline::poll()) == support::make_probe(i)));
        }
    }
    BOOST_TEST(ring::remove(name).has_value());
}

BOOST_AUTO_TEST_CASE(a_message_in_the_hands_of_a_killed_receiver_is_gone_with_it)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    auto s = open_sender<int>(name);
    for (int i = 1; i != 4; ++i)
        BOOST_TEST(send(s, i).has_value());
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
    BOOST_TEST((receive<int>(r) == 3));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(the_buffers_of_the_dead_are_used_again_without_touching_what_they_hold)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 4};
    auto r = open_receiver<std::uint64_t>(name, how);
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    for (int round = 0; round != support::rounds(100); ++round) {
        std::uint64_t const room = 4 - (sent - received);
        std::uint64_t const more = static_cast<std::uint64_t>(round) % (room + 1);
        support::child doomed([&] {  // always in the first place
            auto s = open_sender<std::uint64_t>(name);
            for (std::uint64_t i = 0; i != more; ++i)
                send(s, sent + i, deadline::poll()).value();
            if (auto const half = s.reserve(8, deadline::poll()))
                std::memset(half->data(), 0xff, 8);
            ::raise(SIGKILL);
        });
        BOOST_TEST_REQUIRE(doomed.wait() == -SIGKILL);
        sent += more;
        for (int n = round % 3; n != 0 && received != sent; --n)
            BOOST_TEST_REQUIRE((receive<std::uint64_t>(r, deadline::poll()) == received++));
    }
    while (received != sent)
        BOOST_TEST_REQUIRE((receive<std::uint64_t>(r, deadline::poll()) == received++));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::closed));
    BOOST_TEST((r.ended() == strait::end_reason::died));
}

BOOST_AUTO_TEST_CASE(sleeping_receivers_learn_that_the_last_sender_died)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    support::child out([&] {
        auto s = open_sender<int>(name);
        page->stage = 1;
        ::pause();
    });
    support::notes::await(page->stage, 1);
    auto const wait_for_the_end = [&] {
        auto r = open_receiver<int>(name);
        page->done.fetch_add(1);
        return r.peek(deadline::never()).error() == errc::closed && r.ended() == strait::end_reason::died ? 0 : 1;
    };
    support::child one(wait_for_the_end);
    support::child two(wait_for_the_end);
    support::notes::await(page->done, 2);
    auto r = open_receiver<int>(name);
    BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(120))).error() == errc::timed_out));
    out.kill();
    BOOST_TEST(one.wait() == 0);
    BOOST_TEST(two.wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
