// Distributed under the Boost Software License, Version 1.0.

#include "raw_mpsc.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <random>

namespace {

using namespace lanes;

constexpr std::size_t small_ring = 4096;

// Everything that ends can do, in the hands of a process whose memory somebody scribbles over.
template <class T>
void use_all_ends(std::string const& name, support::notes& notes)
{
    strait::channel_options const how{
        .capacity = std::is_same_v<T, std::string> ? small_ring : 16, .linger = std::chrono::milliseconds(50), .keep = true};
    for (int round = 0; round != support::rounds(40); ++round) {
        auto s = sender<T>::open(name, how, "test");
        auto t = sender<T>::open(name, how, "test");
        auto r = receiver<T>::open(name, how, "test");
        notes.stage = 1;
        for (std::uint64_t k = 0; k != 500; ++k) {
            auto const until = k % 50 == 0 ? deadline::after(std::chrono::milliseconds(1)) : deadline::poll();
            for (auto* out : {&s, &t})
                if (*out)
                    (void)send(**out, support::make_message<T>(k, k), until);
            if (r && k % 3 != 0) {
                (void)receive<T>(*r, until);
                if (r->has_message())
                    (void)receive<T>(*r, until);
            }
        }
        if (s)
            (void)s->stats();
    }
}

// Half of the writes go to the headers of all and of the first lanes; values of every magnitude.
void scribble(std::string const& name, unsigned seed, std::size_t from)
{
    segment const memory(name);
    std::mt19937_64 random(seed);
    std::size_t const end = memory.words() * 8;
    for (;;) {
        std::size_t at = from + random() % ((end - from) / 8) * 8;
        if (random() % 2 == 0)
            at = segment::header + (random() % 2 == 0 ? random() % 3 * 8 : 128 + random() % 256 * 8);
        memory.word(at).store(random() >> random() % 64, std::memory_order_relaxed);
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

BOOST_AUTO_TEST_SUITE(shm_mpsc_damage, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(damage_of_one_lane_is_told_when_no_other_has_a_message)
{
    std::string const name = support::unique_name();
    auto a = open_sender<std::uint64_t>(name, {.capacity = 8});
    auto b = open_sender<std::uint64_t>(name);
    auto r = open_receiver<std::uint64_t>(name);
    segment const memory(name);
    BOOST_TEST(send(a, std::uint64_t{1}).has_value());
    for (std::uint64_t const wrong : {std::uint64_t{2}, std::uint64_t{9}, ~std::uint64_t{0}}) {
        memory.message(0, 0).store(wrong);
        BOOST_TEST(send(b, wrong).has_value());
        BOOST_TEST((receive<std::uint64_t>(r) == wrong));
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((r.peek(until).error() == errc::peer_corrupt));
        BOOST_TEST(a.close(deadline::poll()).has_value());
        BOOST_TEST((sender<std::uint64_t>::open(name, {}, "test").error() == errc::peer_corrupt));
    }
    memory.message(0, 0).store(1);
    BOOST_TEST((receive<std::uint64_t>(r) == 1U));
}

BOOST_AUTO_TEST_CASE(a_record_that_cannot_be_is_corrupt)
{
    std::string const name = support::unique_name();
    auto a = open_sender<std::string>(name, {.capacity = 4096});
    auto b = open_sender<std::string>(name);
    auto r = open_receiver<std::string>(name);
    segment const memory(name);
    BOOST_TEST(send(b, std::string("whole")).has_value());
    std::uint64_t const right = memory.message(1, 0).load();
    constexpr std::uint64_t other_tag = std::uint64_t{1} << 32;
    for (std::uint64_t const wrong : {std::uint64_t{4096}, std::uint64_t{0xffff'ffff}, other_tag, other_tag + 6, ~std::uint64_t{0}}) {
        memory.message(1, 0).store(wrong);
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((r.peek(until).error() == errc::peer_corrupt));
    }
    memory.message(1, 0).store(right);
    BOOST_TEST((receive<std::string>(r) == std::string("whole")));
}

BOOST_AUTO_TEST_CASE(indices_that_cannot_be_are_corrupt)
{
    std::string const name = support::unique_name();
    auto a = open_sender<std::uint64_t>(name, {.capacity = 8});
    auto s = open_sender<std::uint64_t>(name);
    segment const memory(name);
    for (int i = 0; i != 8; ++i)
        BOOST_TEST(send(s, std::uint64_t{1}).has_value());
    for (std::uint64_t const wrong : {std::uint64_t{9}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        memory.consumed(1).store(wrong);  // more than was ever sent
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((s.reserve(8, until).error() == errc::peer_corrupt));
        memory.consumed(1).store(0);
        memory.head(1).store(wrong);  // before what was consumed
        BOOST_TEST((receiver<std::uint64_t>::open(name, {}, "test").error() == errc::peer_corrupt));
        BOOST_TEST((s.reserve(8, deadline::poll()).error() == errc::peer_corrupt));
        memory.head(1).store(0);
    }
    auto r = open_receiver<std::uint64_t>(name);
    for (int i = 0; i != 8; ++i)
        BOOST_TEST((receive<std::uint64_t>(r) == 1U));
}

BOOST_AUTO_TEST_CASE(words_that_steer_the_receiver_can_only_delay_it)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<std::uint64_t>(name, {.capacity = 8});
    auto s = open_sender<std::uint64_t>(name);
    segment const memory(name);
    std::mt19937_64 random(7);
    for (std::uint64_t i = 0; i != 200; ++i) {
        memory.called() = random();
        memory.opened() = random() | 1;
        memory.receiver_sleeps(0) = i % 3;
        BOOST_TEST_REQUIRE(send(s, i).has_value());
        BOOST_TEST_REQUIRE((receive<std::uint64_t>(r) == i));
    }
    memory.receiver_sleeps(0) = 0;  // nobody looks, but this says so
    BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(1))).error() == errc::timed_out));
    memory.receiver_sleeps(0) = 0;
    BOOST_TEST(send(s, std::uint64_t{200}).has_value());
    BOOST_TEST((receive<std::uint64_t>(r) == 200U));
}

BOOST_AUTO_TEST_CASE(a_capacity_that_does_not_fit_the_segment_is_corrupt)
{
    std::string const name = support::unique_name();
    auto s = open_sender<std::uint64_t>(name, {.capacity = 8});
    auto t = open_sender<std::string>(name + "t", {.capacity = 4096});
    segment const slots(name);
    segment const records(name + "t");
    for (std::uint64_t const wrong : {std::uint64_t{0}, std::uint64_t{4}, std::uint64_t{16}, std::uint64_t{12}, std::uint64_t{1} << 63}) {
        slots.word(40).store(wrong);
        records.word(40).store(wrong);
        BOOST_TEST((receiver<std::uint64_t>::open(name, {}, "test").error() == errc::peer_corrupt));
        BOOST_TEST((receiver<std::string>::open(name + "t", {}, "test").error() == errc::peer_corrupt));
        BOOST_TEST((sender<std::uint64_t>::open(name, {}, "test").error() == errc::peer_corrupt));
    }
    slots.word(40).store(8);
    records.word(40).store(4096);
    records.word(48).store(~std::uint64_t{0});  // the largest message is bounded by the lane all the same
    auto r = open_receiver<std::string>(name + "t");
    BOOST_TEST(send(t, std::string("x")).has_value());
    BOOST_TEST((receive<std::string>(r) == std::string("x")));
}

BOOST_AUTO_TEST_CASE(what_is_damaged_is_not_kept_for_a_later_receiver)
{
    std::string const name = support::unique_name();
    {
        auto s = open_sender<std::uint64_t>(name, {.capacity = 8});
        BOOST_TEST(send(s, std::uint64_t{1}).has_value());
        segment(name).message(0, 0).store(99);
    }
    BOOST_TEST(support::files_of(name).empty());
}

BOOST_AUTO_TEST_CASE(a_truncated_segment_is_refused_while_somebody_uses_it_and_replaced_afterwards)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    for (::off_t const size : {0, 100, 4096, 5000, 36864, 40960, 40961}) {
        page->stage = 0;
        support::child holder([&] {
            auto s = open_sender<std::uint64_t>(name, {.capacity = 8});
            (void)send(s, std::uint64_t{1});
            page->stage = 1;
            for (;;)
                ::pause();
        });
        support::notes::await(page->stage, 1);
        BOOST_TEST(::truncate(file_of(name).c_str(), size) == 0);
        BOOST_TEST((receiver<std::uint64_t>::open(name, {}, "test").error() == errc::peer_corrupt));
        holder.kill();
        auto r = receiver<std::uint64_t>::open(name, {}, "test");
        BOOST_TEST_REQUIRE(r.has_value());
        BOOST_TEST((r->peek(deadline::poll()).error() == errc::empty));
    }
}

BOOST_AUTO_TEST_CASE(random_words_over_the_whole_segment_do_no_harm_to_messages_of_one_size) { survive_scribblers<support::probe>(); }

BOOST_AUTO_TEST_CASE(random_words_over_the_whole_segment_do_no_harm_to_messages_that_vary) { survive_scribblers<std::string>(); }

BOOST_AUTO_TEST_SUITE_END()
