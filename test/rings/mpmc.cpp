// Distributed under the Boost Software License, Version 1.0.

#include "raw_mpmc.hpp"

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <utility>
#include <vector>

namespace {

using namespace many;

struct alignas(64) lined {
    std::uint64_t value;
};
struct alignas(4096) paged {
    std::uint64_t value;
};
struct large {
    std::array<std::byte, 1 << 20> bytes;
};

template <class Sender>
std::uint64_t fill(Sender& s, std::size_t size)
{
    std::uint64_t n = 0;
    for (; s.reserve(size, deadline::poll()); ++n) {
        s.commit(size);
        BOOST_TEST_REQUIRE(s.flush(deadline::poll()).has_value());
    }
    return n;
}

bool is_aligned(void const* p, std::size_t to) { return reinterpret_cast<std::uintptr_t>(p) % to == 0; }

template <message_layout L>
void check_alignment()
{
    constexpr std::size_t size = L.fixed_size == 0 ? 3 : L.fixed_size;
    auto ends = ring::pair<L>::make({.capacity = 4}, "test").value();
    auto [s, r] = std::move(ends).split().value();
    for (int i = 0; i != 40; ++i) {
        auto const room = s.reserve(size, deadline::poll());
        BOOST_TEST_REQUIRE(room.has_value());
        BOOST_TEST(is_aligned(room->data(), L.alignment));
        s.commit(size);
        auto const shown = r.peek(deadline::poll());
        BOOST_TEST_REQUIRE(shown.has_value());
        BOOST_TEST(is_aligned(shown->data(), L.alignment));
        r.release();
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_mpmc, *boost::unit_test::fixture<support::watchdog>())

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
                    std::uint64_t const at = words.first_unconsumed(before);
                    BOOST_TEST_REQUIRE(words.first_vacant(before) - at == depth);
                    BOOST_TEST_REQUIRE(((at ^ head) & (capacity - 1)) == 0U);
                    BOOST_TEST_REQUIRE(words.first_vacant(head - capacity) == head + depth);
                }
            }
}

BOOST_AUTO_TEST_CASE(who_has_looked_before_a_wake_does_not_sleep_through_it)
{
    auto const fence = strait::detail::asymmetric_fence::attach();
    strait::detail::eventcount count;
    BOOST_TEST(!count.any(fence));
    count.wake(-1);  // nobody
    BOOST_TEST(!count.any(fence));
    auto const one = count.announce();
    BOOST_TEST(count.any(fence));
    BOOST_TEST(count.announce() == one);  // as many as like
    count.wake(-1);
    BOOST_TEST(!count.any(fence));
    auto const two = count.announce();
    BOOST_TEST(one != two);
    count.sleep(one, deadline::never());  // the word has gone on since: it returns at once, else after its slice
    count.wake_all();
    BOOST_TEST(count.any(fence));  // still to be told of what comes
    BOOST_TEST(count.announce() != two);
}

BOOST_AUTO_TEST_CASE(a_capacity_is_rounded_up_to_a_power_of_two_and_exact)
{
    for (auto const& [wanted, given] : {std::pair(1U, 1U), std::pair(2U, 2U), std::pair(5U, 8U), std::pair(64U, 64U)}) {
        auto [s, r] = make_ends<std::uint64_t>({.capacity = wanted});
        BOOST_TEST(fill(s, 8) == given);
        BOOST_TEST((s.reserve(8, soon()).error() == errc::timed_out));
        BOOST_TEST(receive<std::uint64_t>(r, deadline::poll()).has_value());
        BOOST_TEST(fill(s, 8) == 1U);
        BOOST_TEST((s.reserve(8, deadline::poll()).error() == errc::full));
        BOOST_TEST(s.stats().messages == given + 1);
        BOOST_TEST(s.stats().depth == given);
    }
}

BOOST_AUTO_TEST_CASE(by_default_all_senders_have_four_mebibytes)
{
    auto [s, r] = make_ends<std::array<std::uint64_t, 8>>();
    BOOST_TEST(fill(s, 64) == 1024U);
    auto [s2, r2] = make_ends<large>();
    BOOST_TEST(fill(s2, sizeof(large)) == 2U);
    auto [s3, r3] = make_ends<std::string>();
    BOOST_TEST(fill(s3, 1000) == 32U);
    BOOST_TEST((s3.reserve(4097, deadline::poll()).error() == errc::message_too_large));
}

