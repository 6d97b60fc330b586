// Distributed under the Boost Software License, Version 1.0.
// However the memory of a ring is damaged, no operation makes more than so many turns in loops over it. Each such loop of the
// library is marked with STRAIT_STEP.

#include "points.hpp"

#include <rings/raw_ends.hpp>

#include <strait/channel.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

namespace crash_steps_of_damage {

namespace {

using strait::errc;
using word = strait::detail::mpmc_word;

constexpr std::uint64_t most_steps = 1 << 17;

using mpmc = strait::shm_ring<strait::mpmc>;
using topologies = std::tuple<strait::shm_ring<strait::spsc>, strait::shm_ring<strait::mpsc>, mpmc,
                              strait::shm_ring<strait::broadcast<strait::lossless>>,
                              strait::shm_ring<strait::broadcast<strait::lossy>>, strait::shm_ring<strait::broadcast<strait::latest>>>;

// Runs one operation; returns how many steps it has made.
template <class Operation>
std::uint64_t steps_of(Operation operation)
{
    std::uint64_t const before = crash::steps_made;
    operation();
    return crash::steps_made - before;
}

// Writes words of every magnitude to the ring, many of them nearly right.
void damage(raw::segment const& memory, std::mt19937_64& random)
{
    std::size_t const first = 4096;  // behind the control block
    std::size_t const end = memory.words() * 8;
    for (std::uint64_t n = 1 + random() % 40; n != 0; --n) {
        std::size_t at = first + random() % ((end - first) / 8) * 8;
        if (random() % 4 != 0)
            at = random() % 2 == 0 ? first + random() % 256 * 8 : strait::detail::ring_data_offset() + random() % 64 * 8;
        if (at >= end)
            continue;
        auto& shared = memory.word(at);
        std::uint64_t const right = shared.load();
        std::uint64_t const values[] = {right + random() % 64 * 8,
                                        right - random() % 64,
                                        right ^ std::uint64_t{1} << random() % 64,
                                        right + (random() % 4 << 24),
                                        right + (random() << 24),
                                        random() >> random() % 64};
        shared.store(values[random() % std::size(values)]);
    }
}

template <class X, class T>
void check_random_damage(int rounds)
{
    std::mt19937_64 random(7);
    std::uint64_t most = 0;
    std::uint64_t all = 0;
    for (int i = 0; i != rounds; ++i) {
        std::string const name = support::unique_name();
        typename X::options how;
        how.capacity = std::is_same_v<T, std::string> && !std::is_same_v<X, mpmc> ? 4096 : 8;
        how.max_message_size = 700;
        how.keep = true;
        std::optional<strait::receiver<T, X>> in(std::in_place, name, how);
        std::optional<strait::sender<T, X>> out(std::in_place, name, how);
        for (std::uint64_t k = random() % 20; k != 0; --k) {
            (void)out->try_send(support::make_message<T>(k, k));
            if (random() % 2 == 0)
                (void)in->try_receive();
        }
        raw::segment const memory(name);
        damage(memory, random);
        auto const count = [&](auto operation) {
            std::uint64_t const steps = steps_of(operation);
            all += steps;
            most = std::max(most, steps);
        };
        for (int k = 0; k != 3; ++k) {
            count([&] { (void)in->try_receive(); });
            count([&] { (void)out->try_send(support::make_message<T>(1, 1)); });
            count([&] { (void)out->try_flush(); });
            count([&] { (void)in->stats(); });
            count([&] { (void)out->stats(); });
        }
        count([&] { (void)in->close(); });
        in.reset();
        count([&] { (void)strait::receiver<T, X>::open(name, how); });
        count([&] { (void)out->close(); });
        out.reset();
        count([&] { (void)strait::sender<T, X>::open(name, how); });
        count([&] { (void)X::remove(name); });
    }
    BOOST_TEST(most <= most_steps);
    if (!std::is_same_v<X, strait::shm_ring<strait::spsc>> && !std::is_same_v<X, strait::shm_ring<strait::broadcast<strait::latest>>>)
        BOOST_TEST(all != 0U);
}

// A ring of mpmc whose words have laps that lie in a circle: each is behind the next one, whatever position it is compared with.
template <class T>
struct circle {
    std::string name = support::unique_name();
    strait::channel_options how;
    std::optional<strait::receiver<T, mpmc>> in;
    std::optional<strait::sender<T, mpmc>> out;
    std::optional<raw::segment> memory;

