// Distributed under the Boost Software License, Version 1.0.

#include "points.hpp"

#include "fibers.hpp"
#include "scenes.hpp"

#include <support/names.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace wakes_schedules {

namespace {

using namespace wakes;

using scenes = std::tuple<scene<ring<strait::spsc>, std::uint64_t, 1, 1>, scene<ring<strait::spsc>, std::string, 1, 1>,
                          scene<ring<strait::mpsc>, std::uint64_t, 1, 1>, scene<ring<strait::mpsc>, std::uint64_t, 2, 1>,
                          scene<ring<strait::mpmc>, std::uint64_t, 1, 1>, scene<ring<strait::mpmc>, std::uint64_t, 2, 1>,
                          scene<ring<lossless>, std::uint64_t, 1, 1, true>, scene<strait::sysv_mqueue, std::uint64_t, 1, 1>>;

// Of one sender: two that leave wait for each other's locks by the clock.
using streams = std::tuple<scene<ring<strait::spsc>, std::uint64_t, 1, 1>, scene<ring<strait::mpsc>, std::uint64_t, 1, 1>,
                           scene<ring<strait::mpmc>, std::uint64_t, 1, 1>, scene<ring<strait::mpmc>, std::uint64_t, 1, 2>,
                           scene<ring<lossless>, std::uint64_t, 1, 1, true>, scene<strait::sysv_mqueue, std::uint64_t, 1, 1>>;

}  // namespace

BOOST_AUTO_TEST_SUITE(wakes_schedules)

// Whoever begins, and whichever other end takes over at up to two of the points: each sleep ends by a wake-up.
TYPED_CASE(no_order_of_steps_loses_a_wake_up, S, scenes)
{
    support::watchdog const bound;
    using X = typename S::transport;
    using T = typename S::type;
    constexpr std::uint64_t each = 3;
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = std::is_same_v<T, std::string> ? 256U : 2U};
    std::vector<strait::receiver<T, X>> ins;
    std::vector<strait::sender<T, X>> outs;
    for (int i = 0; i != S::receivers; ++i)
        ins.emplace_back(name, how);
    for (int i = 0; i != S::senders; ++i)
        outs.emplace_back(name, how);
    std::vector<fibers::body> bodies;
    for (auto& in : ins)
        bodies.emplace_back([&in] {
            for (std::uint64_t i = 0; i != each * S::senders; ++i)
                (void)in.receive();
        });
    for (auto& out : outs)
        bodies.emplace_back([&out] {
            for (std::uint64_t i = 0; i != each; ++i)
                out.send(message_of<T>(i + 100));
        });
    std::uint64_t orders = 0;
    std::uint64_t const farthest = support::rounds(1) == 1 ? 64 : 1'000;
    for (std::size_t first = 0; first != bodies.size(); ++first) {
        std::uint64_t points = farthest;
        for (std::uint64_t a = 0; a < points && a < farthest; ++a)
            for (std::uint64_t b = a; b < points && b < a + farthest; ++b) {
                fibers all(bodies, first, a == b ? std::vector{a} : std::vector{a, b});
                ++orders;
                if (!all.run())
                    BOOST_FAIL("all sleep when " << first << " begins and others take over at the points " << a << " and " << b);
                points = all.points();
            }
    }
    BOOST_TEST_MESSAGE(orders << " orders");
    BOOST_TEST(orders > 100U);
}

// Ends are made anew for each order: the sender leaves, and whoever waits then learns of it by a wake-up.
TYPED_CASE(no_order_of_steps_hides_the_end_of_a_stream, S, streams)
{
    support::watchdog const bound;
    using X = typename S::transport;
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 2};
    std::uint64_t orders = 0;
    std::uint64_t points = support::rounds(1) == 1 ? 48 : 1'000;
    std::uint64_t const farthest = points;
    for (std::size_t first = 0; first != 1U + S::receivers; ++first, points = farthest)
        for (std::uint64_t a = 0; a < points && a < farthest; ++a)
            for (std::uint64_t b = a; b < points && b < a + farthest / 4; b += 1 + (b - a) / 4) {
                std::vector<strait::receiver<std::uint64_t, X>> ins;
                for (int i = 0; i != S::receivers; ++i)
                    ins.emplace_back(name, how);
                strait::sender<std::uint64_t, X> out(name, how);
                std::uint64_t came = 0, ended = 0;
                std::vector<fibers::body> bodies;
                for (auto& in : ins)
                    bodies.emplace_back([&] {
                        while (in.receive())
                            ++came;
                        ++ended;
                    });
                bodies.emplace_back([&] {
                    out.send(1);
                    out.close().value();
                });
                fibers all(bodies, first, a == b ? std::vector{a} : std::vector{a, b});
                ++orders;
                if (!all.run())
                    BOOST_FAIL("all sleep when " << first << " begins and others take over at the points " << a << " and " << b);
                BOOST_TEST_REQUIRE(came == 1U);
                BOOST_TEST_REQUIRE(ended == static_cast<std::uint64_t>(S::receivers));
                points = all.points();
            }
    BOOST_TEST_MESSAGE(orders << " orders");
    BOOST_TEST(orders > 50U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace wakes_schedules
