// Distributed under the Boost Software License, Version 1.0.
#include <strait/detail/handshake/parser.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

namespace connection_parser {

using namespace strait;
using detail::client_handshake_parser;
using detail::handshake_answer;
using detail::server_handshake_parser;
using detail::stream_greeting;
using detail::stream_rejection;
using progress = detail::handshake_progress;

namespace {

stream_greeting const wanted = stream_greeting::of({0, 1, 0x1234}, {5, 6});

template <class T>
std::string bytes_of(T const& object)
{
    return {reinterpret_cast<char const*>(&object), sizeof object};
}

// Gives as many of these bytes as the parser asks for, in pieces; returns how many.
template <class Parser, class Step>
std::size_t feed(Parser& p, std::string const& bytes, std::size_t piece, Step step)
{
    std::size_t at = 0;
    while (step() == progress::waits && at != bytes.size()) {
        auto const room = p.room();
        BOOST_TEST_REQUIRE(!room.empty());
        std::size_t const n = std::min({piece, room.size(), bytes.size() - at});
        std::memcpy(room.data(), bytes.data() + at, n);
        p.take(n);
        at += n;
    }
    return at;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handshake_parsing)

BOOST_AUTO_TEST_CASE(a_client_that_does_as_it_must_is_understood_in_pieces_of_every_size)
{
    std::string const bytes = bytes_of(wanted) + "j" + "what belongs to the ends";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        server_handshake_parser p;
        auto const greet = [&] { return p.greet(wanted, true); };
        BOOST_TEST(feed(p, bytes, piece, greet) == sizeof wanted);
        BOOST_TEST(p.is_greeted());
        BOOST_TEST(feed(p, bytes.substr(sizeof wanted), piece, [&] { return p.join(); }) == 1U);
        BOOST_TEST((p.join() == progress::complete));
    }
}

BOOST_AUTO_TEST_CASE(a_greeting_cut_at_any_byte_is_waited_for)
{
    for (std::size_t cut = 0; cut != sizeof wanted; ++cut) {
        server_handshake_parser p;
        auto const greet = [&] { return p.greet(wanted, true); };
        BOOST_TEST(feed(p, bytes_of(wanted).substr(0, cut), 64, greet) == cut);
        BOOST_TEST((greet() == progress::waits));
        BOOST_TEST(p.room().size() == sizeof wanted - cut);
    }
}

BOOST_AUTO_TEST_CASE(each_byte_of_a_greeting_counts_but_the_unused)
{
    for (std::size_t i = 0; i != sizeof wanted; ++i)
        for (int const flip : {1, 0x10, 0x80, 0xff}) {
            std::string bytes = bytes_of(wanted);
            bytes[i] = static_cast<char>(bytes[i] ^ flip);
            server_handshake_parser p;
            auto const greet = [&] { return p.greet(wanted, true); };
            feed(p, bytes, 64, greet);
            BOOST_TEST((greet() == (i >= 56 ? progress::complete : progress::failed)), "byte " << i);
            BOOST_TEST(p.is_greeted() == (i >= 56));
            BOOST_TEST(!!p.refusal() == (i < 56));
        }
}

BOOST_AUTO_TEST_CASE(a_client_that_is_not_admitted_is_refused_once_it_has_greeted)
{
    server_handshake_parser p;
    auto const greet = [&] { return p.greet(wanted, false); };
    BOOST_TEST((greet() == progress::waits));
    feed(p, bytes_of(wanted), 64, greet);
    BOOST_TEST((greet() == progress::failed));
    BOOST_TEST((p.refusal() == errc::refused));
}

BOOST_AUTO_TEST_CASE(only_the_right_word_joins_and_completes)
{
    for (int word = 0; word != 256; ++word) {
        auto server = server_handshake_parser::behind_the_greeting();
        BOOST_TEST((server.join() == progress::waits));
        feed(server, std::string(1, static_cast<char>(word)), 1, [&] { return server.join(); });
        BOOST_TEST((server.join() == (word == detail::handshake_joined ? progress::complete : progress::failed)), word);

        client_handshake_parser client;
        feed(client, bytes_of(handshake_answer{}), 64, [&] { return client.welcome(); });
        BOOST_TEST((client.complete() == progress::waits));
        feed(client, std::string(1, static_cast<char>(word)), 1, [&] { return client.complete(); });
        BOOST_TEST((client.complete() == (word == detail::handshake_complete ? progress::complete : progress::failed)), word);
        BOOST_TEST((client.refusal() == (word == detail::handshake_complete ? error_code() : make_error_code(errc::untrusted_object))));
    }
}

BOOST_AUTO_TEST_CASE(an_answer_in_pieces_of_every_size_gives_the_number_and_takes_no_byte_more)
{
    handshake_answer a;
    a.number = 0x1234'5678'9abcU;
    std::string const bytes = bytes_of(a) + "c" + "more";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        client_handshake_parser p;
        BOOST_TEST(feed(p, bytes, piece, [&] { return p.welcome(); }) == sizeof a);
        BOOST_TEST(p.number() == a.number);
        BOOST_TEST(feed(p, bytes.substr(sizeof a), piece, [&] { return p.complete(); }) == 1U);
        BOOST_TEST((p.complete() == progress::complete));
    }
}

