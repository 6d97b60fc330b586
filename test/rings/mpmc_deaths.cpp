// Distributed under the Boost Software License, Version 1.0.

#include "deaths.hpp"

#include <cstring>

namespace rings_mpmc_deaths {

namespace {

// Deaths at every moment are those of test/crash/. Here: what the living have of the dead and the stopped.
using namespace rings;

// Sends, or receives, until it is killed.
int send_on(std::string const& name, support::notes& notes)
{
    auto s = open_sender<mpmc, support::probe>(name, {.capacity = 16});
    for (std::uint64_t i = 0;; ++i) {
        if (!send(s, support::make_probe(i)))
            return 1;
        notes.done.store(i + 1, std::memory_order_relaxed);
    }
}
int receive_on(std::string const& name, support::notes& notes)
{
    auto r = open_receiver<mpmc, support::probe>(name, {.capacity = 16});
    while (receive<support::probe>(r, deadline::never()))
        notes.stage.fetch_add(1, std::memory_order_relaxed);
    return 2;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_mpmc_deaths, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(stopped_ends_do_not_keep_others_from_going_on)
{
    std::string const name = support::unique_name();
    for (int round = 0; round != support::rounds(60); ++round) {
        support::shared_page page;
        support::child in([&] { return receive_on(name, *page); });
        support::child out([&] { return send_on(name, *page); });
        // Both have joined: an end that is stopped while it joins holds up others. Then they are stopped at some later moment.
        support::notes::await(page->stage, 1 + support::mixed(static_cast<std::uint64_t>(round)) % 1000);
        stop(out);
        stop(in);
        auto s = open_sender<mpmc, support::probe>(name, {.capacity = 16});
        auto r = open_receiver<mpmc, support::probe>(name, {.capacity = 16});
        while (receive<support::probe>(r, deadline::poll())) {
        }
        for (std::uint64_t i = 0; i != 200; ++i) {
            BOOST_TEST_REQUIRE(send(s, support::make_probe(i), deadline::poll()).has_value());
            BOOST_TEST_REQUIRE((receive<support::probe>(r, deadline::poll()) == support::make_probe(i)));
        }
    }
    BOOST_TEST(mpmc::remove(name).has_value());
}

BOOST_AUTO_TEST_CASE(the_buffers_of_the_dead_are_used_again_without_touching_what_they_hold)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 4};
    auto r = open_receiver<mpmc, std::uint64_t>(name, how);
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    for (int round = 0; round != support::rounds(100); ++round) {
        std::uint64_t const room = 4 - (sent - received);
        std::uint64_t const more = static_cast<std::uint64_t>(round) % (room + 1);
        support::child doomed([&] {  // always in the first place
            auto s = open_sender<mpmc, std::uint64_t>(name);
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
    BOOST_TEST((r.peek(patiently()).error() == errc::closed));
    BOOST_TEST((r.ended() == strait::end_reason::died));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_mpmc_deaths
