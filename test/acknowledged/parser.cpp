// Distributed under the Boost Software License, Version 1.0.
#include <strait/detail/acknowledged/parser.hpp>
#include <strait/detail/acknowledged/retransmit_buffer.hpp>
#include <strait/detail/acknowledged/session_table.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace acknowledged_parser {

using namespace strait;
using namespace std::chrono_literals;
using detail::ack_session;
using detail::acknowledgement;
using detail::acknowledgement_parser;
using detail::reconnect_schedule;
using detail::retransmit_buffer;
using detail::session_table;
using detail::stream_frame;
using detail::stream_rejection;

namespace {

constexpr message_layout text{0, 1, 1};
constexpr message_layout number{8, 8, 2};

template <class T>
std::string bytes_of(T const& object)
{
    return {reinterpret_cast<char const*>(&object), sizeof object};
}

struct heard {
    std::vector<acknowledgement> all;
    errc refusal = errc();

    friend bool operator==(heard const&, heard const&) = default;
};

heard parse(std::string const& bytes, std::size_t piece)
{
    acknowledgement_parser p;
    heard h;
    for (std::size_t at = 0; at != bytes.size() && h.refusal == errc();) {
        auto const room = p.room();
        std::size_t const n = std::min({piece, room.size(), bytes.size() - at});
        std::memcpy(room.data(), bytes.data() + at, n);
        p.take(n);
        at += n;
        while (auto const a = p.next())
            h.all.push_back(*a);
        h.refusal = p.refusal();
    }
    return h;
}

template <message_layout L>
void add(retransmit_buffer<L>& b, std::string const& message)
{
    auto const room = b.reserve(message.size());
    std::memcpy(room->data(), message.data(), message.size());
    b.commit(message.size());
}

template <message_layout L>
std::string unsent(retransmit_buffer<L> const& b)
{
    return {reinterpret_cast<char const*>(b.unsent().data()), b.unsent().size()};
}

struct table_fixture {
    session_table table{10s, {}};
    int one = 0;
    int two = 0;

