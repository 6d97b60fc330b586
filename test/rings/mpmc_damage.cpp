// Distributed under the Boost Software License, Version 1.0.

#include "segment.hpp"

#include <support/watchdog.hpp>

namespace rings_mpmc_damage {

namespace {

using namespace rings;

using word = strait::detail::mpmc_word;

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_mpmc_damage, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_word_that_no_sender_writes_is_corrupt_to_a_receiver)
{
    std::string const name = support::unique_name();
    auto s = open_sender<mpmc, std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<mpmc, std::uint64_t>(name);
    places_segment const memory(name, 8);
    for (std::uint64_t i = 0; i != 20; ++i) {  // into the third lap
        BOOST_TEST(send(s, i).has_value());
        BOOST_TEST((receive<std::uint64_t>(r) == i));
    }
    BOOST_TEST(send(s, std::uint64_t{20}).has_value());
    std::uint64_t const right = memory.place(4).load();
    BOOST_TEST(word::is_full_in(right, 2));
    for (std::uint64_t const wrong : {
             word::full(1, 0),                          // of a lap that is over
             word::empty(1),
             word::empty(2) | 1,                        // neither empty nor full
             word::full(2, 64 * 8),                     // a buffer behind the last one
             word::full(2, word::most_buffers - 1),
             word::full((std::uint64_t{1} << 39) + 9, 0),
         }) {
        memory.place(4).store(wrong);
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((r.peek(until).error() == errc::peer_corrupt));
    }
    memory.place(4).store(right);
    BOOST_TEST((receive<std::uint64_t>(r) == 20U));
}

BOOST_AUTO_TEST_CASE(a_word_that_no_receiver_writes_is_corrupt_to_a_sender)
{
    std::string const name = support::unique_name();
    auto s = open_sender<mpmc, std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<mpmc, std::uint64_t>(name);
    places_segment const memory(name, 8);
    for (std::uint64_t i = 0; i != 8; ++i)
        BOOST_TEST(send(s, i).has_value());
    std::uint64_t const right = memory.place(0).load();
    for (std::uint64_t const wrong : {word::empty(0), word::empty(1) | 7, word::full(0, 99), word::full(std::uint64_t{1} << 39, 0)}) {
        memory.place(0).store(wrong);
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((send(s, std::uint64_t{8}, until).error() == errc::peer_corrupt));
    }
    memory.place(0).store(right);
    BOOST_TEST(s.stats().messages == 8U);
    BOOST_TEST(s.close(deadline::poll()).has_value());
    auto next = open_sender<mpmc, std::uint64_t>(name);
    BOOST_TEST((send(next, std::uint64_t{8}, deadline::poll()).error() == errc::full));
    BOOST_TEST(receive<std::uint64_t>(r).has_value());  // of damaged memory: perhaps not what was sent
    BOOST_TEST(send(next, std::uint64_t{8}, deadline::poll()).has_value());
    BOOST_TEST(mpmc::remove(name).has_value());
}

BOOST_AUTO_TEST_CASE(words_of_a_far_lap_end_no_operation_but_by_its_deadline)
{
    std::string const name = support::unique_name();
    auto s = open_sender<mpmc, std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<mpmc, std::uint64_t>(name);
    places_segment const memory(name, 8);
    for (std::uint64_t place = 0; place != 8; ++place)
        memory.place(place).store(word::full((std::uint64_t{1} << 38) + place * 12345, 3));
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
    auto s = open_sender<mpmc, std::string>(name, {.capacity = 8, .max_message_size = 100});
    auto r = open_receiver<mpmc, std::string>(name);
    places_segment const memory(name, 8);
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
    auto r = open_receiver<mpmc, std::uint64_t>(name, {.capacity = 8});
    places_segment const memory(name, 8);
    memory.place(5).store(word::full(77, 0));
    BOOST_TEST((refusal_of_sender<mpmc, std::uint64_t>(name) == errc::peer_corrupt));
    memory.place(5).store(word::full(77, word::most_buffers - 1));  // of a buffer without a sender, whose lap this sender does not check
    (void)try_sender<mpmc, std::uint64_t>(name, {});
    memory.place(5).store(0);
    BOOST_TEST((try_sender<mpmc, std::uint64_t>(name, {}).has_value()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_mpmc_damage
