// Distributed under the Boost Software License, Version 1.0.

#include "raw_broadcast.hpp"

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <random>
#include <vector>

namespace {

using namespace cast;
using X = lossy_ring;

template <class T>
T message(std::uint64_t number)
{
    if constexpr (std::is_same_v<T, std::string>)
        return support::make_text(number, 0, 200);
    else
        return T{number};
}

template <class T>
void check_random_laps()
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, T>(name, small<T>());
    std::vector<raw::receiver<T, X>> receivers;
    std::vector<std::uint64_t> first;
    std::mt19937 random(7);
    std::uint64_t sent = 0;
    std::uint64_t dropped = 0;
    for (int round = 0; round != support::rounds(4000); ++round) {
        if (round % 500 == 0 && receivers.size() != 8) {  // now, wherever that is in the ring
            receivers.push_back(open_receiver<X, T>(name));
            first.push_back(sent);
        }
        for (auto n = random() % 40; n != 0; --n, ++sent)
            BOOST_TEST_REQUIRE(send(s, message<T>(sent), deadline::poll()).has_value());
        if (random() % 5 == 0)  // and drops it
            BOOST_TEST_REQUIRE(s.reserve(sizeof(std::uint64_t), deadline::poll()).has_value());
        auto const which = random() % receivers.size();
        auto& r = receivers[which];
        for (auto n = random() % 60; n != 0; --n) {
            auto const m = receive<T>(r, deadline::poll());
            if (!m) {
                BOOST_TEST_REQUIRE((m.error() == errc::empty));
                BOOST_TEST_REQUIRE(first[which] + r.stats().messages + r.stats().dropped == sent);
                BOOST_TEST_REQUIRE(r.stats().depth == 0U);
                break;
            }
            BOOST_TEST_REQUIRE((*m == message<T>(first[which] + number_by_count(r))));
        }
        dropped += r.stats().dropped;
    }
    BOOST_TEST(dropped != 0U);
    BOOST_TEST(s.stats().messages == sent);
}

