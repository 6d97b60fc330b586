// Distributed under the Boost Software License, Version 1.0.

#include "raw_ends.hpp"

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <type_traits>
#include <utility>

namespace {

using namespace raw;

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
    for (; s.reserve(size, deadline::poll()); ++n)
        s.commit(size);
    return n;
}

bool is_aligned(void const* p, std::size_t to) { return reinterpret_cast<std::uintptr_t>(p) % to == 0; }

template <message_layout L>
void check_alignment()
{
    constexpr std::size_t size = L.fixed_size == 0 ? 3 : L.fixed_size;
    auto ends = strait::shm_ring<>::pair<L>::make({.capacity = L.fixed_size == 0 ? 65536 : 4}, "test").value();
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

BOOST_AUTO_TEST_SUITE(shm_ring, *boost::unit_test::fixture<support::watchdog>())

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

BOOST_AUTO_TEST_CASE(by_default_it_takes_a_mebibyte_or_eight_large_messages)
{
    auto [s, r] = make_ends<std::uint64_t>();
    BOOST_TEST(fill(s, 8) == (1U << 20) / 16);
    auto [s2, r2] = make_ends<large>();
    BOOST_TEST(fill(s2, sizeof(large)) == 8U);
    auto [s3, r3] = make_ends<std::string>();
    BOOST_TEST(fill(s3, 1000) == ((1U << 20) - 8) / 1008);
}

BOOST_AUTO_TEST_CASE(a_message_is_shown_where_it_was_written)
{
    auto [s, r] = make_ends<std::uint64_t>();
    auto const room = s.reserve(8, deadline::poll());
    s.commit(8);
    BOOST_TEST((r.peek(deadline::poll())->data() == room->data()));
    BOOST_TEST((r.peek(deadline::poll())->data() == room->data()));  // until it is released
    r.release();
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
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

BOOST_AUTO_TEST_CASE(records_of_every_size_go_whole_around_the_ring)
{
    auto [s, r] = make_ends<std::string>({.capacity = 4096});
    for (std::size_t size = 0; size <= 4080; ++size) {
        std::string const message(size, static_cast<char>('a' + size % 26));
        BOOST_TEST_REQUIRE(send(s, message, deadline::poll()).has_value());
        BOOST_TEST_REQUIRE((receive<std::string>(r, deadline::poll()) == message));
    }
    BOOST_TEST((s.reserve(4081, deadline::poll()).error() == errc::message_too_large));
    BOOST_TEST((s.reserve(static_cast<std::size_t>(-1), deadline::poll()).error() == errc::message_too_large));
    BOOST_TEST(r.stats().bytes == 4080U * 4081 / 2);
    BOOST_TEST(s.stats().bytes == r.stats().bytes);
}

BOOST_AUTO_TEST_CASE(a_largest_message_can_be_set_and_enlarges_the_default_ring)
{
    auto [s, r] = make_ends<std::string>({.max_message_size = 100});
    BOOST_TEST(s.reserve(100, deadline::poll()).has_value());
    BOOST_TEST((s.reserve(101, deadline::poll()).error() == errc::message_too_large));
    auto [s2, r2] = make_ends<std::string>({.max_message_size = 3'000'000});
    BOOST_TEST(send(s2, std::string(3'000'000, 'x'), deadline::poll()).has_value());
    BOOST_TEST((receive<std::string>(r2, deadline::poll()) == std::string(3'000'000, 'x')));
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

BOOST_AUTO_TEST_CASE(a_record_can_be_shrunk_when_it_is_committed)
{
    auto [s, r] = make_ends<std::string>({.capacity = 4096});
    for (int i = 0; i != 100; ++i) {
        auto const room = s.reserve(2000, deadline::poll());
        BOOST_TEST_REQUIRE(room.has_value());
        std::memset(room->data(), 'a' + i % 26, 2000);
        s.commit(static_cast<std::size_t>(i));
        BOOST_TEST_REQUIRE((receive<std::string>(r, deadline::poll()) ==
                            std::string(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26))));
    }
}

BOOST_AUTO_TEST_CASE(a_second_living_end_of_a_kind_is_busy)
{
    std::string const name = support::unique_name();
    auto s = open_sender<int>(name);
    auto r = open_receiver<int>(name);
    BOOST_TEST((sender<int>::open(name, {}, "test").error() == errc::busy));
    BOOST_TEST((receiver<int>::open(name, {}, "test").error() == errc::busy));
    BOOST_TEST(s.close(deadline::poll()).has_value());
    BOOST_TEST(sender<int>::open(name, {}, "test").has_value());
}

BOOST_AUTO_TEST_CASE(another_type_is_refused)
{
    std::string const name = support::unique_name();
    auto s = open_sender<int>(name);
    BOOST_TEST((receiver<std::uint64_t>::open(name, {}, "test").error() == errc::type_mismatch));
    BOOST_TEST((receiver<std::string>::open(name, {}, "test").error() == errc::type_mismatch));
    using aligned = strait::shm_ring<>::receiver_end<message_layout{0, 64, 1}>;
    auto t = open_sender<std::string>(name + "t");
    BOOST_TEST((aligned::open(name + "t", {}, "test").error() == errc::type_mismatch));
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

BOOST_AUTO_TEST_CASE(the_stream_ends_when_its_sender_leaves_and_goes_on_with_the_next)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<int>(name);
    BOOST_TEST((r.peek(soon()).error() == errc::timed_out));  // nobody has come yet
    BOOST_TEST((r.ended() == strait::end_reason::none));
    for (int i = 0; i != 3; ++i) {
        auto s = open_sender<int>(name);
        BOOST_TEST(send(s, i).has_value());
        BOOST_TEST(s.close(deadline::poll()).has_value());
        BOOST_TEST((receive<int>(r, deadline::poll()) == i));
        for (deadline const until : {deadline::poll(), deadline::never(), soon()})
            BOOST_TEST((r.peek(until).error() == errc::closed));
        BOOST_TEST((r.ended() == strait::end_reason::left));
    }
}

BOOST_AUTO_TEST_CASE(unread_messages_outlive_both_ends)
{
    std::string const name = support::unique_name();
    {
        auto s = open_sender<std::string>(name);
        for (int i = 0; i != 10; ++i)
            BOOST_TEST(send(s, std::to_string(i)).has_value());
    }
    for (int i = 0; i != 10; ++i) {
        auto r = open_receiver<std::string>(name);
        BOOST_TEST((receive<std::string>(r, deadline::poll()) == std::to_string(i)));
    }
    BOOST_TEST(support::files_of(name).empty());
}

BOOST_AUTO_TEST_CASE(a_borrowed_message_is_seen_again_by_the_next_receiver)
{
    std::string const name = support::unique_name();
    auto s = open_sender<int>(name);
    BOOST_TEST(send(s, 1).has_value());
    BOOST_TEST(send(s, 2).has_value());
    {
        auto r = open_receiver<int>(name);
        BOOST_TEST((receive<int>(r) == 1));
        BOOST_TEST(r.peek(deadline::poll()).has_value());
    }
    auto r = open_receiver<int>(name);
    BOOST_TEST((receive<int>(r) == 2));
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
    for (std::size_t const capacity : {std::size_t{1} << 42, std::size_t{1} << 45, std::size_t{1} << 60, ~std::size_t{0}}) {
        std::string const name = support::unique_name();
        strait::channel_options const how{.capacity = capacity};
        BOOST_TEST((sender<int>::open(name, how, "test").error() == errc::out_of_memory));
        BOOST_TEST((receiver<std::string>::open(name, how, "test").error() == errc::out_of_memory));
        BOOST_TEST((pair<int>::make(how, "test").error() == errc::out_of_memory));
        BOOST_TEST((pair<std::string>::make({.max_message_size = capacity}, "test").error() == errc::out_of_memory));
        BOOST_TEST(support::files_of(name).empty());
    }
}

BOOST_AUTO_TEST_CASE(removing_what_is_not_there_is_no_error)
{
    std::string const name = support::unique_name();
    BOOST_TEST(strait::shm_ring<>::remove(name).has_value());
    {
        auto s = open_sender<int>(name, {.keep = true});
    }
    BOOST_TEST(support::files_of(name).size() == 1U);
    BOOST_TEST(strait::shm_ring<>::remove(name).has_value());
    BOOST_TEST(support::files_of(name).empty());
}

BOOST_AUTO_TEST_SUITE_END()
