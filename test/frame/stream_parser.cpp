// Distributed under the Boost Software License, Version 1.0.
#include <strait/detail/frame/stream_parser.hpp>

#include <support/raw_peer.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace frame_stream_parser {

using namespace strait;
using detail::stream_frame;
using detail::stream_greeting;
using detail::stream_parser;
using detail::stream_rules;
using support::frame_of;
using progress = detail::stream_progress;

namespace {

constexpr message_layout text{0, 1, 0x1234};
constexpr message_layout number{8, 8, 0x5678};

stream_rules rules_for(message_layout const& layout, std::size_t limit = 1024)
{
    stream_rules r;
    r.greeting = stream_greeting::of(layout, {});
    r.limit = limit;
    r.fixed_size = layout.fixed_size;
    return r;
}

template <class T>
std::string bytes_of(T const& object)
{
    return {reinterpret_cast<char const*>(&object), sizeof object};
}

std::string greeting(message_layout const& layout) { return bytes_of(stream_greeting::of(layout, {})); }

// What a parser makes of bytes: each message, and the last thing that it says.
struct heard {
    std::vector<std::string> messages;
    progress last = progress::drained;

    friend bool operator==(heard const&, heard const&) = default;
};

std::string shown(std::span<std::byte const> payload) { return {reinterpret_cast<char const*>(payload.data()), payload.size()}; }

// Everything that can be said of what has come, up to the first thing that ends a connection. Messages are released.
bool drain(stream_parser& p, heard& h)
{
    for (;;) {
        h.last = p.next();
        switch (h.last) {
        case progress::message:
            h.messages.push_back(shown(p.payload()));
            p.release(1);
            break;
        case progress::greeted: break;
        case progress::drained: return true;
        default: return false;
        }
    }
}

// Gives the parser these bytes, in pieces of at most this size.
heard parse(stream_rules const& rules, std::string const& bytes, std::size_t piece = 1 << 20)
{
    stream_parser p(rules);
    heard h;
    for (std::size_t at = 0; drain(p, h) && at != bytes.size();) {
        auto const room = p.room();
        BOOST_TEST_REQUIRE(!room.empty());
        std::size_t const n = std::min({piece, room.size(), bytes.size() - at});
        std::memcpy(room.data(), bytes.data() + at, n);
        h.last = p.take(n);
        if (h.last != progress::more)
            return h;
        at += n;
    }
    return h;
}

heard parse_text(std::string const& frames, std::size_t limit = 1024) { return parse(rules_for(text, limit), greeting(text) + frames); }
heard parse_numbers(std::string const& frames) { return parse(rules_for(number), greeting(number) + frames); }

}  // namespace

BOOST_AUTO_TEST_SUITE(stream_parsing)

BOOST_AUTO_TEST_CASE(frames_in_pieces_of_every_size_are_the_same_messages)
{
    std::string frames;
    heard all;
    for (std::uint32_t const size : {0U, 1U, 7U, 8U, 9U, 100U, 0U, 1024U}) {
        all.messages.push_back(std::string(size, static_cast<char>('a' + size % 26)));
        frames += frame_of(size, all.messages.back());
    }
    frames += frame_of(0, "", stream_frame::end);
    all.last = progress::left;
    std::string const bytes = greeting(text) + frames;
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece)
        BOOST_TEST_REQUIRE((parse(rules_for(text), bytes, piece) == all), "pieces of " << piece);
}

BOOST_AUTO_TEST_CASE(runs_in_pieces_of_every_size_are_the_same_messages)
{
    std::string run;
    heard all;
    for (int i = 0; i != 40; ++i)
        run += all.messages.emplace_back(std::string("message") + static_cast<char>('a' + i));
    std::string const bytes = greeting(number) + frame_of(16, run.substr(0, 16)) + frame_of(38 * 8, run.substr(16));
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece)
        BOOST_TEST_REQUIRE((parse(rules_for(number), bytes, piece) == all), "pieces of " << piece);
}

BOOST_AUTO_TEST_CASE(of_a_stream_cut_at_any_byte_only_whole_messages_are_shown)
{
    std::string const bytes = greeting(text) + frame_of(13, "thirteen char") + frame_of(3, "abc");
    std::size_t const first = 64 + 8 + 16;  // the padding belongs to the frame
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        heard const h = parse(rules_for(text), bytes.substr(0, cut));
        BOOST_TEST((h.last == progress::drained), "cut at " << cut);
        BOOST_TEST(h.messages.size() == (cut < first ? 0U : 1U), "cut at " << cut);
    }
}

