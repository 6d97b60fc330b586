// Distributed under the Boost Software License, Version 1.0.
// Whatever a hostile peer writes into its own memory, and however often it rings, no operation on sealed memory makes more than a few
// turns in loops over it.

#include "points.hpp"

#include <sealed_memory/raw_sealed.hpp>

#include <strait/channel.hpp>

#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/residue.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace crash_steps_sealed {

namespace {

constexpr std::uint64_t most_steps = 64;

// Counts the steps of one operation into `most`.
template <class Operation>
void count(std::uint64_t& most, std::uint64_t& all, Operation operation)
{
    std::uint64_t const before = crash::steps_made;
    operation();
    most = std::max(most, crash::steps_made - before);
    all += crash::steps_made - before;
}

std::uint64_t near(std::uint64_t right, std::mt19937_64& random)
{
    std::uint64_t const values[] = {right,         right + random() % 64 * 8, right - random() % 64, right ^ std::uint64_t{1} << random() % 64,
                                    random() % 64, random() >> random() % 64};
    return values[random() % std::size(values)];
}

void scribble(raw::memory& m, std::uint64_t position, std::mt19937_64& random)
{
    for (std::uint64_t n = random() % 40; n != 0 && m.all().size() > 4096; --n) {
        std::uint64_t const word = random() % 4 != 0 ? (random() % 60 | std::uint64_t{raw::stream_frame::data} << 32) : random();
        std::memcpy(m.data() + random() % 512 * 8, &word, 8);
    }
    m.words().position.store(near(position, random));
    m.words().sleeps.store(static_cast<std::uint32_t>(near(1, random)));
    if (random() % 8 == 0)
        m.words().left.store(static_cast<std::uint32_t>(random()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_steps_sealed, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(random_words_of_a_hostile_sender_cost_a_receiver_a_bounded_number_of_steps)
{
    using channel = strait::channel<std::string, strait::sealed_memory>;
    using hostile = raw::hostile_sender<strait::detail::codec<std::string>::layout>;
    std::mt19937_64 random(3);
    std::uint64_t most = 0;
    std::uint64_t all = 0;
    for (int i = 0; i != support::rounds(200); ++i) {
        std::string const name = support::unique_name();
        channel::receiver in{name};
        std::vector<hostile> peers;
        for (std::uint64_t n = 1 + random() % 4; n != 0; --n) {
            peers.emplace_back(support::channel_directory() + "/" + name + ".sock");
            peers.back().open();
        }
        for (int k = 0; k != 20; ++k) {
            for (hostile& h : peers) {
                scribble(h.own(), static_cast<std::uint64_t>(k) * 64, random);
                if (random() % 16 == 0)
                    h.ring(random() % 200);
            }
            count(most, all, [&] { (void)in.try_receive(); });
            count(most, all, [&] { (void)in.receive_for(std::chrono::nanoseconds(1)); });
        }
        count(most, all, [&] { in.close().value(); });
    }
    BOOST_TEST(most <= most_steps);
    BOOST_TEST(all != 0U);
}

BOOST_AUTO_TEST_CASE(random_words_of_a_hostile_receiver_cost_a_sender_a_bounded_number_of_steps)
{
    using channel = strait::channel<std::uint64_t, strait::sealed_memory>;
    support::held_directory const held;
    std::mt19937_64 random(5);
    std::uint64_t most = 0;
    std::uint64_t all = 0;
    for (int i = 0; i != support::rounds(200); ++i) {
        std::string const name = support::unique_name();
        raw::hostile_receiver in(support::channel_directory() + "/" + name + ".sock");
        channel::sender out{name, {.capacity = 4096}};
        in.accept();
        if (random() % 8 != 0)
            in.answer();
        for (int k = 0; k != 400; ++k) {
            if (k % 100 == 99) {
                scribble(in.own(), static_cast<std::uint64_t>(k) * 8, random);
                in.ring(random() % 4 == 0 ? random() % 200 : 0);
            }
            count(most, all, [&] { (void)out.try_send(1); });
            if (k % 50 == 0)
                count(most, all, [&] { (void)out.send_for(1, std::chrono::nanoseconds(1)); });
        }
        count(most, all, [&] { (void)out.close(); });
    }
    BOOST_TEST(most <= most_steps);
    BOOST_TEST(all != 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_steps_sealed
