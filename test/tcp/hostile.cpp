// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/tcp.hpp>

#include <support/listening.hpp>
#include <support/raw_peer.hpp>
#include <support/residue.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <sys/resource.h>

namespace tcp_hostile {

using namespace strait;
using namespace std::chrono_literals;
using support::frame_of;
using support::resident_pages;

// What bytes mean is tested in frame/stream_parser.cpp, for every byte and every cut. Here some of them come over a real socket.
namespace {

constexpr message_layout text = detail::codec<std::string>::layout;
constexpr message_layout number = detail::codec<std::uint64_t>::layout;

template <message_layout L>
struct listening : support::listening<tcp, L> {
    using base = support::listening<tcp, L>;
    using base::base;

    error_code next(deadline until = deadline::after(60s)) { return base::next(until); }
};

tcp::options limited_to(std::size_t size)
{
    tcp::options how;
    how.max_message_size = size;
    return how;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tcp_hostile)

BOOST_AUTO_TEST_CASE(a_raw_peer_that_speaks_the_protocol_is_heard)
{
    listening<text> r;
    raw_peer p(r.in.port());
    p.greet(text);
    p.frame(5, "hello");
    p.frame(0, "");
    BOOST_TEST(!r.next());
    BOOST_TEST(r.last == "hello");
    BOOST_TEST(!r.next());
    BOOST_TEST(r.last.empty());
    p.frame(0, "", detail::stream_frame::end);
    p.close();
    BOOST_TEST((r.next() == errc::closed));
    BOOST_TEST((r.in.ended() == end_reason::left));
}

BOOST_AUTO_TEST_CASE(a_greeting_that_is_none_costs_that_connection_only)
{
    listening<text> r;
    raw_peer good(r.in.port());
    good.greet(text);
    std::mt19937 random(1);
    for (int i = 0; i < 50; ++i) {
        raw_peer bad(r.in.port());
        std::string garbage(64, '\0');
        for (char& c : garbage)
            c = static_cast<char>(random());
        bad.write(garbage.data(), garbage.size());
        BOOST_TEST((r.next(deadline::poll()) == errc::empty));
    }
    good.frame(2, "ok");
    BOOST_TEST(!r.next());
    BOOST_TEST(r.last == "ok");
}

BOOST_AUTO_TEST_CASE(a_sender_is_told_why_its_greeting_is_refused)
{
    listening<text> r;
    auto const rejected = [&](auto change) {
        auto g = detail::stream_greeting::of(text, {});
        change(g);
        raw_peer p(r.in.port());
        p.write(g);
        p.frame(4, "evil");
        while (r.next(deadline::after(20ms)) == errc::empty) {
        }
        return p.rejection();
    };
    BOOST_TEST((rejected([](auto& g) { ++g.fingerprint; }) == errc::type_mismatch));
    BOOST_TEST((rejected([](auto& g) { g.cookie[1] = 1; }) == errc::untrusted_object));
    BOOST_TEST(r.last.empty());  // and nothing of it was delivered
}

BOOST_AUTO_TEST_CASE(a_lying_length_is_malformed_and_costs_no_memory)
{
    for (std::uint32_t const size : {1025U, ~0U}) {
        listening<text> r(limited_to(1024));
        raw_peer p(r.in.port());
        p.greet(text);
        p.frame(size, "x");
        BOOST_TEST((r.next() == errc::malformed_message), size);
        raw_peer other(r.in.port());
        other.greet(text);
        other.frame(2, "ok");
        BOOST_TEST(!r.next());
        BOOST_TEST(r.last == "ok");
    }
    // A length within the limit of 64 MiB that is never followed by its bytes.
    listening<text> r;
    raw_peer p(r.in.port());
    p.greet(text);
    auto const before = resident_pages();
    p.frame(64U << 20, "only these");
    BOOST_TEST((r.next(deadline::after(50ms)) == errc::timed_out));
    BOOST_TEST(resident_pages() < before + 256);  // a megabyte
}

BOOST_AUTO_TEST_CASE(the_largest_message_arrives_and_one_more_byte_does_not)
{
    listening<text> r(limited_to(1024));
    raw_peer p(r.in.port());
    p.greet(text);
    p.frame(1024, std::string(1024, 'm'));
    BOOST_TEST(!r.next());
    BOOST_TEST(r.last.size() == 1024u);
    p.frame(1025, std::string(1025, 'm'));
    BOOST_TEST((r.next() == errc::malformed_message));
}

BOOST_AUTO_TEST_CASE(a_frame_of_another_size_or_kind_is_malformed)
{
    listening<number> r;
    {
        raw_peer p(r.in.port());
        p.greet(number);
        p.frame(7, "1234567");
        BOOST_TEST((r.next() == errc::malformed_message));
    }
    raw_peer p(r.in.port());
    p.greet(number);
    p.frame(8, "12345678", 77);
    BOOST_TEST((r.next() == errc::malformed_message));
}

BOOST_AUTO_TEST_CASE(of_a_run_that_is_cut_the_whole_messages_arrive)
{
    auto const whole = frame_of(3 * 8, "message1message2message3");
    for (std::size_t const cut : {std::size_t{0}, std::size_t{7}, std::size_t{16}, std::size_t{31}, whole.size()}) {
        listening<number> r;
        raw_peer p(r.in.port());
        p.greet(number);
        p.write(whole.data(), cut);
        p.close();
        for (std::size_t i = 0; i != (cut < 8 ? 0 : (cut - 8) / 8); ++i) {
            BOOST_TEST(!r.next());
            BOOST_TEST(r.last == whole.substr(8 + 8 * i, 8));
        }
        BOOST_TEST((r.next() == errc::closed), "cut at " << cut);
        BOOST_TEST((r.in.ended() == end_reason::died), "cut at " << cut);
    }
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_cut_is_a_death_and_never_a_message)
{
    auto const whole = frame_of(13, "thirteen char");
    for (std::size_t const cut : {std::size_t{0}, std::size_t{3}, std::size_t{8}, std::size_t{20}, whole.size() - 1}) {
        listening<text> r;
        raw_peer p(r.in.port());
        p.greet(text);
        p.write(whole.data(), cut);
        p.close();
        BOOST_TEST((r.next() == errc::closed), "cut at " << cut);
        BOOST_TEST((r.in.ended() == end_reason::died), "cut at " << cut);
    }
}

BOOST_AUTO_TEST_CASE(a_peer_that_writes_byte_by_byte_is_understood)
{
    listening<text> r;
    raw_peer p(r.in.port());
    auto const g = detail::stream_greeting::of(text, {});
    for (char const c : std::string(reinterpret_cast<char const*>(&g), sizeof g) + frame_of(3, "abc")) {
        BOOST_TEST((r.next(deadline::poll()) == errc::empty));
        p.write(&c, 1);
    }
    BOOST_TEST(!r.next());
    BOOST_TEST(r.last == "abc");
}

BOOST_AUTO_TEST_CASE(silent_connections_are_bounded_and_harm_nobody)
{
    listening<text> r;
    raw_peer good(r.in.port());
    good.greet(text);
    good.frame(1, "a");
    BOOST_TEST(!r.next());
    std::vector<raw_peer> silent;
    for (int i = 0; i < 200; ++i) {
        silent.emplace_back(r.in.port());
        BOOST_TEST((r.next(deadline::poll()) == errc::empty));
    }
    BOOST_TEST(r.in.stats().dropped >= 200 - strait::detail::most_pending);
    good.frame(1, "b");
    BOOST_TEST(!r.next());
    BOOST_TEST(r.last == "b");
}

BOOST_AUTO_TEST_CASE(a_receiver_out_of_descriptors_says_so_and_serves_who_is_there)
{
    listening<text> r;
    raw_peer good(r.in.port());
    good.greet(text);
    good.frame(1, "a");
    BOOST_TEST(!r.next());
    raw_peer late(r.in.port());
    ::rlimit before = {};
    ::getrlimit(RLIMIT_NOFILE, &before);
    ::rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
    auto const refused = r.next();
    good.frame(1, "b");
    auto served = r.next();
    while (served == errc::descriptor_limit)
        served = r.next();
    ::setrlimit(RLIMIT_NOFILE, &before);
    BOOST_TEST((refused == errc::descriptor_limit));
    BOOST_TEST(!served);
    BOOST_TEST(r.last == "b");
    late.greet(text);
    late.frame(1, "c");
    auto heard = r.next();
    while (heard == errc::descriptor_limit)
        heard = r.next();
    BOOST_TEST(!heard);
    BOOST_TEST(r.last == "c");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tcp_hostile
