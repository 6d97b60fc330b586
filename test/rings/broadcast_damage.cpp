// Distributed under the Boost Software License, Version 1.0.

#include "segment.hpp"

#include <support/watchdog.hpp>

namespace rings_broadcast_damage {

namespace {

using namespace rings;

using namespace broadcast_words;

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_broadcast_damage, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_sequence_that_no_sender_writes_is_corrupt_to_a_receiver)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossy, std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<lossy, std::uint64_t>(name);
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
    auto r = open_receiver<lossy, std::uint64_t>(name, {.capacity = 8});
    segment const fixed(name);
    auto const refusals = [&] {
        auto const of_sender = refusal_of_sender<lossy, std::uint64_t>(name);
        return of_sender == errc::peer_corrupt;
    };
    fixed.word(tail).store(~std::uint64_t{0});
    BOOST_TEST(refusals());
    BOOST_TEST((refusal_of_receiver<lossy, std::uint64_t>(name) == errc::peer_corrupt));
    fixed.word(tail).store(5);
    fixed.message(5 * 16).store(99);
    BOOST_TEST(refusals());
    std::string const other = support::unique_name();
    auto t = open_receiver<lossy, std::string>(other, {.capacity = 4096});
    segment const varying(other);
    for (auto const& [at, value] : {std::pair{tail, std::uint64_t{7}}, {tail, std::uint64_t{1} << 63}, {claimed, std::uint64_t{255}},
                                    {claimed, std::uint64_t{8192}}, {tail, std::uint64_t{256}}}) {
        varying.word(at).store(value);
        BOOST_TEST((refusal_of_sender<lossy, std::string>(other) == errc::peer_corrupt));
        varying.word(at).store(0);
    }
    varying.message(0).store(77);
    BOOST_TEST((refusal_of_sender<lossy, std::string>(other) == errc::peer_corrupt));
    varying.message(0).store(0);
    BOOST_TEST((refusal_of_sender<lossy, std::string>(other) == strait::error_code()));
}

BOOST_AUTO_TEST_CASE(a_record_that_no_sender_writes_is_corrupt_to_a_receiver)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossy, std::string>(name, {.capacity = 4096});
    auto r = open_receiver<lossy, std::string>(name);
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
    is_corrupt_with(memory.word(claimed), 4096 + 256);            // it seems overwritten, and there is no record to go on with
    BOOST_TEST((receive<std::string>(r) == std::string("whole")));
}

BOOST_AUTO_TEST_CASE(a_cursor_where_no_receiver_can_be_is_corrupt_to_the_sender)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossless, std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<lossless, std::uint64_t>(name);
    segment const memory(name);
    for (std::uint64_t i = 0; i != 8; ++i)
        BOOST_TEST(send(s, i).has_value());
    for (std::uint64_t const wrong : {std::uint64_t{9}, std::uint64_t{1} << 60, ~std::uint64_t{0} - 1}) {
        memory.word(cursor_consumed).store(wrong);
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((send(s, std::uint64_t{8}, until).error() == errc::peer_corrupt));
    }
    memory.word(cursor_consumed).store(~std::uint64_t{0});  // this receiver seems to be joining, and it lives
    BOOST_TEST((send(s, std::uint64_t{8}, soon()).error() == errc::timed_out));
    memory.word(cursor_consumed).store(0);
    memory.word(cursor_head).store(0);
    BOOST_TEST((receive<std::uint64_t>(r) == 0U));
    BOOST_TEST(send(s, std::uint64_t{8}).has_value());
}

BOOST_AUTO_TEST_CASE(a_member_bit_without_a_receiver_does_not_hold_the_sender_back)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossless, std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<lossless, std::uint64_t>(name);
    segment const memory(name);
    memory.word(members).fetch_or(std::uint64_t{1} << 63 | std::uint64_t{1} << 5);
    for (std::uint64_t i = 0; i != 30; ++i) {
        BOOST_TEST(send(s, i).has_value());
        BOOST_TEST((receive<std::uint64_t>(r) == i));
    }
    BOOST_TEST(memory.word(members).load() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_broadcast_damage