BOOST_AUTO_TEST_CASE(a_payload_keeps_its_alignment_up_to_a_page)
{
    check_alignment<layout_of<char>>();
    check_alignment<layout_of<lined>>();
    check_alignment<layout_of<paged>>();
    check_alignment<message_layout{24, 16, 1}>();
    check_alignment<message_layout{0, 1, 1}>();
    check_alignment<message_layout{0, 64, 1}>();
    check_alignment<message_layout{0, 4096, 1}>();
}

BOOST_AUTO_TEST_CASE(messages_of_every_size_go_whole_through_the_ring)
{
    auto [s, r] = make_ends<std::string>({.max_message_size = 3001});
    for (std::size_t size = 0; size <= 3001; ++size) {
        std::string const message = support::make_text(size, 0, 1) + std::string(size, 'x');
        std::string const cut = message.substr(0, size);
        BOOST_TEST_REQUIRE(send(s, cut, deadline::poll()).has_value());
        BOOST_TEST_REQUIRE((receive<std::string>(r, deadline::poll()) == cut));
    }
    BOOST_TEST((s.reserve(3002, deadline::poll()).error() == errc::message_too_large));
    BOOST_TEST((s.reserve(static_cast<std::size_t>(-1), deadline::poll()).error() == errc::message_too_large));
    BOOST_TEST((s.reserve(static_cast<std::size_t>(-2), deadline::poll()).error() == errc::message_too_large));
    BOOST_TEST(r.stats().bytes == 3001U * 3002 / 2);
    BOOST_TEST(s.stats().bytes == r.stats().bytes);
}