BOOST_AUTO_TEST_CASE(of_a_run_cut_at_any_byte_the_whole_messages_are_shown)
{
    std::string const run = "message1message2message3";
    std::string const frame = frame_of(24, run);
    for (std::size_t cut = 0; cut <= frame.size(); ++cut) {
        heard const h = parse_numbers(frame.substr(0, cut));
        BOOST_TEST((h.last == progress::drained), "cut at " << cut);
        BOOST_TEST_REQUIRE(h.messages.size() == (cut < 8 ? 0U : (cut - 8) / 8), "cut at " << cut);
        for (std::size_t i = 0; i != h.messages.size(); ++i)
            BOOST_TEST(h.messages[i] == run.substr(8 * i, 8));
    }
}

BOOST_AUTO_TEST_CASE(each_byte_of_a_greeting_counts_and_says_what_is_wrong)
{
    auto const right = stream_greeting::of(text, {7, 8});
    stream_rules rules = rules_for(text);
    rules.greeting = right;
    for (std::size_t i = 0; i != sizeof right; ++i)
        for (int const flip : {1, 0x10, 0x80, 0xff}) {
            std::string bytes = bytes_of(right);
            bytes[i] = static_cast<char>(bytes[i] ^ flip);
            stream_parser p(rules);
            std::memcpy(p.room().data(), bytes.data(), bytes.size());
            BOOST_TEST((p.take(bytes.size()) == progress::more));
            progress const said = p.next();
            if (i >= 56) {  // unused
                BOOST_TEST((said == progress::greeted), "byte " << i);
                continue;
            }
            BOOST_TEST((said == progress::refused), "byte " << i);
            errc const why = i < 8 || (i >= 40 && i < 56) ? errc::untrusted_object
                             : i < 20                     ? errc::incompatible_peer
                             : i < 24                     ? errc::transport_mismatch
                                                          : errc::type_mismatch;
            BOOST_TEST((p.refusal() == why), "byte " << i);
            BOOST_TEST((p.next() == progress::refused), "asked once more");
        }
}

BOOST_AUTO_TEST_CASE(each_difference_of_a_greeting_has_its_error)
{
    auto const refusal = [](auto change) {
        auto g = stream_greeting::of(text, {});
        change(g);
        stream_parser p(rules_for(text));
        std::memcpy(p.room().data(), &g, sizeof g);
        (void)p.take(sizeof g);
        return p.next() == progress::refused ? p.refusal() : errc();
    };
    BOOST_TEST((refusal([](auto&) {}) == errc()));
    BOOST_TEST((refusal([](auto& g) { ++g.fingerprint; }) == errc::type_mismatch));
    BOOST_TEST((refusal([](auto& g) { g.fixed_size = 8; }) == errc::type_mismatch));
    BOOST_TEST((refusal([](auto& g) { ++g.version; }) == errc::incompatible_peer));
    BOOST_TEST((refusal([](auto& g) { g.word_size = 4; }) == errc::incompatible_peer));
    BOOST_TEST((refusal([](auto& g) { g.byte_order = __builtin_bswap32(g.byte_order); }) == errc::incompatible_peer));
    BOOST_TEST((refusal([](auto& g) { g.magic = __builtin_bswap64(g.magic); }) == errc::incompatible_peer));
    BOOST_TEST((refusal([](auto& g) { g.protocol = stream_greeting::acknowledged; }) == errc::transport_mismatch));
    BOOST_TEST((refusal([](auto& g) { g.cookie[0] = 1; }) == errc::untrusted_object));
    BOOST_TEST((refusal([](auto& g) { g.cookie[1] = 1; }) == errc::untrusted_object));
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_not_wanted_is_refused_whatever_it_says)
{
    stream_parser p(rules_for(text));
    p.refuse(errc::refused);
    BOOST_TEST((p.next() == progress::drained));  // but not before it has greeted
    std::memcpy(p.room().data(), greeting(text).data(), 64);
    (void)p.take(64);
    BOOST_TEST((p.next() == progress::refused));
    BOOST_TEST((p.refusal() == errc::refused));
    BOOST_TEST(!p.is_greeted());
}

