// Distributed under the Boost Software License, Version 1.0.

#include "points.hpp"

#include <strait/receiver.hpp>
#include <strait/sender.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>

#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace {

struct sleeping {
    static constexpr char const* name = "sleeping";
    static constexpr bool sleeps = true;
    static constexpr std::int64_t spin_nanoseconds = 0;
};

template <class Topology, class T, int Senders, int Receivers>
struct scene {
    using transport = strait::shm_ring<Topology, sleeping>;
    using type = T;
    static constexpr int senders = Senders;
    static constexpr int receivers = Receivers;
    static constexpr bool to_each = std::is_same_v<Topology, strait::broadcast<strait::lossless>>;
};

using lossless = strait::broadcast<strait::lossless>;
using scenes = std::tuple<scene<strait::spsc, std::uint64_t, 1, 1>, scene<strait::spsc, std::string, 1, 1>,
                          scene<strait::mpsc, std::uint64_t, 1, 1>, scene<strait::mpsc, std::uint64_t, 3, 1>,
                          scene<strait::mpmc, std::uint64_t, 2, 2>, scene<lossless, std::uint64_t, 1, 2>>;

template <class T>
T message_of(std::uint64_t i)
{
    if constexpr (std::is_same_v<T, std::string>)
        return std::string(i % 50, 'x');
    else
        return i;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wakes_rings)

// Each message comes by a wake-up, and each wait for room ends by one. No end dies here.
TYPED_CASE(no_wake_up_is_left_to_a_slice, S, scenes)
{
    support::watchdog const bound;
    using X = typename S::transport;
    using T = typename S::type;
    constexpr std::uint64_t each = 2'000;
    int const rounds = support::rounds(2);
    for (int round = 0; round != rounds; ++round) {
        wakes::begin(static_cast<std::uint64_t>(round));
        std::string const name = support::unique_name();
        std::atomic<std::uint64_t> received{0};
        std::atomic<int> there{0};
        std::vector<std::thread> threads;
        strait::channel_options const how{.capacity = std::is_same_v<T, std::string> ? 256U : 4U};
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
                    wakes::note();
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
                for (std::uint64_t k = 0; k != each && wakes::missed() == 0; ++k) {
                    out.send(message_of<T>(k));
                    wakes::note();
                    // Bursts, which fill the ring, and pauses, in which receivers sleep.
                    pause = support::mixed(pause);
                    if (pause % 8 < 2)
                        for (auto turns = pause / 8 % 40; turns != 0; --turns)
                            std::this_thread::yield();
                }
            });
        for (std::thread& t : threads)
            t.join();
        BOOST_TEST_REQUIRE(wakes::missed() == 0U);
        BOOST_TEST(received == each * S::senders * (S::to_each ? S::receivers : 1));
    }
}

BOOST_AUTO_TEST_SUITE_END()
