// Distributed under the Boost Software License, Version 1.0.

#include "exchange.hpp"

#include <strait/transport/in_process.hpp>

#include <support/messages.hpp>
#include <support/typed_case.hpp>

#include <chrono>
#include <cstdint>
#include <thread>
#include <tuple>

namespace wakes_queues {

namespace {

using wakes::scene;
using namespace std::chrono_literals;

using scenes = std::tuple<scene<strait::sysv_mqueue, std::uint64_t, 1, 1>, scene<strait::sysv_mqueue, std::uint64_t, 2, 2>>;

}  // namespace

BOOST_AUTO_TEST_SUITE(wakes_queues)

TYPED_CASE(no_wake_up_is_left_to_a_slice, S, scenes)
{
    wakes::exchange<S>(600, {.capacity = 4});
}

// Of two senders that wait for room one only asks for it. If it is the one that is woken, it wakes the other.
BOOST_AUTO_TEST_CASE(a_wake_up_that_is_not_needed_is_passed_on)
{
    support::watchdog const bound;
    using number = std::uint64_t;
    strait::in_process::options how;
    how.capacity = 1;
    for (int round = 0; round != 100; ++round) {
        auto const name = support::unique_name();
        strait::receiver<number, strait::in_process> in{name, how};
        strait::sender<number, strait::in_process> first{name, how};
        strait::sender<number, strait::in_process> second{name, how};
        first.send(1);
        std::thread asking([&] { (void)first.claim(); });  // is dropped, and takes no room
        bool sent = false;
        std::thread sending([&] { sent = second.send_for(2, 60s).has_value(); });
        wakes::stay(support::mixed(static_cast<std::uint64_t>(round)), 300'000);
        BOOST_TEST(in.receive().value() == 1U);
        sending.join();
        BOOST_TEST_REQUIRE(sent);
        BOOST_TEST(in.receive().value() == 2U);
        asking.join();
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace wakes_queues
