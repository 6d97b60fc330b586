// Distributed under the Boost Software License, Version 1.0.

#include "raw_broadcast.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <random>

namespace {

using namespace cast;

// Everything that ends can do, in the hands of a process whose memory somebody scribbles over.
template <class X, class T>
void use_all_ends(std::string const& name, support::notes& notes)
{
    strait::channel_options how = small<T>();
    how.max_message_size = 600;
    how.connect_timeout = std::chrono::milliseconds(2);
    how.linger = std::chrono::milliseconds(50);
    how.keep = true;
    for (int round = 0; round != support::rounds(40); ++round) {
        auto s = raw::sender<T, X>::open(name, how, "test");
        auto r = raw::receiver<T, X>::open(name, how, "test");
        auto q = raw::receiver<T, X>::open(name, how, "test");
        notes.stage = 1;
        for (std::uint64_t k = 0; k != 300; ++k) {
            auto const until = k % 50 == 0 ? deadline::after(std::chrono::milliseconds(1)) : deadline::poll();
            for (int n = 0; n != 3 && s; ++n)
                (void)send(*s, support::make_message<T>(k), until);
            for (auto* in : {&r, &q})
                if (*in && k % 3 != 0)
                    (void)receive<T>(**in, until);
            if (r)
                (void)r->stats();
        }
        if (s)
            (void)s->stats();
    }
}

// Half of the writes go to the words that steer, and half of those are nearly right.
void scribble(std::string const& name, unsigned seed, std::size_t from)
{
    segment const memory(name);
    std::mt19937_64 random(seed);
    std::size_t const end = memory.words() * 8;
    for (;;) {
        std::size_t const steering = random() % 2 == 0 ? 4096 + random() % 512 / 8 * 8 : 4096 + random() % 2048 / 8 * 8;
        std::size_t const at = random() % 2 == 0 ? steering : from + random() % ((end - from) / 8) * 8;
        auto& word = memory.word(at);
        std::uint64_t const right = word.load(std::memory_order_relaxed);
        std::uint64_t const change = random() % 5;
        word.store(change == 0   ? right + random() % 64 * 8
                   : change == 1 ? right - random() % 64
                   : change == 2 ? right ^ std::uint64_t{1} << random() % 64
                                 : random() >> random() % 64,
                   std::memory_order_relaxed);
    }
}

template <class X, class T>
void survive_scribblers()
{
    support::shared_page page;
    for (int i = 0; i != support::rounds(6); ++i) {
        std::string const name = support::unique_name();
        page->stage = 0;
        support::child victim([&] { use_all_ends<X, T>(name, *page); });
        support::notes::await(page->stage, 1);
        // With the control block, which stops everybody who opens; and without it.
        support::child scribbler([&] { scribble(name, static_cast<unsigned>(i), i % 2 == 0 ? 0 : 4096); });
        BOOST_TEST(victim.wait() == 0);
        scribbler.kill();
        BOOST_TEST(X::remove(name).has_value());
    }
}

constexpr std::size_t tail = 4096;
constexpr std::size_t claimed = tail + 128;
constexpr std::size_t members = 4096 + 640;
constexpr std::size_t cursor_head = 4096 + 896;
constexpr std::size_t cursor_consumed = cursor_head + 128;

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_broadcast_damage, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_sequence_that_no_sender_writes_is_corrupt_to_a_receiver)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossy_ring, std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<lossy_ring, std::uint64_t>(name);
    segment const memory(name);
    for (std::uint64_t i = 0; i != 20; ++i) {
        BOOST_TEST(send(s, i).has_value());
        BOOST_TEST((receive<std::uint64_t>(r) == i));
    }
    BOOST_TEST(send(s, std::uint64_t{20}).has_value());
    auto& sequence = memory.message(4 * 16);
    BOOST_TEST_REQUIRE(sequence.load() == 42U);
    for (std::uint64_t const wrong : {std::uint64_t{0}, std::uint64_t{25}, std::uint64_t{43}, std::uint64_t{58}, std::uint64_t{57},
                                      std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
        sequence.store(wrong);  // also one of a later lap, which the tail does not confirm
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((r.peek(until).error() == errc::peer_corrupt));
    }
    sequence.store(42);
    BOOST_TEST((receive<std::uint64_t>(r) == 20U));
    BOOST_TEST(r.stats().dropped == 0U);
}