BOOST_AUTO_TEST_CASE(each_reason_of_an_answer_is_an_error_and_what_is_none_is_no_receiver)
{
    auto const refusal = [](handshake_answer const& a) {
        client_handshake_parser p;
        feed(p, bytes_of(a), 64, [&] { return p.welcome(); });
        BOOST_TEST((p.welcome() == (p.refusal() ? progress::failed : progress::complete)));
        return p.refusal();
    };
    for (std::uint32_t why = 1; why <= static_cast<std::uint32_t>(errc::not_open); ++why) {
        handshake_answer a;
        a.why = why;
        BOOST_TEST((refusal(a) == static_cast<errc>(why)));
    }
    for (std::uint32_t const why : {static_cast<std::uint32_t>(errc::not_open) + 1, 1U << 31, ~0U}) {
        handshake_answer a;
        a.why = why;
        BOOST_TEST((refusal(a) == errc::no_receiver));
    }
    std::string const good = bytes_of(handshake_answer{});
    for (std::size_t i = 0; i != 8; ++i)
        for (int value = 0; value != 256; ++value) {
            std::string bad = good;
            bad[i] = static_cast<char>(value);
            handshake_answer a;
            std::memcpy(static_cast<void*>(&a), bad.data(), sizeof a);
            BOOST_TEST((refusal(a) == (bad == good ? error_code() : make_error_code(errc::no_receiver))), "byte " << i << " is " << value);
        }
}

BOOST_AUTO_TEST_CASE(an_end_behind_the_rejection_of_a_plain_receiver_says_why_and_else_that_it_is_gone)
{
    stream_rejection r;
    r.why = static_cast<std::uint32_t>(errc::type_mismatch);
    std::string const bytes = bytes_of(r) + std::string(8, 's');  // as a schema behind it
    for (std::size_t cut = 0; cut != bytes.size(); ++cut) {
        client_handshake_parser p;
        feed(p, bytes.substr(0, cut), 64, [&] { return p.welcome(); });
        BOOST_TEST((p.welcome() == progress::waits));
        p.end();
        BOOST_TEST((p.refusal() == (cut >= sizeof r ? errc::type_mismatch : errc::no_receiver)), "cut at " << cut);
    }
    client_handshake_parser whole;
    feed(whole, bytes, 64, [&] { return whole.welcome(); });
    BOOST_TEST((whole.welcome() == progress::failed));
    BOOST_TEST((whole.refusal() == errc::type_mismatch));
}

BOOST_AUTO_TEST_CASE(an_acceptor_that_is_gone_in_the_middle_of_its_answer_is_no_receiver)
{
    for (std::uint32_t const why : {0U, static_cast<std::uint32_t>(errc::refused)})
        for (std::size_t cut = 0; cut != sizeof(handshake_answer); ++cut) {
            client_handshake_parser p;
            handshake_answer a;
            a.why = why;
            feed(p, bytes_of(a).substr(0, cut), 64, [&] { return p.welcome(); });
            p.end();
            BOOST_TEST((p.refusal() == errc::no_receiver), "cut at " << cut);
        }
}

BOOST_AUTO_TEST_CASE(noise_is_never_a_client_or_an_acceptor)
{
    std::mt19937_64 random(3);
    for (int round = 0; round != 10'000; ++round) {
        std::string noise(64, '\0');
        std::generate(noise.begin(), noise.end(), [&] { return static_cast<char>(random()); });
        server_handshake_parser s;
        feed(s, noise, 1 + random() % 64, [&] { return s.greet(wanted, true); });
        BOOST_TEST((s.greet(wanted, true) == progress::failed));
        BOOST_TEST((s.refusal() == errc::untrusted_object));
        client_handshake_parser c;
        feed(c, noise, 1 + random() % 64, [&] { return c.welcome(); });
        BOOST_TEST((c.welcome() == progress::failed));
        BOOST_TEST((c.refusal() == errc::no_receiver));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace connection_parser
