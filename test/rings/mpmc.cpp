// Distributed under the Boost Software License, Version 1.0.

#include "ends.hpp"
#include "types.hpp"

#include <support/watchdog.hpp>

#include <atomic>
#include <utility>
#include <vector>

namespace rings_mpmc {

namespace {

using namespace rings;

using word = strait::detail::mpmc_word;

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_mpmc, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_word_tells_laps_apart_also_where_they_wrap)
{
    constexpr std::uint64_t last = (std::uint64_t{1} << 40) - 1;
    static_assert(word::ahead(word::empty(5), 5) == 0 && word::ahead(word::full(5, 77), 5) == 0);
    static_assert(word::ahead(word::full(7, 77), 5) == 2 && word::ahead(word::empty(4), 5) == -1);
    static_assert(word::empty(last + 1) == word::empty(0) && word::ahead(word::empty(0), last) == 1);
    static_assert(word::ahead(word::full(last, 0), 0) == -1);
    static_assert(word::buffer(word::full(last, word::most_buffers - 1)) == word::most_buffers - 1);
    static_assert(word::is_full_in(word::full(9, 3), 9) && !word::is_full_in(word::empty(9), 9) && !word::is_full_in(word::full(9, 3), 8));
}

BOOST_AUTO_TEST_CASE(an_end_finds_its_position_from_the_words_alone)
{
    // Every state that a small ring can be in, a lap around the wrap of the laps included.
    for (std::uint64_t const capacity : {1U, 2U, 8U, 128U})
        for (std::uint64_t consumed = 0; consumed != 3 * capacity; ++consumed)
            for (std::uint64_t const shift : {std::uint64_t{0}, (std::uint64_t{1} << 40) * capacity - 2 * capacity}) {
                std::uint64_t const head = consumed + shift;
                for (std::uint64_t depth = 0; depth <= capacity; depth += capacity < 9 ? 1 : 13) {
                    std::vector<std::atomic<std::uint64_t>> memory(capacity);
                    strait::detail::mpmc_words const words(memory.data(), capacity);
                    for (std::uint64_t p = head; p != head + capacity; ++p)
                        words.at(p) = p < head + depth ? word::full(words.lap(p), 0) : word::empty(words.lap(p));
                    std::uint64_t const before = words.somewhere_before();
                    unsigned steps = strait::detail::mpmc_words::most_steps;
                    std::uint64_t const at = words.first_unconsumed(before, steps);
                    BOOST_TEST_REQUIRE(words.first_vacant(before, steps) - at == depth);
                    BOOST_TEST_REQUIRE(((at ^ head) & (capacity - 1)) == 0U);
                    BOOST_TEST_REQUIRE(words.first_vacant(head - capacity, steps) == head + depth);
                }
            }
}

BOOST_AUTO_TEST_CASE(an_end_that_announced_itself_before_a_wake_does_not_sleep_through_it)
{
    auto const fence = strait::detail::asymmetric_fence::attach();
    strait::detail::eventcount count;
    BOOST_TEST(!count.any(fence));
    count.wake(-1);  // no end has announced itself
    BOOST_TEST(!count.any(fence));
    auto const one = count.announce();
    BOOST_TEST(count.any(fence));
    BOOST_TEST(count.announce() == one);  // several ends can announce themselves
    count.wake(-1);
    BOOST_TEST(!count.any(fence));
    auto const two = count.announce();
    BOOST_TEST(one != two);
    count.sleep(one, deadline::never());  // the word has gone on since: it returns at once, else after its slice
    count.wake_all();
    BOOST_TEST(count.any(fence));  // it has to be woken for what comes
    BOOST_TEST(count.announce() != two);
}

BOOST_AUTO_TEST_CASE(a_message_is_shown_until_it_is_released_and_consumed_all_the_same)
{
    std::string const name = support::unique_name();
    auto s = open_sender<mpmc, int>(name);
    auto r = open_receiver<mpmc, int>(name);
    auto other = open_receiver<mpmc, int>(name);
    BOOST_TEST(send(s, 1).has_value());
    auto const shown = r.peek(deadline::poll());
    BOOST_TEST_REQUIRE(shown.has_value());
    BOOST_TEST((r.peek(deadline::poll())->data() == shown->data()));
    BOOST_TEST((other.peek(deadline::poll()).error() == errc::empty));
    for (int i = 2; i != 100; ++i) {  // also when its buffer is used again
        BOOST_TEST(send(s, i).has_value());
        BOOST_TEST((receive<int>(other) == i));
    }
    BOOST_TEST((receive<int>(r) == 1));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(several_senders_and_receivers_share_one_order)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 8};
    std::vector<sender> senders;
    std::vector<receiver> receivers;
    for (int i = 0; i != 3; ++i) {
        senders.push_back(open_sender<mpmc, int>(name, how));
        receivers.push_back(open_receiver<mpmc, int>(name, how));
    }
    int sent = 0;
    int received = 0;
    for (int round = 0; round != 500; ++round) {
        for (int n = round % 9; n != 0 && sent - received != 8; --n, ++sent)
            BOOST_TEST_REQUIRE(send(senders[static_cast<std::size_t>(sent * 7 + round) % 3], sent, deadline::poll()).has_value());
        if (sent - received == 8)
            for (auto& s : senders)
                BOOST_TEST_REQUIRE((send(s, sent, deadline::poll()).error() == errc::full));
        for (int n = round % 7; n != 0 && received != sent; --n, ++received)
            BOOST_TEST_REQUIRE((receive<int>(receivers[static_cast<std::size_t>(received * 5 + round) % 3], deadline::poll()) == received));
    }
    BOOST_TEST(sent > 1000);
    for (; received != sent; ++received)
        BOOST_TEST_REQUIRE((receive<int>(receivers[0], deadline::poll()) == received));
}