BOOST_AUTO_TEST_CASE(what_no_sender_has_left_is_corrupt_to_the_next_end)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<lossy_ring, std::uint64_t>(name, {.capacity = 8});
    segment const fixed(name);
    auto const refusals = [&] {
        auto const of_sender = refusal_of_sender<lossy_ring, std::uint64_t>(name);
        return of_sender == errc::peer_corrupt;
    };
    fixed.word(tail).store(~std::uint64_t{0});
    BOOST_TEST(refusals());
    BOOST_TEST((refusal_of_receiver<lossy_ring, std::uint64_t>(name) == errc::peer_corrupt));
    fixed.word(tail).store(5);
    fixed.message(5 * 16).store(99);
    BOOST_TEST(refusals());
    std::string const other = support::unique_name();
    auto t = open_receiver<lossy_ring, std::string>(other, {.capacity = 4096});
    segment const varying(other);
    for (auto const& [at, value] : {std::pair{tail, std::uint64_t{7}}, {tail, std::uint64_t{1} << 63}, {claimed, std::uint64_t{255}},
                                    {claimed, std::uint64_t{8192}}, {tail, std::uint64_t{256}}}) {
        varying.word(at).store(value);
        BOOST_TEST((refusal_of_sender<lossy_ring, std::string>(other) == errc::peer_corrupt));
        varying.word(at).store(0);
    }
    varying.message(0).store(77);
    BOOST_TEST((refusal_of_sender<lossy_ring, std::string>(other) == errc::peer_corrupt));
    varying.message(0).store(0);
    BOOST_TEST((refusal_of_sender<lossy_ring, std::string>(other) == strait::error_code()));
}

BOOST_AUTO_TEST_CASE(a_record_that_no_sender_writes_is_corrupt_to_a_receiver)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossy_ring, std::string>(name, {.capacity = 4096});
    auto r = open_receiver<lossy_ring, std::string>(name);
    segment const memory(name);
    BOOST_TEST(send(s, std::string("whole")).has_value());
    auto const is_corrupt_with = [&](std::atomic<std::uint64_t>& word, std::uint64_t wrong) {
        std::uint64_t const right = word.exchange(wrong);
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((r.peek(until).error() == errc::peer_corrupt), wrong);
        word.store(right);
    };
    is_corrupt_with(memory.message(0), 5000);                     // longer than any
    is_corrupt_with(memory.message(0), 6 | std::uint64_t{1} << 32);  // of another position
    is_corrupt_with(memory.message(8), 1);                        // of another number
    is_corrupt_with(memory.word(claimed), 4096 + 256);            // gone, and nothing noted to go on with
    BOOST_TEST((receive<std::string>(r) == std::string("whole")));
}

BOOST_AUTO_TEST_CASE(a_cursor_where_no_receiver_can_be_is_corrupt_to_the_sender)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossless_ring, std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<lossless_ring, std::uint64_t>(name);
    segment const memory(name);
    for (std::uint64_t i = 0; i != 8; ++i)
        BOOST_TEST(send(s, i).has_value());
    for (std::uint64_t const wrong : {std::uint64_t{9}, std::uint64_t{1} << 60, ~std::uint64_t{0} - 1}) {
        memory.word(cursor_consumed).store(wrong);
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((send(s, std::uint64_t{8}, until).error() == errc::peer_corrupt));
    }
    memory.word(cursor_consumed).store(~std::uint64_t{0});  // seems to be joining, and lives
    BOOST_TEST((send(s, std::uint64_t{8}, soon()).error() == errc::timed_out));
    memory.word(cursor_consumed).store(0);
    memory.word(cursor_head).store(0);
    BOOST_TEST((receive<std::uint64_t>(r) == 0U));
    BOOST_TEST(send(s, std::uint64_t{8}).has_value());
}

BOOST_AUTO_TEST_CASE(a_member_that_nobody_is_holds_nobody_back)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossless_ring, std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<lossless_ring, std::uint64_t>(name);
    segment const memory(name);
    memory.word(members).fetch_or(std::uint64_t{1} << 63 | std::uint64_t{1} << 5);
    for (std::uint64_t i = 0; i != 30; ++i) {
        BOOST_TEST(send(s, i).has_value());
        BOOST_TEST((receive<std::uint64_t>(r) == i));
    }
    BOOST_TEST(memory.word(members).load() == 1U);
}

BOOST_AUTO_TEST_CASE(random_words_over_the_whole_segment_do_no_harm_to_lossy_messages_of_one_size)
{
    survive_scribblers<lossy_ring, support::probe>();
}

BOOST_AUTO_TEST_CASE(random_words_over_the_whole_segment_do_no_harm_to_lossy_messages_that_vary)
{
    survive_scribblers<lossy_ring, std::string>();
}

BOOST_AUTO_TEST_CASE(random_words_over_the_whole_segment_do_no_harm_to_who_wants_the_latest)
{
    survive_scribblers<latest_ring, support::probe>();
    survive_scribblers<latest_ring, std::string>();
}

BOOST_AUTO_TEST_CASE(random_words_over_the_whole_segment_do_no_harm_to_lossless_messages_of_one_size)
{
    survive_scribblers<lossless_ring, support::probe>();
}

BOOST_AUTO_TEST_CASE(random_words_over_the_whole_segment_do_no_harm_to_lossless_messages_that_vary)
{
    survive_scribblers<lossless_ring, std::string>();
}

BOOST_AUTO_TEST_SUITE_END()