template <message_layout L>
void check_alignment()
{
    auto ends = strait::shm_ring<strait::broadcast<strait::lossy>>::pair<L>::make({}, "test").value();
    auto [s, r] = std::move(ends).split().value();
    std::size_t const size = L.fixed_size != 0 ? L.fixed_size : 33;
    for (int i = 0; i != 100; ++i) {
        auto const room = s.reserve(size, deadline::poll());
        BOOST_TEST_REQUIRE(room.has_value());
        BOOST_TEST(reinterpret_cast<std::uintptr_t>(room->data()) % L.alignment == 0U);
        std::memset(room->data(), i, size);
        s.commit(size);
        auto const shown = r.peek(deadline::poll());
        BOOST_TEST_REQUIRE(shown.has_value());
        BOOST_TEST(reinterpret_cast<std::uintptr_t>(shown->data()) % L.alignment == 0U);
        BOOST_TEST_REQUIRE(shown->size() == size);
        for (std::byte const b : *shown)
            BOOST_TEST_REQUIRE((b == static_cast<std::byte>(i)));
        r.release();
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_broadcast_lossy, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_lapped_receiver_goes_on_with_the_oldest_message_and_counts_the_gap)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, int>(name, {.capacity = 8});
    auto slow = open_receiver<X, int>(name);
    auto quick = open_receiver<X, int>(name);
    for (int i = 0; i != 20; ++i) {
        BOOST_TEST(send(s, i, deadline::poll()).has_value());
        BOOST_TEST((receive<int>(quick, deadline::poll()) == i));
    }
    BOOST_TEST(slow.stats().depth == 8U);
    BOOST_TEST((receive<int>(slow, deadline::poll()) == 12));
    BOOST_TEST(slow.stats().dropped == 12U);
    for (int i = 13; i != 20; ++i)
        BOOST_TEST((receive<int>(slow, deadline::poll()) == i));
    BOOST_TEST((slow.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(slow.stats().dropped == 12U);
    BOOST_TEST(slow.stats().messages == 8U);
    BOOST_TEST(quick.stats().dropped == 0U);
}

BOOST_AUTO_TEST_CASE(a_message_that_is_claimed_takes_the_place_of_the_oldest)
{
    auto [s, r] = raw::make_ends<int, X>({.capacity = 4});
    for (int i = 0; i != 4; ++i)
        BOOST_TEST(send(s, i, deadline::poll()).has_value());
    BOOST_TEST(s.reserve(4, deadline::poll()).has_value());
    BOOST_TEST((receive<int>(r, deadline::poll()) == 1));
    BOOST_TEST(r.stats().dropped == 1U);
    BOOST_TEST(send(s, 4, deadline::poll()).has_value());
    for (int i = 2; i != 5; ++i)
        BOOST_TEST((receive<int>(r, deadline::poll()) == i));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(r.stats().dropped == 1U);
}

BOOST_AUTO_TEST_CASE(more_than_half_of_the_bytes_can_be_read_by_who_is_late)
{
    for (std::size_t size = 1; size < 984; size += 61) {
        auto [s, r] = raw::make_ends<std::string, X>({.capacity = 4096});
        std::string const text(size, 'x');
        for (int i = 0; i != 5000; ++i)
            BOOST_TEST_REQUIRE(send(s, text, deadline::poll()).has_value());
        std::uint64_t bytes = 0;
        while (auto const m = receive<std::string>(r, deadline::poll())) {
            BOOST_TEST_REQUIRE((*m == text));
            bytes += (m->size() + 16 + 7) / 8 * 8;
        }
        BOOST_TEST(bytes > 2048U);
        BOOST_TEST(r.stats().dropped + r.stats().messages == 5000U);
    }
}

BOOST_AUTO_TEST_CASE(whatever_is_sent_and_received_in_whatever_order_the_count_is_exact)
{
    check_random_laps<std::uint64_t>();
    check_random_laps<std::string>();
}

BOOST_AUTO_TEST_CASE(a_receiver_that_is_lapped_before_its_first_message_counts_from_when_it_joined)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, std::string>(name, {.capacity = 4096});
    for (int i = 0; i != 100; ++i)
        BOOST_TEST(send(s, message<std::string>(static_cast<std::uint64_t>(i)), deadline::poll()).has_value());
    auto r = open_receiver<X, std::string>(name);
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    for (std::uint64_t i = 100; i != 1000; ++i)
        BOOST_TEST(send(s, message<std::string>(i), deadline::poll()).has_value());
    auto const m = receive<std::string>(r, deadline::poll());
    BOOST_TEST_REQUIRE(m.has_value());
    BOOST_TEST((*m == message<std::string>(100 + r.stats().dropped)));
    BOOST_TEST(r.stats().dropped > 0U);
}

BOOST_AUTO_TEST_CASE(sizes_are_limited_to_a_quarter_of_the_bytes)
{
    auto [s, r] = raw::make_ends<std::string, X>({.capacity = 4096});
    for (std::size_t size = 0; size != 985; ++size) {
        std::string const text(size, static_cast<char>('a' + size % 26));
        BOOST_TEST_REQUIRE(send(s, text, deadline::poll()).has_value());
        BOOST_TEST_REQUIRE((receive<std::string>(r, deadline::poll()) == text));
    }
    BOOST_TEST((s.reserve(985, deadline::poll()).error() == errc::message_too_large));
    BOOST_TEST((s.reserve(~std::size_t{0}, deadline::poll()).error() == errc::message_too_large));
    auto [s2, r2] = raw::make_ends<std::string, X>({.max_message_size = 3 << 20});
    BOOST_TEST(s2.reserve(3 << 20, deadline::poll()).has_value());
    BOOST_TEST((s2.reserve((3 << 20) + 1, deadline::poll()).error() == errc::message_too_large));
    auto [s3, r3] = raw::make_ends<int, X>({.capacity = 1});
    for (int i = 0; i != 5; ++i)
        BOOST_TEST(send(s3, i, deadline::poll()).has_value());
    BOOST_TEST((receive<int>(r3, deadline::poll()) == 3));
}

BOOST_AUTO_TEST_CASE(a_payload_keeps_its_alignment_up_to_a_page)
{
    check_alignment<message_layout{1, 1, 1}>();
    check_alignment<message_layout{24, 16, 1}>();
    check_alignment<message_layout{4096, 4096, 1}>();
    check_alignment<message_layout{2000, 8, 1}>();
    check_alignment<message_layout{0, 1, 1}>();
    check_alignment<message_layout{0, 16, 1}>();
    check_alignment<message_layout{0, 64, 1}>();
    check_alignment<message_layout{0, 4096, 1}>();
}

BOOST_AUTO_TEST_CASE(a_message_shown_stays_when_its_place_is_overwritten)
{
    auto [s, r] = raw::make_ends<int, X>({.capacity = 2});
    BOOST_TEST(send(s, 1).has_value());
    auto const shown = r.peek(deadline::poll());
    for (int i = 2; i != 50; ++i)
        BOOST_TEST(send(s, i).has_value());
    BOOST_TEST((r.peek(deadline::poll())->data() == shown->data()));
    BOOST_TEST((receive<int>(r, deadline::poll()) == 1));
    BOOST_TEST((receive<int>(r, deadline::poll()) == 48));
    BOOST_TEST(r.stats().dropped == 46U);
}

BOOST_AUTO_TEST_CASE(the_next_sender_goes_on_and_the_count_with_it)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<X, std::string>(name, {.capacity = 4096});
    std::uint64_t sent = 0;
    for (int life = 0; life != 60; ++life) {
        auto s = open_sender<X, std::string>(name);
        BOOST_TEST((refusal_of_sender<X, std::string>(name) == errc::busy));
        for (int n = life * 7 % 90; n != 0; --n, ++sent)
            BOOST_TEST_REQUIRE(send(s, message<std::string>(sent), deadline::poll()).has_value());
        BOOST_TEST(s.reserve(900, deadline::poll()).has_value());  // which a death would leave, too
        BOOST_TEST(s.close(deadline::poll()).has_value());
        while (auto const m = receive<std::string>(r, deadline::poll()))
            BOOST_TEST_REQUIRE((*m == message<std::string>(number_by_count(r))));
        BOOST_TEST((r.peek(deadline::never()).error() == errc::closed));
        BOOST_TEST((r.ended() == strait::end_reason::left));
        BOOST_TEST(r.stats().messages + r.stats().dropped == sent);
    }
    BOOST_TEST(r.stats().dropped > 0U);
}