BOOST_AUTO_TEST_CASE(each_corrupt_byte_of_a_frame_header_is_malformed_or_another_length_within_the_limit)
{
    std::string const good = frame_of(40, std::string(40, 'x'));
    for (std::size_t i = 0; i != sizeof(stream_frame); ++i)
        for (int value = 0; value != 256; ++value) {
            std::string bad = good;
            bad[i] = static_cast<char>(value);
            stream_frame const f = stream_frame::at(reinterpret_cast<std::byte const*>(bad.data()));
            heard const h = parse_text(bad);
            if (f.kind != stream_frame::data || f.size > 1024)
                BOOST_TEST((h.messages.empty() && h.last == progress::malformed), "byte " << i << " is " << value);
            else if (f.size > 40)
                BOOST_TEST((h.messages.empty() && h.last == progress::drained), "byte " << i << " is " << value);
            else
                BOOST_TEST_REQUIRE(!h.messages.empty());
            if (f.size <= 40 && f.kind == stream_frame::data)
                BOOST_TEST(h.messages[0] == std::string(f.size, 'x'));
        }
}

BOOST_AUTO_TEST_CASE(of_messages_of_one_size_each_other_length_is_malformed_but_a_run)
{
    for (std::uint32_t size = 0; size != 5000; ++size) {
        heard const h = parse_numbers(frame_of(size, std::string(size, 'x')));
        bool const fits = size != 0 && size <= 4096 && size % 8 == 0;
        BOOST_TEST((h.last == (fits ? progress::drained : progress::malformed)), size);
        BOOST_TEST(h.messages.size() == (fits ? size / 8 : 0), size);
    }
    for (std::uint32_t const size : {1U << 31, ~0U, ~0U - 7})
        BOOST_TEST((parse_numbers(frame_of(size, "x")).last == progress::malformed), size);
}

BOOST_AUTO_TEST_CASE(a_lying_length_is_malformed_and_makes_nobody_allocate)
{
    for (std::uint32_t const size : {1025U, 1U << 31, ~0U})
        BOOST_TEST((parse_text(frame_of(size, "x")).last == progress::malformed), size);
    BOOST_TEST(parse_text(frame_of(1024, std::string(1024, 'm'))).messages.size() == 1U);
    // A length within the limit, which is never followed by its bytes: the room grows with what comes.
    stream_parser p(rules_for(text, std::size_t{1} << 30));
    heard h;
    std::string const bytes = greeting(text) + frame_of(1U << 30, "only these");
    for (char const c : bytes) {
        drain(p, h);
        p.room()[0] = static_cast<std::byte>(c);
        (void)p.take(1);
    }
    BOOST_TEST(drain(p, h));
    BOOST_TEST(p.room().size() <= 2 * detail::stream_chunk);
}

BOOST_AUTO_TEST_CASE(a_peer_that_has_not_greeted_has_room_for_a_greeting)
{
    stream_parser p(rules_for(text));
    BOOST_TEST(p.room().size() == sizeof(stream_greeting));
    (void)p.take(10);
    BOOST_TEST(p.room().size() == sizeof(stream_greeting) - 10);
    stream_rules more = rules_for(text);
    more.introduction = 32;
    BOOST_TEST(stream_parser(more).room().size() == sizeof(stream_greeting) + 32);
}

BOOST_AUTO_TEST_CASE(what_comes_behind_the_greeting_is_shown_once_it_is_whole)
{
    stream_rules rules = rules_for(text);
    rules.introduction = 5;
    std::string const bytes = greeting(text) + "hello" + frame_of(2, "ok");
    for (std::size_t piece = 1; piece != bytes.size(); ++piece) {
        stream_parser p(rules);
        std::string introduction;
        std::string message;
        for (std::size_t at = 0; at != bytes.size();) {
            auto const room = p.room();
            std::size_t const n = std::min({piece, room.size(), bytes.size() - at});
            std::memcpy(room.data(), bytes.data() + at, n);
            (void)p.take(n);
            at += n;
            progress said = p.next();
            if (said == progress::greeted) {
                introduction = shown(p.introduction());
                said = p.next();
            }
            if (said == progress::message)
                message = shown(p.payload());
        }
        BOOST_TEST(introduction == "hello");
        BOOST_TEST(message == "ok");
    }
}

BOOST_AUTO_TEST_CASE(a_packet_that_was_cut_is_refused_or_malformed)
{
    stream_rules rules = rules_for(text);
    rules.packet = 1 << 12;
    stream_parser strange(rules);
    auto room = strange.room();
    BOOST_TEST((strange.take(room.size() + 1) == progress::refused));
    stream_parser p(rules);
    std::memcpy(p.room().data(), greeting(text).data(), 64);
    (void)p.take(64);
    BOOST_TEST((p.next() == progress::greeted));
    room = p.room();
    BOOST_TEST(room.size() == rules.packet);
    BOOST_TEST((p.take(room.size() + 1) == progress::malformed));
}