    explicit circle(std::uint64_t capacity)
    {
        how.capacity = capacity;
        how.max_message_size = 700;
        in.emplace(name, how);
        out.emplace(name, how);
        out->send(support::make_message<T>(1, 1));
        (void)in->receive();
        memory.emplace(name);
    }
    ~circle() { (void)mpmc::remove(name); }

    void draw_random(std::uint64_t capacity, std::mt19937_64& random)
    {
        strait::detail::mpmc_words const words(&memory->message(0), capacity);
        for (std::uint64_t p = 0; p != capacity; ++p)
            words.at(p).store(random() % 2 == 0 ? word::full(random(), random() % 8) : word::empty(random()));
    }

    // `turns`: how many times the circle goes round from the first place to the last.
    void draw(std::uint64_t capacity, bool full, std::uint64_t turns)
    {
        strait::detail::mpmc_words const words(&memory->message(0), capacity);
        for (std::uint64_t p = 0; p != capacity; ++p) {
            std::uint64_t const lap = ((std::uint64_t{1} << 40) * turns / capacity * (p + 1)) % (std::uint64_t{1} << 40);
            words.at(p).store(full ? word::full(lap, 0) : word::empty(lap));
        }
    }
};

template <class T>
void check_circles()
{
    for (std::uint64_t const capacity : {4U, 64U, 4096U})
        for (bool const full : {false, true})
            for (std::uint64_t const turns : {1U, 3U}) {
                BOOST_TEST_CONTEXT("capacity " << capacity << (full ? ", full" : ", empty") << ", turns " << turns)
                {
                    circle<T> c(capacity);
                    c.draw(capacity, full, turns);
                    strait::error_code received;
                    BOOST_TEST(steps_of([&] { received = c.in->try_receive().error(); }) <= most_steps);
                    BOOST_TEST((received == errc::peer_corrupt), received.message());
                    BOOST_TEST(steps_of([&] { (void)c.out->try_send(support::make_message<T>(1, 1)); }) <= most_steps);
                    BOOST_TEST(steps_of([&] { (void)c.out->stats(); }) <= most_steps);
                    BOOST_TEST(steps_of([&] { (void)strait::receiver<T, mpmc>::open(c.name, c.how); }) <= most_steps);
                    BOOST_TEST(steps_of([&] { (void)strait::sender<T, mpmc>::open(c.name, c.how); }) <= most_steps);
                }
            }
}

template <class T>
void check_random_laps(int rounds)
{
    std::mt19937_64 random(11);
    std::uint64_t most = 0;
    for (std::uint64_t const capacity : {2U, 4U, 8U, 64U}) {
        circle<T> c(capacity);
        for (int i = 0; i != rounds; ++i) {
            c.draw_random(capacity, random);
            most = std::max(most, steps_of([&] { (void)c.in->try_receive(); }));
            most = std::max(most, steps_of([&] { (void)c.in->try_receive(); }));
            most = std::max(most, steps_of([&] { (void)c.out->try_send(support::make_message<T>(1, 1)); }));
            most = std::max(most, steps_of([&] { (void)c.out->try_send(support::make_message<T>(1, 1)); }));
            most = std::max(most, steps_of([&] { (void)c.out->stats(); }));
        }
    }
    BOOST_TEST(most <= most_steps);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_steps_of_damage, *boost::unit_test::fixture<support::watchdog>())

TYPED_CASE(random_words_cost_a_bounded_number_of_steps, X, topologies)
{
    check_random_damage<X, support::probe>(support::rounds(100));
    check_random_damage<X, std::string>(support::rounds(100));
}

BOOST_AUTO_TEST_CASE(laps_that_lie_in_a_circle_are_found_in_a_bounded_number_of_steps)
{
    check_circles<support::probe>();
    check_circles<std::string>();
}

BOOST_AUTO_TEST_CASE(random_laps_cost_a_bounded_number_of_steps)
{
    check_random_laps<support::probe>(support::rounds(2000));
    check_random_laps<std::string>(support::rounds(500));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_steps_of_damage
