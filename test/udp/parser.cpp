// Distributed under the Boost Software License, Version 1.0.
#include <strait/detail/inet/udp_parser.hpp>

#include <support/raw_peer.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <set>
#include <string>
#include <vector>

namespace udp_parser {

using namespace strait;
using detail::stream_frame;
using detail::udp_numbering;
using detail::udp_parser;
using detail::udp_rejection;
using detail::udp_trailer;
using support::frame_of;
using outcome = udp_parser::outcome;

namespace {

constexpr message_layout text{0, 1, 0x1234};

struct fixture {
    udp_parser parser{udp_trailer::of(text)};
    channel_stats stats;

    fixture() { BOOST_TEST_REQUIRE(parser.start()); }

    outcome take(std::string const& bytes) { return parser.take(std::as_bytes(std::span(bytes)), stats); }
    outcome take(udp_trailer const& t, std::string const& frames = {}) { return take(frames + text_of(t)); }

    static std::string text_of(udp_trailer const& t) { return {reinterpret_cast<char const*>(&t), sizeof t}; }
};

udp_trailer data(std::uint64_t datagram, std::uint64_t first, std::uint32_t count = 1, std::uint64_t stream = 7)
{
    udp_trailer t = udp_trailer::of(text);
    t.stream = stream;
    t.datagram = datagram;
    t.first = first;
    t.count = count;
    t.kind = stream_frame::data;
    return t;
}

std::span<std::byte const> bytes_of(std::string const& s) { return std::as_bytes(std::span(s)); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(udp_parsing, fixture)

BOOST_AUTO_TEST_CASE(what_a_sender_numbers_its_receiver_takes)
{
    udp_numbering sender(text);
    BOOST_TEST((take(sender.begin(99, 0)) == outcome::nothing));
    std::string const frames = frame_of(3, "one") + frame_of(3, "two");
    BOOST_TEST((take(sender.next(bytes_of(frames), 5), frames) == outcome::frames));
    BOOST_TEST(parser.frame_bytes() == frames.size());
    (void)sender.next(bytes_of(frames), 7);  // lost
    BOOST_TEST((take(sender.next(bytes_of(frames), 9), frames) == outcome::frames));
    BOOST_TEST(stats.dropped == 2U);
    (void)sender.next(bytes_of(frames), 11);
    sender.take_back();  // it did not leave
    BOOST_TEST(sender.datagram() == 3U);
    BOOST_TEST((take(sender.end(12)) == outcome::end));  // one more was lost
    BOOST_TEST(stats.dropped == 3U);
    BOOST_TEST(parser.all_ended());
    BOOST_TEST((take(sender.begin(100, 0)) == outcome::nothing));  // a new stream counts from 0
    BOOST_TEST((take(sender.next(bytes_of(frames), 12), frames) == outcome::frames));
    BOOST_TEST(stats.dropped == 3U);
    BOOST_TEST(!parser.all_ended());
}

BOOST_AUTO_TEST_CASE(a_sender_that_says_twice_that_it_leaves_is_one)
{
    udp_numbering first(text);
    udp_numbering second(text);
    BOOST_TEST((take(first.begin(1, 0)) == outcome::nothing));
    BOOST_TEST((take(second.begin(2, 0)) == outcome::nothing));
    BOOST_TEST((take(first.end(0)) == outcome::end));
    BOOST_TEST((take(first.end(0)) == outcome::end));
    BOOST_TEST(!parser.all_ended());
    BOOST_TEST((take(second.end(0)) == outcome::end));
    BOOST_TEST(parser.all_ended());
}

BOOST_AUTO_TEST_CASE(a_datagram_cut_at_any_byte_is_foreign)
{
    std::string const whole = frame_of(5, "hello") + text_of(data(1, 0));
    for (std::size_t cut = 0; cut != whole.size(); ++cut)
        BOOST_TEST((take(whole.substr(0, cut)) == outcome::foreign), "cut at " << cut);
    BOOST_TEST(stats.dropped == whole.size());
    BOOST_TEST((take(whole) == outcome::frames));
    BOOST_TEST(!parser.all_ended());
}

BOOST_AUTO_TEST_CASE(each_byte_of_a_trailer_counts)
{
    std::string const good = frame_of(5, "hello") + text_of(data(1, 0));
    std::size_t const at = good.size() - sizeof(udp_trailer);
    for (std::size_t i = 0; i != 32; ++i)
        for (int value = 0; value != 256; ++value) {
            std::string bad = good;
            bad[at + i] = static_cast<char>(value);
            if (bad == good)
                continue;
            auto const before = stats.dropped;
            outcome const said = take(bad);
            bool const unanswered = i < 8 || (i >= 24 && i < 32);  // the magic, the cookie
            BOOST_TEST((said == (unanswered ? outcome::foreign : outcome::refused)), "byte " << i << " is " << value);
            BOOST_TEST(stats.dropped == before + 1);
            if (said == outcome::refused) {
                BOOST_TEST(parser.rejection().stream == 7U);
                BOOST_TEST((parser.rejection().said.reason() == (i < 12 ? errc::incompatible_peer : errc::type_mismatch)));
            }
        }
    udp_trailer swapped = data(1, 0);
    swapped.magic = __builtin_bswap64(swapped.magic);
    BOOST_TEST((take(swapped) == outcome::refused));
    BOOST_TEST((parser.rejection().said.reason() == errc::incompatible_peer));
    for (std::uint32_t kind : {0U, 1U, ~0U}) {  // whatever is no kind of ours is malformed: it has no frames
        udp_trailer t = data(100 + kind % 7, 0);
        t.kind = kind;
        BOOST_TEST((take(t, frame_of(5, "hello")) == outcome::frames));
        BOOST_TEST(parser.frame_bytes() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(noise_is_foreign_and_counted)
{
    for (std::uint64_t round = 0; round != 5'000; ++round)
        BOOST_TEST_REQUIRE((take(support::noise_of(round)) == outcome::foreign));
    BOOST_TEST(stats.dropped == 5'000U);
}

BOOST_AUTO_TEST_CASE(each_order_of_six_datagrams_is_delivered_once_and_nothing_is_missing_in_the_end)
{
    std::vector<std::uint64_t> order{1, 2, 3, 4, 5, 6};
    std::uint64_t stream = 0;
    do {
        ++stream;
        (void)take(data(0, 0, 0, stream));  // so that the stream is known from its beginning
        stats = {};
        for (std::uint64_t const n : order) {
            BOOST_TEST_REQUIRE((take(data(n, 2 * (n - 1), 2, stream)) == outcome::frames));
            BOOST_TEST_REQUIRE((take(data(n, 2 * (n - 1), 2, stream)) == outcome::nothing));  // twice
        }
        BOOST_TEST_REQUIRE(stats.dropped == 0U);
    } while (std::next_permutation(order.begin(), order.end()));
}

BOOST_AUTO_TEST_CASE(each_subset_of_eight_datagrams_that_is_lost_is_counted)
{
    for (unsigned lost = 0; lost != 256; ++lost) {
        std::uint64_t const stream = 1000 + lost;
        (void)take(data(0, 0, 0, stream));
        stats = {};
        std::uint64_t missing = 0;
        for (std::uint64_t n = 1; n <= 8; ++n)
            if ((lost >> (n - 1) & 1) == 0)
                (void)take(data(n, 3 * (n - 1), 3, stream));
            else
                missing += 3;
        udp_trailer end = data(9, 24, 0, stream);
        end.kind = stream_frame::end;
        BOOST_TEST_REQUIRE((take(end) == outcome::end));
        BOOST_TEST_REQUIRE(stats.dropped == missing);
        for (std::uint64_t n = 1; n <= 8; ++n)  // they come late
            if ((lost >> (n - 1) & 1) != 0)
                (void)take(data(n, 3 * (n - 1), 3, stream));
        BOOST_TEST_REQUIRE(stats.dropped == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_datagram_more_than_63_behind_is_not_delivered)
{
    (void)take(data(0, 0, 0));
    (void)take(data(100, 99));
    BOOST_TEST((take(data(37, 36)) == outcome::frames));
    BOOST_TEST((take(data(36, 35)) == outcome::nothing));
    BOOST_TEST((take(data(164, 163)) == outcome::frames));
    BOOST_TEST((take(data(100, 99)) == outcome::nothing));
}

BOOST_AUTO_TEST_CASE(numbers_at_their_ends_overflow_into_nothing_else)
{
    (void)take(data(1, 0, 1, 5));
    stats = {};
    for (std::uint64_t const n : {std::uint64_t{1} << 31, std::uint64_t{1} << 63, ~std::uint64_t{0}, std::uint64_t{0}})
        for (std::uint64_t const d : {~std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{1}, n, n + 1, n - 1})
            (void)take(data(d, n, ~0U, 8 + n), frame_of(1, "x"));
    stats = {};
    BOOST_TEST((take(data(2, 1, 1, 5)) == outcome::frames));
    BOOST_TEST(stats.dropped == 0U);
}

BOOST_AUTO_TEST_CASE(only_a_rejection_of_this_stream_is_believed)
{
    udp_numbering sender(text);
    (void)sender.begin(99, 0);
    udp_rejection r{{}, 99};
    r.said.why = static_cast<std::uint32_t>(errc::type_mismatch);
    std::string const good(reinterpret_cast<char const*>(&r), sizeof r);
    BOOST_TEST((sender.rejection_in(bytes_of(good)) == errc::type_mismatch));
    for (std::size_t cut = 0; cut != good.size(); ++cut)
        BOOST_TEST(!sender.rejection_in(bytes_of(good.substr(0, cut))));
    BOOST_TEST(!sender.rejection_in(bytes_of(good + "x")));
    for (std::size_t i = 16; i != good.size(); ++i) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        BOOST_TEST(!sender.rejection_in(bytes_of(bad)), "byte " << i);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace udp_parser
