// Distributed under the Boost Software License, Version 1.0.

#include "ends.hpp"
#include "types.hpp"

#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

namespace rings_messages {

// How many messages a ring of any topology takes, of which sizes, and where they lie.
namespace {

using namespace rings;

bool is_aligned(void const* p, std::size_t to) { return reinterpret_cast<std::uintptr_t>(p) % to == 0; }

template <class X>
void check_alignment(maker const& of)
{
    std::string const name = support::unique_name();
    std::size_t const size = of.layout.fixed_size != 0 ? of.layout.fixed_size : 33;
    channel_options const how{.capacity = of.layout.fixed_size != 0 ? 4U : 65536U};
    std::optional<sender> first;  // so that s is not the first one where there are many
    if (many_senders<X>)
        first.emplace(of.open_sender(name, how).value());
    auto s = of.open_sender(name, how).value();
    auto r = of.open_receiver(name, how).value();
    for (int i = 0; i != 40; ++i) {
        auto const room = s.reserve(size, deadline::poll());
        BOOST_TEST_REQUIRE(room.has_value());
        BOOST_TEST(is_aligned(room->data(), of.layout.alignment));
        std::memset(room->data(), i, size);
        s.commit(size);
        BOOST_TEST_REQUIRE(s.flush(deadline::poll()).has_value());
        auto const shown = r.peek(deadline::poll());
        BOOST_TEST_REQUIRE(shown.has_value());
        BOOST_TEST(is_aligned(shown->data(), of.layout.alignment));
        BOOST_TEST_REQUIRE(shown->size() == size);
        BOOST_TEST_REQUIRE(std::count(shown->begin(), shown->end(), static_cast<std::byte>(i)) == static_cast<std::ptrdiff_t>(size));
        r.release();
    }
}

// The largest message of a ring of these options.
template <class X>
struct limited {
    channel_options how{.capacity = 4096};
    std::size_t largest = 4080;
};
template <>
struct limited<mpmc> {
    channel_options how{.max_message_size = 3001};
    std::size_t largest = 3001;
};
template <>
struct limited<lossy> {
    channel_options how{.capacity = 4096};
    std::size_t largest = 984;  // a quarter
};
template <>
struct limited<latest> : limited<lossy> {};

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_messages, *boost::unit_test::fixture<support::watchdog>())

TYPED_CASE(a_capacity_is_rounded_up_to_a_power_of_two_and_exact, X, reliable)
{
    for (auto const& [wanted, given] : {std::pair(1U, 1U), std::pair(2U, 2U), std::pair(5U, 8U), std::pair(64U, 64U)}) {
        auto [s, r] = make_ends<X, std::uint64_t>({.capacity = wanted});
        BOOST_TEST(fill(s, 8) == given);
        BOOST_TEST((s.reserve(8, soon()).error() == errc::timed_out));
        BOOST_TEST(receive<std::uint64_t>(r, deadline::poll()).has_value());
        BOOST_TEST(fill(s, 8) == 1U);
        BOOST_TEST((s.reserve(8, deadline::poll()).error() == errc::full));
        BOOST_TEST(s.stats().messages == given + 1);
        BOOST_TEST(s.stats().depth == given);
    }
}

BOOST_AUTO_TEST_CASE(by_default_a_ring_takes_a_mebibyte_or_eight_large_messages)
{
    auto [s, r] = make_ends<spsc, std::uint64_t>();
    BOOST_TEST(fill(s, 8) == (1U << 20) / 16);
    auto [s2, r2] = make_ends<spsc, large>();
    BOOST_TEST(fill(s2, sizeof(large)) == 8U);
    auto [s3, r3] = make_ends<spsc, std::string>();
    BOOST_TEST(fill(s3, 1000) == ((1U << 20) - 8) / 1008);
}

BOOST_AUTO_TEST_CASE(by_default_a_lane_has_what_a_ring_of_one_sender_has)
{
    auto [s, r] = make_ends<mpsc, seven_words>();
    BOOST_TEST(fill(s, sizeof(seven_words)) == 16384U);
    auto [s2, r2] = make_ends<mpsc, large>();
    BOOST_TEST(fill(s2, sizeof(large)) == 8U);
    auto [s3, r3] = make_ends<mpsc, std::string>();
    BOOST_TEST(s3.reserve((1 << 20) - 16, deadline::poll()).has_value());
    BOOST_TEST((s3.reserve((1 << 20) - 15, deadline::poll()).error() == errc::message_too_large));
}

BOOST_AUTO_TEST_CASE(by_default_all_senders_of_an_mpmc_ring_share_four_mebibytes)
{
    auto [s, r] = make_ends<mpmc, support::probe>();
    BOOST_TEST(fill(s, sizeof(support::probe)) == 1024U);
    auto [s2, r2] = make_ends<mpmc, large>();
    BOOST_TEST(fill(s2, sizeof(large)) == 2U);
    auto [s3, r3] = make_ends<mpmc, std::string>();
    BOOST_TEST(fill(s3, 1000) == 32U);
    BOOST_TEST((s3.reserve(4097, deadline::poll()).error() == errc::message_too_large));
}

TYPED_CASE(a_payload_keeps_its_alignment_up_to_a_page, X, but_latest)
{
    for (maker const& of : makers<X>())
        check_alignment<X>(of);
}

TYPED_CASE(messages_of_every_size_go_whole_around_the_ring_of_each_sender, X, but_latest)
{
    limited<X> const limit;
    std::string const name = support::unique_name();
    std::vector<sender> senders;
    for (int i = 0; i != (many_senders<X> ? 3 : 1); ++i)
        senders.push_back(open_sender<X, std::string>(name, limit.how));
    auto r = open_receiver<X, std::string>(name, limit.how);
    for (std::size_t size = 0; size <= limit.largest; ++size) {
        std::string const message = (support::make_text(size, 0, 1) + std::string(size, static_cast<char>('a' + size % 26))).substr(0, size);
        for (auto& s : senders) {
            BOOST_TEST_REQUIRE(send(s, message, deadline::poll()).has_value());
            BOOST_TEST_REQUIRE((receive<std::string>(r, deadline::poll()) == message));
        }
    }
    for (std::size_t const size : {limit.largest + 1, static_cast<std::size_t>(-1), static_cast<std::size_t>(-2)})
        BOOST_TEST((senders.back().reserve(size, deadline::poll()).error() == errc::message_too_large));
    BOOST_TEST(r.stats().messages == senders.size() * (limit.largest + 1));
    BOOST_TEST(senders[0].stats().bytes == limit.largest * (limit.largest + 1) / 2);
    BOOST_TEST(r.stats().bytes == senders.size() * senders[0].stats().bytes);
}

// Records of 64 bytes end where the ring does: the header behind the last one needs room, too.
TYPED_CASE(a_ring_that_is_full_loses_no_message_of_any_size, X, in_place)
{
    for (std::size_t const size : {0U, 8U, 24U, 56U, 57U, 120U, 500U, 1016U, 1017U}) {
        auto [s, r] = make_ends<X, std::string>({.capacity = 4096});
        std::size_t sent = 0;
        while (send(s, std::string(size, static_cast<char>('a' + sent % 26)), deadline::poll()))
            ++sent;
        BOOST_TEST(sent == (4096 - 8) / ((8 + size + 7) / 8 * 8));
        for (std::size_t i = 0; i != sent; ++i)
            BOOST_TEST_REQUIRE((receive<std::string>(r, deadline::poll()) == std::string(size, static_cast<char>('a' + i % 26))));
        BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    }
}

TYPED_CASE(a_largest_message_can_be_set_and_enlarges_the_default_ring, X, but_latest)
{
    auto [s, r] = make_ends<X, std::string>({.max_message_size = 100});
    BOOST_TEST(s.reserve(100, deadline::poll()).has_value());
    BOOST_TEST((s.reserve(101, deadline::poll()).error() == errc::message_too_large));
    auto [s2, r2] = make_ends<X, std::string>({.max_message_size = 3'000'000});
    BOOST_TEST(send(s2, std::string(3'000'000, 'x'), deadline::poll()).has_value());
    BOOST_TEST((receive<std::string>(r2, deadline::poll()) == std::string(3'000'000, 'x')));
    BOOST_TEST((s2.reserve(3'000'001, deadline::poll()).error() == errc::message_too_large));
}

TYPED_CASE(a_message_is_shown_where_it_was_written, X, in_place)
{
    auto [s, r] = make_ends<X, support::probe>();
    for (std::uint64_t i = 0; i != 3; ++i) {
        auto const message = support::make_probe(i);
        auto const room = s.reserve(sizeof message, deadline::poll());
        std::memcpy(room->data(), &message, sizeof message);
        s.commit(sizeof message);
        auto const shown = r.peek(deadline::poll());
        BOOST_TEST((shown->data() == room->data()));  // over one mapping
        BOOST_TEST((r.peek(deadline::poll())->data() == room->data()));  // until it is released
        BOOST_TEST((receive<support::probe>(r) == message));
        BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    }
}

TYPED_CASE(a_reservation_that_is_not_committed_never_existed, X, all_topologies)
{
    auto [s, r] = make_ends<X, std::string>();
    std::memset(s.reserve(500, deadline::poll())->data(), 0xff, 500);
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(send(s, std::string("after"), deadline::poll()).has_value());
    BOOST_TEST((receive<std::string>(r, deadline::poll()) == std::string("after")));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
}

TYPED_CASE(a_message_can_be_shrunk_when_it_is_committed, X, all_topologies)
{
    limited<X> const limit;
    auto [s, r] = make_ends<X, std::string>(limit.how);
    for (std::size_t i = 0; i != 100; ++i) {
        auto const room = s.reserve(limit.largest / 2, deadline::poll());
        BOOST_TEST_REQUIRE(room.has_value());
        std::memset(room->data(), 'a' + static_cast<int>(i % 26), limit.largest / 2);
        s.commit(i);
        BOOST_TEST_REQUIRE(s.flush(deadline::poll()).has_value());
        BOOST_TEST_REQUIRE((receive<std::string>(r, deadline::poll()) == std::string(i, static_cast<char>('a' + i % 26))));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_messages
