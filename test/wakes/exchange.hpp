// Distributed under the Boost Software License, Version 1.0.
#ifndef WAKES_EXCHANGE_HPP
#define WAKES_EXCHANGE_HPP

#include "scenes.hpp"

#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace wakes {

/// So many messages of each sender, in bursts, which fill the channel, with pauses in which receivers sleep. Each message
/// comes by a wake-up, and each wait for room ends by one. No end dies here.
template <class S>
void exchange(std::uint64_t each, strait::channel_options const& how)
{
    support::watchdog const bound;
    using X = typename S::transport;
    using T = typename S::type;
    int const rounds = support::rounds(2);
    for (int round = 0; round != rounds; ++round) {
        begin(static_cast<std::uint64_t>(round));
        std::string const name = support::unique_name();
        std::atomic<std::uint64_t> received{0};
        std::atomic<int> there{0};
        std::vector<std::thread> threads;
        auto const meet = [&] {
            for (++there; there != S::senders + S::receivers;)
                std::this_thread::yield();
        };
        for (int i = 0; i != S::receivers; ++i)
            threads.emplace_back([&] {
                strait::receiver<T, X> in(name, how);
                meet();
                for (;;) {
                    auto const got = in.receive();
                    note();
                    if (!got)
                        break;
                    ++received;
                }
            });
        for (int i = 0; i != S::senders; ++i)
            threads.emplace_back([&, i] {
                strait::sender<T, X> out(name, how);
                meet();
                std::uint64_t pause = support::mixed(static_cast<std::uint64_t>(round * 8 + i));
                for (std::uint64_t k = 0; k != each && missed() == 0; ++k) {
                    out.send(message_of<T>(k));
                    note();
                    pause = support::mixed(pause);
                    if (pause % 8 < 2)
                        stay(pause / 8, 30'000);
                }
            });
        for (std::thread& t : threads)
            t.join();
        BOOST_TEST_REQUIRE(missed() == 0U);
        BOOST_TEST(received == each * S::senders * (S::to_each ? S::receivers : 1));
    }
}

}  // namespace wakes

#endif