    ack_session& admit(std::uint64_t id, std::uint64_t first = 0, void* connection = nullptr)
    {
        auto const a = table.admit({{id, ~id}, first}, connection ? connection : &one);
        BOOST_TEST_REQUIRE((a.refusal == errc()));
        return *a.session;
    }
    errc refusal(std::uint64_t id, std::uint64_t first) { return table.admit({{id, ~id}, first}, &one).refusal; }
};

// What a session would send, to a socket that takes so many bytes.
std::string taken(ack_session& s, std::size_t room)
{
    std::string sent;
    for (;;) {
        auto const bytes = s.outgoing();
        std::size_t const n = std::min(room - sent.size(), bytes.size());
        if (n == 0) {
            s.count_refused(false);
            return sent;
        }
        sent.append(reinterpret_cast<char const*>(bytes.data()), n);
        bool const whole = n == bytes.size();
        if (s.count_sent(n) || !whole)
            return sent;
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(acknowledged_decisions)

BOOST_AUTO_TEST_CASE(acknowledgements_in_pieces_of_every_size_are_the_same)
{
    std::string bytes;
    heard all;
    for (std::uint64_t n = 0; n != 200; ++n)
        bytes += bytes_of(all.all.emplace_back(acknowledgement{n % 7 ? acknowledgement::of_messages : acknowledgement::of_the_end, n}));
    for (std::size_t piece = 1; piece != 1100; ++piece)
        BOOST_TEST_REQUIRE((parse(bytes, piece) == all), "pieces of " << piece);
    for (std::size_t cut = 0; cut != 64; ++cut)
        BOOST_TEST(parse(bytes.substr(0, cut), 64).all.size() == cut / 16);
}

BOOST_AUTO_TEST_CASE(what_is_no_acknowledgement_is_a_rejection_or_the_receiver_is_corrupt)
{
    std::string const good = bytes_of(acknowledgement{acknowledgement::of_messages, 3});
    for (std::size_t i = 0; i != 8; ++i)
        for (int value = 0; value != 256; ++value) {
            std::string bad = good;
            bad[i] = static_cast<char>(value);
            heard const h = parse(good + bad + good, 16);
            BOOST_TEST(h.all.size() == (bad == good ? 3U : 1U), "byte " << i << " is " << value);
            BOOST_TEST((h.refusal == (bad == good ? errc() : errc::peer_corrupt)));
        }
    for (errc const why : {errc::type_mismatch, errc::transport_mismatch, errc::incompatible_peer, errc::untrusted_object, errc::peer_corrupt,
                           errc::refused}) {
        stream_rejection r;
        r.why = static_cast<std::uint32_t>(why);
        for (std::size_t piece = 1; piece != 33; ++piece)
            BOOST_TEST((parse(good + bytes_of(r), piece).refusal == why));
    }
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_that_cannot_be_is_refused_and_another_connection_begins_anew)
{
    acknowledgement_parser p;
    std::string const bytes = bytes_of(acknowledgement{acknowledgement::of_messages, 3});
    std::memcpy(p.room().data(), bytes.data(), bytes.size());
    p.take(bytes.size());
    BOOST_TEST(p.next().has_value());
    p.refuse_last();
    BOOST_TEST((p.refusal() == errc::peer_corrupt));
    p.reset();
    BOOST_TEST((p.refusal() == errc()));
    std::memcpy(p.room().data(), bytes.data(), bytes.size());
    p.take(bytes.size());
    BOOST_TEST((p.next() == acknowledgement{acknowledgement::of_messages, 3}));
}

BOOST_AUTO_TEST_CASE(tries_come_later_each_time_and_at_once_behind_progress)
{
    reconnect_schedule s;
    BOOST_TEST(s.is_due(0));
    std::int64_t now = 5;
    std::int64_t pause = reconnect_schedule::shortest;
    for (int i = 0; i != 20; ++i) {
        s.back_off(now);
        BOOST_TEST(s.due() == now + pause);
        BOOST_TEST(!s.is_due(now + pause - 1));
        BOOST_TEST(s.is_due(now + pause));
        now += pause;
        pause = std::min(2 * pause, reconnect_schedule::longest);
    }
    s.lost(now);  // a connection that brought nothing
    BOOST_TEST(s.due() == now + reconnect_schedule::longest);
    s.hurry();
    BOOST_TEST(s.is_due(now));
    s.progress();
    s.lost(now);
    BOOST_TEST(s.is_due(now));
    s.back_off(now);
    BOOST_TEST(s.due() == now + reconnect_schedule::shortest);
}

BOOST_AUTO_TEST_CASE(what_is_not_acknowledged_is_sent_again_from_its_frame_on)
{
    retransmit_buffer<text> b(1 << 20);
    add(b, "one");
    add(b, "two");
    add(b, "three");
    std::string const all = unsent(b);
    b.count_sent(all.size());
    BOOST_TEST(unsent(b).empty());
    BOOST_TEST(b.acknowledge(1, false));
    BOOST_TEST(b.first() == 1U);
    b.resend_all();
    BOOST_TEST(unsent(b) == all.substr(16));
    BOOST_TEST(b.messages() == 2U);
    BOOST_TEST(b.accepted() == 3U);
    b.count_sent(1);  // the second connection breaks within a frame
    b.resend_all();
    BOOST_TEST(unsent(b) == all.substr(16));
    BOOST_TEST(b.acknowledge(3, false));  // it had come by the first
    BOOST_TEST(b.messages() == 0U);
    b.resend_all();
    BOOST_TEST(b.empty());
    BOOST_TEST(b.first() == 3U);
}

BOOST_AUTO_TEST_CASE(of_a_run_that_is_acknowledged_in_part_the_whole_is_sent_again)
{
    retransmit_buffer<number> b(1 << 20);
    std::vector<std::uint64_t> const run{1, 2, 3};
    BOOST_TEST(b.append(std::as_bytes(std::span(run))));
    std::string const all = unsent(b);
    b.count_sent(all.size());
    BOOST_TEST(b.acknowledge(2, false));
    BOOST_TEST(b.first() == 0U);
    b.resend_all();
    BOOST_TEST(unsent(b) == all);
    BOOST_TEST(b.messages() == 1U);
}

BOOST_AUTO_TEST_CASE(acknowledgements_that_go_back_or_beyond_what_was_sent_are_lies)
{
    retransmit_buffer<text> b(1 << 20);
    for (char const* m : {"one", "two", "three"})
        add(b, m);
    BOOST_TEST(!b.acknowledge(1, false));  // nothing has left
    b.count_sent(16 + 1);                  // the second frame has begun
    for (std::uint64_t const lie : {std::uint64_t{3}, std::uint64_t{4}, ~std::uint64_t{0}})
        BOOST_TEST(!b.acknowledge(lie, false));
    BOOST_TEST(b.acknowledge(1, false));
    BOOST_TEST(b.acknowledge(1, false));
    BOOST_TEST(b.acknowledge(2, false));
    for (std::uint64_t const back : {1U, 0U})
        BOOST_TEST(!b.acknowledge(back, false));
    BOOST_TEST(b.first() == 1U);  // the second frame goes on as it has begun
    b.count_sent(15);
    BOOST_TEST(b.first() == 2U);
}

BOOST_AUTO_TEST_CASE(the_end_stays_until_it_is_acknowledged)
{
    retransmit_buffer<text> b(1 << 20);
    add(b, "one");
    BOOST_TEST(b.append_end());
    b.count_sent(unsent(b).size());
    BOOST_TEST(b.acknowledge(1, false));
    BOOST_TEST(b.messages() == 0U);
    BOOST_TEST(!b.empty());
    b.resend_all();
    BOOST_TEST(unsent(b).size() == sizeof(stream_frame));
    b.count_sent(unsent(b).size());
    BOOST_TEST(b.acknowledge(1, true));
    BOOST_TEST(b.empty());
}

// Random frames, breaks and acknowledgements, beside a receiver that counts as the protocol says: each message comes once, in order.
BOOST_AUTO_TEST_CASE(whatever_breaks_and_whenever_each_message_is_consumed_once_and_in_order)
{
    std::mt19937_64 random(1);
    for (int round = 0; round != 300; ++round) {
        retransmit_buffer<number> b(1 << 20);
        session_table table(10s, {});
        std::uint64_t next = 0;       // to be sent
        std::uint64_t expected = 0;   // by the consumer
        std::string wire;             // bytes of this connection that were not parsed
        std::uint64_t first = 0;
        ack_session* s = nullptr;
        int connection = 0;
        auto const connect = [&] {
            b.resend_all();
            wire.clear();
            first = b.first();
            auto const a = table.admit({{1, 2}, first}, &connection);
            BOOST_TEST_REQUIRE((a.refusal == errc()));
            s = a.session;
        };
        connect();
        for (int step = 0; step != 400; ++step)
            switch (random() % 5) {
            case 0: {
                std::vector<std::uint64_t> run(1 + random() % 4);
                for (auto& n : run)
                    n = next++;
                BOOST_TEST_REQUIRE(b.append(std::as_bytes(std::span(run))));
                break;
            }
            case 1: {
                std::size_t const n = std::min<std::size_t>(random() % 64, b.unsent().size());
                wire.append(reinterpret_cast<char const*>(b.unsent().data()), n);
                b.count_sent(n);
                break;
            }
            case 2:  // the receiver consumes the whole frames that have come
                while (wire.size() >= sizeof(stream_frame)) {
                    stream_frame const f = stream_frame::at(reinterpret_cast<std::byte const*>(wire.data()));
                    if (wire.size() < stream_frame::bytes(f.size))
                        break;
                    for (std::size_t at = sizeof f; at != sizeof f + f.size; at += 8) {
                        std::uint64_t n = 0;
                        std::memcpy(&n, wire.data() + at, sizeof n);
                        if (session_table::skip(*s))
                            continue;
                        BOOST_TEST_REQUIRE(n == expected);
                        ++expected;
                        (void)table.consumed(*s, 1, 16);
                    }
                    wire.erase(0, stream_frame::bytes(f.size));
                }
                break;
            case 3: BOOST_TEST_REQUIRE(b.acknowledge(s->consumed, false)); break;
            default:
                if (random() % 8 == 0)
                    connect();
            }
    }
}

BOOST_FIXTURE_TEST_CASE(a_session_goes_on_where_it_was_and_never_leaves_messages_out, table_fixture)
{
    ack_session& s = admit(1);
    (void)table.consumed(s, 5, 100);
    table.left(s, 1);
    BOOST_TEST((refusal(1, 6) == errc::peer_corrupt));
    BOOST_TEST((refusal(1, ~std::uint64_t{0}) == errc::peer_corrupt));
    BOOST_TEST(admit(1, 5).repeated == 0U);
    BOOST_TEST(admit(1, 2).repeated == 3U);
    BOOST_TEST(session_table::skip(s));
    BOOST_TEST(session_table::skip(s));
    BOOST_TEST(session_table::skip(s));
    BOOST_TEST(!session_table::skip(s));
}

BOOST_FIXTURE_TEST_CASE(of_two_connections_the_newest_counts_and_the_older_is_named, table_fixture)
{
    (void)admit(1, 0, &one);
    auto const again = table.admit({{1, ~std::uint64_t{1}}, 0}, &two);
    BOOST_TEST(again.older == &one);
    BOOST_TEST(again.session->connection == &two);
    BOOST_TEST(table.admit({{2, ~std::uint64_t{2}}, 0}, &one).older == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_barred_session_is_refused_and_no_other, table_fixture)
{
    admit(1).barred = true;
    BOOST_TEST((refusal(1, 0) == errc::peer_corrupt));
    BOOST_TEST((refusal(2, 0) == errc()));
}

BOOST_FIXTURE_TEST_CASE(one_acknowledgement_is_due_for_64_kib_or_when_asked_for, table_fixture)
{
    ack_session& s = admit(1);
    BOOST_TEST(table.is_settled());
    BOOST_TEST(!table.consumed(s, 1, session_table::batch - 1));
    BOOST_TEST(table.consumed(s, 1, 1));
    BOOST_TEST(!table.is_settled());
    BOOST_TEST(!table.settle([](ack_session& x) { BOOST_TEST(taken(x, 15).size() == 15U); }));  // a socket with little room
    (void)table.consumed(s, 1, 1);
    std::string rest;
    BOOST_TEST(table.settle([&](ack_session& x) { rest = taken(x, 100); }));
    // The record that was begun goes on as it was, then one of what was consumed meanwhile.
    BOOST_TEST(rest.size() == 17U);
    BOOST_TEST(rest.substr(1) == bytes_of(acknowledgement{acknowledgement::of_messages, 3}));
}

BOOST_FIXTURE_TEST_CASE(a_socket_without_room_leaves_due_what_is_due_and_one_that_is_over_nothing, table_fixture)
{
    ack_session& s = admit(1);
    (void)table.consumed(s, 1, 1);
    BOOST_TEST(taken(s, 0).empty());
    BOOST_TEST(!s.is_settled());
    (void)s.outgoing();
    s.count_refused(true);
    BOOST_TEST(s.is_settled());
    s.finished = true;
    BOOST_TEST(taken(s, 16) == bytes_of(acknowledgement{acknowledgement::of_the_end, 1}));
}

BOOST_FIXTURE_TEST_CASE(a_sender_that_is_away_is_expected_for_its_time_and_pauses_count_little, table_fixture)
{
    std::int64_t const second = 1'000'000'000;
    std::int64_t now = second;
    BOOST_TEST(!table.expects_any(now));
    ack_session& s = admit(1);
    BOOST_TEST(!table.expects_any(now));  // it is here
    table.left(s, now);
    for (int i = 0; i != 9; ++i)
        BOOST_TEST(table.expects_any(now += second));
    now += 1000 * second;  // the machine was stopped: a quarter of the time counts
    BOOST_TEST(!table.expects_any(now));
    table.left(admit(2), now);
    BOOST_TEST(table.expects_any(now += 1000 * second));
    BOOST_TEST(table.give_up());
    BOOST_TEST(!table.expects_any(now));
    BOOST_TEST(!table.give_up());
    ack_session& left = admit(3);
    left.finished = true;
    table.left(left, now);
    BOOST_TEST(!table.expects_any(now));  // it has said that it leaves
}

BOOST_FIXTURE_TEST_CASE(of_very_many_sessions_without_a_connection_the_one_longest_away_is_forgotten, table_fixture)
{
    ack_session& here = admit(1);
    (void)table.consumed(here, 1, 1);
    std::int64_t now = 0;
    for (std::uint64_t n = 2; n != 2 + session_table::most_away + 10; ++n) {
        ack_session& s = admit(n);
        (void)table.consumed(s, n, 1);
        table.left(s, ++now);
    }
    BOOST_TEST(admit(2).repeated == 0U);   // forgotten
    BOOST_TEST(admit(12).repeated == 12U);  // the first that is not
    BOOST_TEST(admit(1).repeated == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acknowledged_parser
