// Distributed under the Boost Software License, Version 1.0.

#include "raw_mpmc.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <vector>

namespace {

using namespace many;

constexpr std::uint64_t small_ring = 16;

// Everything that ends can do, in the hands of a process whose memory somebody scribbles over.
template <class T>
void use_all_ends(std::string const& name, support::notes& notes)
{
    strait::channel_options const how{
        .capacity = small_ring, .max_message_size = 600, .linger = std::chrono::milliseconds(50), .keep = true};
    for (int round = 0; round != support::rounds(40); ++round) {
        auto s = sender<T>::open(name, how, "test");
        auto t = sender<T>::open(name, how, "test");
        auto r = receiver<T>::open(name, how, "test");
        auto q = receiver<T>::open(name, how, "test");
        notes.stage = 1;
        for (std::uint64_t k = 0; k != 300; ++k) {
            auto const until = k % 50 == 0 ? deadline::after(std::chrono::milliseconds(1)) : deadline::poll();
            for (auto* out : {&s, &t})
                if (*out)
                    (void)send(**out, support::make_message<T>(k, k), until);
            for (auto* in : {&r, &q})
                if (*in && k % 3 != 0)
                    (void)receive<T>(**in, until);
        }
        if (s)
            (void)s->stats();
    }
}

// Half of the writes go to the words of the ring, of every magnitude, and many of them nearly right.
void scribble(std::string const& name, unsigned seed, std::size_t from)
{
    segment const memory(name, small_ring);
    std::mt19937_64 random(seed);
    std::size_t const end = memory.words() * 8;
    for (;;) {
        if (random() % 2 == 0) {
            auto& word = memory.ring_word(random() % small_ring);
            std::uint64_t const right = word.load(std::memory_order_relaxed);
            std::uint64_t const change = random() % 4;
            word.store(change == 0   ? right + (std::uint64_t{1} << word::lap_shift)
                       : change == 1 ? right ^ word::full_bit
                       : change == 2 ? right ^ random() % word::full_bit
                                     : random() >> random() % 64,
                       std::memory_order_relaxed);
        } else {
            memory.word(from + random() % ((end - from) / 8) * 8).store(random() >> random() % 64, std::memory_order_relaxed);
        }
    }
}

template <class T>
void survive_scribblers()
{
    support::shared_page page;
    for (int i = 0; i != support::rounds(6); ++i) {
        std::string const name = support::unique_name();
        page->stage = 0;
        support::child victim([&] { use_all_ends<T>(name, *page); });
        support::notes::await(page->stage, 1);
        // With the control block, which stops everybody who opens; and without it.
        support::child scribbler([&] { scribble(name, static_cast<unsigned>(i), i % 2 == 0 ? 0 : 4096); });
        BOOST_TEST(victim.wait() == 0);
        scribbler.kill();
        BOOST_TEST(ring::remove(name).has_value());
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_mpmc_damage, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_word_that_no_sender_writes_is_corrupt_to_a_receiver)
{
    std::string const name = support::unique_name();
    auto s = open_sender<std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<std::uint64_t>(name);
    segment const memory(name, 8);
    for (std::uint64_t i = 0; i != 20; ++i) {  // into the third lap
        BOOST_TEST(send(s, i).has_value());
        BOOST_TEST((receive<std::uint64_t>(r) == i));
    }
    BOOST_TEST(send(s, std::uint64_t{20}).has_value());
    std::uint64_t const right = memory.ring_word(4).load();
    BOOST_TEST(word::is_full_in(right, 2));
    for (std::uint64_t const wrong : {
             word::full(1, 0),                          // of a lap that is over
             word::empty(1),
             word::empty(2) | 1,                        // neither empty nor full
             word::full(2, 64 * 8),                     // a buffer behind the last one
             word::full(2, word::most_buffers - 1),
             word::full((std::uint64_t{1} << 39) + 9, 0),
         }) {
        memory.ring_word(4).store(wrong);
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((r.peek(until).error() == errc::peer_corrupt));
    }
    memory.ring_word(4).store(right);
    BOOST_TEST((receive<std::uint64_t>(r) == 20U));
}

BOOST_AUTO_TEST_CASE(a_word_that_no_receiver_writes_is_corrupt_to_a_sender)
{
    std::string const name = support::unique_name();
    auto s = open_sender<std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<std::uint64_t>(name);
    segment const memory(name, 8);
    for (std::uint64_t i = 0; i != 8; ++i)
        BOOST_TEST(send(s, i).has_value());
    std::uint64_t const right = memory.ring_word(0).load();
    for (std::uint64_t const wrong : {word::empty(0), word::empty(1) | 7, word::full(0, 99), word::full(std::uint64_t{1} << 39, 0)}) {
        memory.ring_word(0).store(wrong);
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((send(s, std::uint64_t{8}, until).error() == errc::peer_corrupt));
    }
    memory.ring_word(0).store(right);
    BOOST_TEST(s.stats().messages == 8U);
    BOOST_TEST(s.close(deadline::poll()).has_value());
    auto next = open_sender<std::uint64_t>(name);
    BOOST_TEST((send(next, std::uint64_t{8}, deadline::poll()).error() == errc::full));
    BOOST_TEST(receive<std::uint64_t>(r).has_value());  // of damaged memory: perhaps not what was sent
    BOOST_TEST(send(next, std::uint64_t{8}, deadline::poll()).has_value());
    BOOST_TEST(ring::remove(name).has_value());
}

BOOST_AUTO_TEST_CASE(words_of_a_far_lap_end_no_operation_but_by_its_deadline)
{
    std::string const name = support::unique_name();
    auto s = open_sender<std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<std::uint64_t>(name);
    segment const memory(name, 8);
    for (std::uint64_t place = 0; place != 8; ++place)
        memory.ring_word(place).store(word::full((std::uint64_t{1} << 38) + place * 12345, 3));
    for (int i = 0; i != 20; ++i) {
        (void)send(s, std::uint64_t{1}, deadline::poll());
        (void)receive<std::uint64_t>(r, deadline::poll());
        (void)send(s, std::uint64_t{1}, soon());
        (void)receive<std::uint64_t>(r, soon());
    }
}

BOOST_AUTO_TEST_CASE(a_size_that_cannot_be_is_corrupt)
{
    std::string const name = support::unique_name();
    auto s = open_sender<std::string>(name, {.capacity = 8, .max_message_size = 100});
    auto r = open_receiver<std::string>(name);
    segment const memory(name, 8);
    BOOST_TEST(send(s, std::string("whole")).has_value());
    for (std::uint64_t const wrong : {std::uint64_t{101}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
        memory.buffer(0).store(wrong);
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((r.peek(until).error() == errc::peer_corrupt));
    }
    memory.buffer(0).store(5);
    BOOST_TEST((receive<std::string>(r) == std::string("whole")));
}

BOOST_AUTO_TEST_CASE(own_buffers_that_seem_to_be_where_they_cannot_be_are_corrupt_to_the_next_sender)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<std::uint64_t>(name, {.capacity = 8});
    segment const memory(name, 8);
    memory.ring_word(5).store(word::full(77, 0));
    BOOST_TEST((sender<std::uint64_t>::open(name, {}, "test").error() == errc::peer_corrupt));
    memory.ring_word(5).store(word::full(77, word::most_buffers - 1));  // of nobody: then the lap is not ours to judge
    (void)sender<std::uint64_t>::open(name, {}, "test");
    memory.ring_word(5).store(0);
    BOOST_TEST(sender<std::uint64_t>::open(name, {}, "test").has_value());
}

BOOST_AUTO_TEST_CASE(a_capacity_that_does_not_fit_the_segment_is_corrupt)
{
    std::string const name = support::unique_name();
    auto s = open_sender<std::uint64_t>(name, {.capacity = 8});
    auto t = open_sender<std::string>(name + "t", {.capacity = 8, .max_message_size = 100});
    segment const fixed(name, 8);
    segment const varying(name + "t", 8);
    for (std::uint64_t const wrong : {std::uint64_t{0}, std::uint64_t{12}, std::uint64_t{1} << 22, std::uint64_t{1} << 30,
                                      std::uint64_t{1} << 63}) {
        fixed.word(40).store(wrong);
        varying.word(40).store(wrong);
        BOOST_TEST((receiver<std::uint64_t>::open(name, {}, "test").error() == errc::peer_corrupt));
        BOOST_TEST((receiver<std::string>::open(name + "t", {}, "test").error() == errc::peer_corrupt));
    }
    fixed.word(40).store(8);
    varying.word(40).store(8);
    for (std::uint64_t const wrong : {std::uint64_t{1000}, std::uint64_t{99'999}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
        fixed.word(48).store(wrong);
        varying.word(48).store(wrong);
        BOOST_TEST((receiver<std::uint64_t>::open(name, {}, "test").error() == errc::peer_corrupt));
        BOOST_TEST((receiver<std::string>::open(name + "t", {}, "test").error() == errc::peer_corrupt));
    }
}

BOOST_AUTO_TEST_CASE(what_is_damaged_is_not_kept_for_a_later_receiver)
{
    std::string const name = support::unique_name();
    {
        auto s = open_sender<std::uint64_t>(name, {.capacity = 8});
        BOOST_TEST(send(s, std::uint64_t{1}).has_value());
        segment(name, 8).ring_word(0).store(word::empty(0) | 5);
    }
    BOOST_TEST(support::files_of(name).empty());
}

BOOST_AUTO_TEST_CASE(random_words_over_the_whole_segment_do_no_harm_to_messages_of_one_size) { survive_scribblers<support::probe>(); }

BOOST_AUTO_TEST_CASE(random_words_over_the_whole_segment_do_no_harm_to_messages_that_vary) { survive_scribblers<std::string>(); }

BOOST_AUTO_TEST_SUITE_END()