// One message whose frame says that it has `said` descriptors, of which `came` have come.
static progress with_handles(std::uint32_t kind, std::size_t came, bool cut, message_layout const& layout = text, std::uint32_t size = 8)
{
    stream_rules rules = rules_for(layout);
    rules.handles = true;
    stream_parser p(rules);
    std::string const bytes = greeting(layout);
    std::memcpy(p.room().data(), bytes.data(), bytes.size());
    (void)p.take(bytes.size());
    (void)p.next();
    std::string const frame = frame_of(size, std::string(size, 'x'), kind);
    std::memcpy(p.room().data(), frame.data(), frame.size());
    (void)p.take(frame.size(), came, cut);
    progress const said = p.next();
    if (said == progress::message || said == progress::no_descriptors) {
        BOOST_TEST(p.handles() == came);
        BOOST_TEST(p.release(1) == came);
        BOOST_TEST((p.next() == progress::drained));
    }
    return said;
}

BOOST_AUTO_TEST_CASE(a_frame_has_as_many_descriptors_as_it_says)
{
    for (std::size_t said = 0; said != 256; ++said)
        for (std::size_t came : {std::size_t{0}, std::size_t{1}, said - 1, said, said + 1}) {
            if (came > 300)
                continue;
            std::uint32_t const kind = stream_frame::with_handles | static_cast<std::uint32_t>(said);
            bool const possible = said != 0 && said <= stream_frame::most_handles;
            BOOST_TEST((with_handles(kind, came, false) == (possible && came == said ? progress::message : progress::malformed)));
            BOOST_TEST((with_handles(kind, came, true) ==
                        (!possible || came > said ? progress::malformed : came == said ? progress::no_descriptors : progress::no_descriptors)));
        }
    BOOST_TEST((with_handles(stream_frame::kind_of(2), 2, false, number, 8) == progress::message));
    BOOST_TEST((with_handles(stream_frame::kind_of(2), 2, false, number, 16) == progress::malformed));  // a run has none
}

/// A parser of a stream with descriptors that has read the greeting.
static stream_parser greeted_with_handles()
{
    stream_rules rules = rules_for(text);
    rules.handles = true;
    stream_parser p(rules);
    std::string const bytes = greeting(text);
    std::memcpy(p.room().data(), bytes.data(), bytes.size());
    (void)p.take(bytes.size());
    (void)p.next();
    return p;
}

BOOST_AUTO_TEST_CASE(descriptors_that_belong_to_no_message_are_malformed)
{
    stream_parser p = greeted_with_handles();
    std::string const frame = frame_of(8, "12345678");
    std::memcpy(p.room().data(), frame.data(), frame.size());
    (void)p.take(frame.size(), 1);
    BOOST_TEST((p.next() == progress::message));  // the message itself has none
    BOOST_TEST(p.handles() == 0U);
    BOOST_TEST(p.release(1) == 0U);
    BOOST_TEST((p.next() == progress::malformed));
    BOOST_TEST(p.room_for_handles() == stream_frame::most_handles - 1);
    (void)p.take(0, stream_frame::most_handles - 1);
    BOOST_TEST(p.room_for_handles() == 0U);
}

BOOST_AUTO_TEST_CASE(beside_the_descriptors_of_an_unfinished_message_those_of_the_next_have_room)
{
    stream_parser p = greeted_with_handles();
    std::string const frame = frame_of(80, "12345678", stream_frame::kind_of(5));
    std::memcpy(p.room().data(), frame.data(), frame.size());
    (void)p.take(frame.size(), 5);
    BOOST_TEST((p.next() == progress::drained));
    BOOST_TEST(p.room_for_handles() == stream_frame::most_handles);
}

BOOST_AUTO_TEST_CASE(descriptors_where_no_message_has_any_are_malformed)
{
    BOOST_TEST((parse_text(frame_of(8, "12345678", stream_frame::kind_of(1))).last == progress::malformed));
}

BOOST_AUTO_TEST_CASE(noise_is_refused_or_malformed_and_never_more_than_its_bytes)
{
    std::mt19937_64 random(5);
    for (int round = 0; round != 20'000; ++round) {
        std::string noise = support::noise_of(static_cast<std::uint64_t>(round));
        bool const fixed = round % 2 != 0;
        heard const h = parse(rules_for(fixed ? number : text), (round % 4 < 2 ? greeting(fixed ? number : text) : "") + noise, 1 + random() % 200);
        std::size_t shown_bytes = 0;
        for (auto const& m : h.messages)
            shown_bytes += m.size() + (fixed ? 0 : sizeof(stream_frame));
        BOOST_TEST_REQUIRE(shown_bytes <= noise.size());
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace frame_stream_parser