BOOST_AUTO_TEST_CASE(a_reservation_that_is_not_committed_never_existed)
{
    auto [s, r] = make_ends<std::string>();
    std::memset(s.reserve(500, deadline::poll())->data(), 0xff, 500);
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(send(s, std::string("after"), deadline::poll()).has_value());
    BOOST_TEST((receive<std::string>(r, deadline::poll()) == std::string("after")));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(a_message_is_shown_until_it_is_released_and_consumed_all_the_same)
{
    std::string const name = support::unique_name();
    auto s = open_sender<int>(name);
    auto r = open_receiver<int>(name);
    auto other = open_receiver<int>(name);
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
    std::vector<sender<int>> senders;
    std::vector<receiver<int>> receivers;
    for (int i = 0; i != 3; ++i) {
        senders.push_back(open_sender<int>(name, how));
        receivers.push_back(open_receiver<int>(name, how));
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
    auto a = open_sender<int>(name, {.capacity = 2});
    auto b = open_sender<int>(name);
    auto r = open_receiver<int>(name);
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

BOOST_AUTO_TEST_CASE(there_are_places_for_so_many_senders)
{
    std::string const name = support::unique_name();
    std::vector<sender<large>> senders;
    for (int i = 0; i != 8; ++i)
        senders.push_back(open_sender<large>(name));
    BOOST_TEST((sender<large>::open(name, {}, "test").error() == errc::busy));
    BOOST_TEST(senders[3].close(deadline::poll()).has_value());
    BOOST_TEST(sender<large>::open(name, {}, "test").has_value());
    std::vector<sender<int>> more;
    for (int i = 0; i != 64; ++i)
        more.push_back(open_sender<int>(name + "i"));
    BOOST_TEST((sender<int>::open(name + "i", {}, "test").error() == errc::busy));
    for (int i = 0; i != 64; ++i)
        BOOST_TEST(send(more[static_cast<std::size_t>(i)], i, deadline::poll()).has_value());
    auto r = open_receiver<int>(name + "i");
    for (int i = 0; i != 64; ++i)
        BOOST_TEST((receive<int>(r) == i));
}

BOOST_AUTO_TEST_CASE(who_takes_the_place_of_another_leaves_its_messages_alone)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<std::uint64_t>(name, {.capacity = 8});
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    for (int life = 0; life != 100; ++life) {
        auto s = open_sender<std::uint64_t>(name);  // always the first place
        for (int n = 0; n != life % 11 && send(s, sent, deadline::poll()); ++n)
            ++sent;
        for (int n = 0; n != life % 7 && received != sent; ++n)
            BOOST_TEST_REQUIRE((receive<std::uint64_t>(r, deadline::poll()) == received++));
    }
    while (received != sent)
        BOOST_TEST_REQUIRE((receive<std::uint64_t>(r, deadline::poll()) == received++));
    BOOST_TEST(sent > 200U);
}

BOOST_AUTO_TEST_CASE(another_type_or_topology_is_refused)
{
    std::string const name = support::unique_name();
    auto s = open_sender<int>(name);
    BOOST_TEST((receiver<std::uint64_t>::open(name, {}, "test").error() == errc::type_mismatch));
    BOOST_TEST((receiver<std::string>::open(name, {}, "test").error() == errc::type_mismatch));
    BOOST_TEST((raw::receiver<int>::open(name, {}, "test").error() == errc::transport_mismatch));
    auto t = raw::open_sender<int>(name + "t");
    BOOST_TEST((receiver<int>::open(name + "t", {}, "test").error() == errc::transport_mismatch));
}

BOOST_AUTO_TEST_CASE(closed_and_moved_from_ends_say_so_and_do_nothing)
{
    auto [s, r] = make_ends<std::uint64_t>();
    auto [s2, r2] = make_ends<std::string>();
    auto const check = [](auto& out, auto& in) {
        for (int i = 0; i != 3; ++i) {
            BOOST_TEST((out.reserve(8, deadline::never()).error() == errc::not_open));
            BOOST_TEST((out.flush(deadline::never()).error() == errc::not_open));
            BOOST_TEST((in.peek(deadline::never()).error() == errc::not_open));
            out.commit(8);  // too late
            in.release();
            BOOST_TEST(out.stats().depth == 0U);
            BOOST_TEST(out.close(deadline::never()).has_value());
            BOOST_TEST(in.close(deadline::never()).has_value());
        }
    };
    auto moved = std::move(s);
    auto moved_2 = std::move(s2);
    auto moved_r = std::move(r);
    auto moved_r2 = std::move(r2);
    check(s, r);
    check(s2, r2);
    BOOST_TEST(send(moved, std::uint64_t{5}, deadline::poll()).has_value());
    BOOST_TEST((receive<std::uint64_t>(moved_r, deadline::poll()) == 5U));
    BOOST_TEST(moved.close(deadline::never()).has_value());
    BOOST_TEST(moved_r.close(deadline::never()).has_value());
    check(moved, moved_r);
    moved = std::move(s);
    moved_r = std::move(r);
    check(moved, moved_r);
}

BOOST_AUTO_TEST_CASE(the_stream_ends_when_all_senders_have_left_and_goes_on_with_the_next)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<int>(name);
    BOOST_TEST((r.peek(soon()).error() == errc::timed_out));  // nobody has come yet
    for (int i = 0; i != 3; ++i) {
        auto s = open_sender<int>(name);
        auto t = open_sender<int>(name);
        BOOST_TEST(send(s, i).has_value());
        BOOST_TEST(s.close(deadline::poll()).has_value());
        BOOST_TEST((receive<int>(r, deadline::poll()) == i));
        BOOST_TEST((r.peek(soon()).error() == errc::timed_out));
        BOOST_TEST(t.close(deadline::poll()).has_value());
        for (deadline const until : {deadline::poll(), deadline::never(), soon()})
            BOOST_TEST((r.peek(until).error() == errc::closed));
        BOOST_TEST((r.ended() == strait::end_reason::left));
    }
}

BOOST_AUTO_TEST_CASE(unread_messages_outlive_all_ends)
{
    std::string const name = support::unique_name();
    for (int i = 0; i != 10; ++i) {
        auto s = open_sender<std::string>(name);
        BOOST_TEST(send(s, std::to_string(i)).has_value());
    }
    for (int i = 0; i != 10; ++i) {
        auto r = open_receiver<std::string>(name);
        BOOST_TEST((receive<std::string>(r, deadline::poll()) == std::to_string(i)));
    }
    BOOST_TEST(support::files_of(name).empty());
}

BOOST_AUTO_TEST_CASE(unread_messages_of_another_type_are_not_dropped)
{
    std::string const name = support::unique_name();
    {
        auto s = open_sender<lined>(name);
        BOOST_TEST(send(s, lined{7}).has_value());
    }
    BOOST_TEST((receiver<std::string>::open(name, {}, "test").error() == errc::type_mismatch));
    auto r = open_receiver<lined>(name);
    BOOST_TEST(receive<lined>(r)->value == 7U);
}

BOOST_AUTO_TEST_CASE(more_memory_than_there_is_leaves_nothing_behind)
{
    for (std::size_t const capacity : {std::size_t{1} << 42, std::size_t{1} << 60, ~std::size_t{0}}) {
        std::string const name = support::unique_name();
        strait::channel_options const how{.capacity = capacity};
        BOOST_TEST((sender<int>::open(name, how, "test").error() == errc::out_of_memory));
        BOOST_TEST((receiver<std::string>::open(name, how, "test").error() == errc::out_of_memory));
        BOOST_TEST((pair<std::string>::make({.max_message_size = capacity}, "test").error() == errc::out_of_memory));
        BOOST_TEST(support::files_of(name).empty());
    }
}

BOOST_AUTO_TEST_SUITE_END()