BOOST_AUTO_TEST_CASE(a_message_for_which_others_left_no_room_is_withdrawn_or_waits)
{
    std::string const name = support::unique_name();
    auto a = open_sender<mpmc, int>(name, {.capacity = 2});
    auto b = open_sender<mpmc, int>(name);
    auto r = open_receiver<mpmc, int>(name);
    auto const put = [](auto& s, int value) {
        auto const room = s.reserve(4, deadline::poll());
        std::memcpy(room->data(), &value, 4);
    };
    put(a, 1);
    BOOST_TEST(send(b, 2).has_value());
    BOOST_TEST(send(b, 3).has_value());
    a.commit(4);
    BOOST_TEST((a.flush(deadline::poll()).error() == errc::full));
    BOOST_TEST(a.stats().messages == 0U);
    a.commit(4);  // what was withdrawn is still in its place
    BOOST_TEST((a.reserve(4, deadline::poll()).error() == errc::full));
    BOOST_TEST((receive<int>(r) == 2));
    BOOST_TEST(a.flush(deadline::poll()).has_value());
    BOOST_TEST((receive<int>(r) == 3));
    BOOST_TEST((receive<int>(r) == 1));
    BOOST_TEST(a.stats().messages == 1U);
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(there_are_places_for_64_senders_or_as_many_as_have_memory)
{
    std::string const name = support::unique_name();
    std::vector<sender> senders;
    for (int i = 0; i != 8; ++i)
        senders.push_back(open_sender<mpmc, large>(name));
    BOOST_TEST((refusal_of_sender<mpmc, large>(name) == errc::busy));
    BOOST_TEST(senders[3].close(deadline::poll()).has_value());
    BOOST_TEST((try_sender<mpmc, large>(name, {}).has_value()));
    std::vector<sender> more;
    for (int i = 0; i != 64; ++i)
        more.push_back(open_sender<mpmc, int>(name + "i"));
    BOOST_TEST((refusal_of_sender<mpmc, int>(name + "i") == errc::busy));
    for (int i = 0; i != 64; ++i)
        BOOST_TEST(send(more[static_cast<std::size_t>(i)], i, deadline::poll()).has_value());
    auto r = open_receiver<mpmc, int>(name + "i");
    for (int i = 0; i != 64; ++i)
        BOOST_TEST((receive<int>(r) == i));
}

BOOST_AUTO_TEST_CASE(a_sender_in_the_place_of_another_leaves_its_messages_alone)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<mpmc, std::uint64_t>(name, {.capacity = 8});
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    for (int life = 0; life != 100; ++life) {
        auto s = open_sender<mpmc, std::uint64_t>(name);  // always the first place
        for (int n = 0; n != life % 11 && send(s, sent, deadline::poll()); ++n)
            ++sent;
        for (int n = 0; n != life % 7 && received != sent; ++n)
            BOOST_TEST_REQUIRE((receive<std::uint64_t>(r, deadline::poll()) == received++));
    }
    while (received != sent)
        BOOST_TEST_REQUIRE((receive<std::uint64_t>(r, deadline::poll()) == received++));
    BOOST_TEST(sent > 200U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_mpmc