BOOST_AUTO_TEST_CASE(nothing_is_kept_for_a_later_receiver_and_nothing_left_behind)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, int>(name);
    for (int i = 0; i != 5; ++i)
        BOOST_TEST(send(s, i).has_value());  // to nobody
    auto r = open_receiver<X, int>(name);
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(send(s, 5).has_value());
    BOOST_TEST((receive<int>(r) == 5));
    BOOST_TEST(send(s, 6).has_value());
    BOOST_TEST(r.close(deadline::poll()).has_value());
    BOOST_TEST(s.close(deadline::poll()).has_value());
    BOOST_TEST(support::files_of(name).empty());
}

BOOST_AUTO_TEST_CASE(another_type_or_topology_is_refused)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, int>(name);
    BOOST_TEST((refusal_of_receiver<X, std::uint64_t>(name) == errc::type_mismatch));
    BOOST_TEST((refusal_of_receiver<X, std::string>(name) == errc::type_mismatch));
    BOOST_TEST((refusal_of_receiver<lossless_ring, int>(name) == errc::transport_mismatch));
    BOOST_TEST((refusal_of_receiver<strait::shm_ring<>, int>(name) == errc::transport_mismatch));
}

BOOST_AUTO_TEST_CASE(closed_and_moved_from_ends_say_so_and_do_nothing)
{
    auto const check = [](auto& out, auto& in) {
        for (int i = 0; i != 3; ++i) {
            BOOST_TEST((out.reserve(8, deadline::never()).error() == errc::not_open));
            out.commit(8);  // too late
            BOOST_TEST((out.flush(deadline::never()).error() == errc::not_open));
            BOOST_TEST((in.peek(deadline::never()).error() == errc::not_open));
            in.release();
            BOOST_TEST(in.stats().depth == 0U);
            BOOST_TEST(out.close(deadline::never()).has_value());
            BOOST_TEST(in.close(deadline::never()).has_value());
        }
    };
    auto const check_all = [&]<class T>(T const& value) {
        auto [s, r] = raw::make_ends<T, X>();
        auto moved = std::move(s);
        auto moved_r = std::move(r);
        check(s, r);
        BOOST_TEST(send(moved, value).has_value());
        BOOST_TEST((receive<T>(moved_r) == value));
        BOOST_TEST(send(moved, value).has_value());
        BOOST_TEST(moved_r.peek(deadline::poll()).has_value());  // held while it is closed
        BOOST_TEST(moved.close(deadline::never()).has_value());
        BOOST_TEST(moved_r.close(deadline::never()).has_value());
        check(moved, moved_r);
    };
    check_all(std::uint64_t{5});
    check_all(std::string("text"));
}

BOOST_AUTO_TEST_CASE(more_memory_than_there_is_leaves_nothing_behind)
{
    for (std::size_t const capacity : {std::size_t{1} << 42, std::size_t{1} << 60, ~std::size_t{0}}) {
        std::string const name = support::unique_name();
        BOOST_TEST((refusal_of_sender<X, int>(name, {.capacity = capacity}) == errc::out_of_memory));
        BOOST_TEST((refusal_of_receiver<X, std::string>(name, {.capacity = capacity}) == errc::out_of_memory));
        BOOST_TEST((refusal_of_receiver<X, std::string>(name, {.max_message_size = capacity}) == errc::out_of_memory));
        BOOST_TEST(support::files_of(name).empty());
    }
}

BOOST_AUTO_TEST_SUITE_END()
