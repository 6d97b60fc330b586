// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/acknowledged.hpp>
#include <strait/transport/tcp.hpp>

#include <support/raw_peer.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstring>
#include <string>
#include <thread>

namespace acknowledged_hostile {

using namespace strait;
using namespace std::chrono_literals;
using detail::acknowledgement;
using detail::session_claim;
using detail::session_id;
using detail::stream_greeting;

namespace {

using acked = acknowledged<tcp>;
constexpr message_layout text = detail::codec<std::string>::layout;

struct listening {
    explicit listening(acked::options const& how = {}) : in(acked::receiver_end<text>::open("127.0.0.1:0", how, "test").value()) {}

    // What the next message is, or why there is none.
    std::string next(deadline until = deadline::after(60s))
    {
        auto m = in.peek(until);
        if (!m)
            return m.error() == errc::timed_out || m.error() == errc::empty ? "nothing" : m.error().message();
        std::string const s(reinterpret_cast<char const*>(m->data()), m->size());
        in.release();
        return s;
    }

    // Acknowledges, too.
    bool is_empty() { return next(deadline::after(10ms)) == "nothing"; }

    support::watchdog watchdog;
    acked::receiver_end<text> in;
};

// A sender that claims what it likes.
struct claiming : raw_peer {
    claiming(listening const& r, session_id const& id, std::uint64_t first) : raw_peer(r.in.port())
    {
        detail::set_option(fd(), IPPROTO_TCP, TCP_NODELAY, 1);
        write(stream_greeting::of(text, {}, stream_greeting::acknowledged));
        write(session_claim{id, first});
    }
    void say(std::string const& m) const { frame(static_cast<std::uint32_t>(m.size()), m); }

    acknowledgement heard() const
    {
        acknowledgement a;
        if (::recv(fd(), &a, sizeof a, MSG_WAITALL) != static_cast<::ssize_t>(sizeof a))
            a.magic = 0;
        return a;
    }
    // The first one that says so many, behind any that say less.
    acknowledgement heard_of(std::uint64_t consumed) const
    {
        acknowledgement a = heard();
        while (a.magic != 0 && a.consumed != consumed)
            a = heard();
        return a;
    }
};

// A receiver that answers what it likes.
struct answering {
    answering() : listener(detail::inet_listen(detail::inet_address::loopback(AF_INET, 0), SOCK_STREAM, {}).value()) {}

    std::string where() const { return "127.0.0.1:" + std::to_string(detail::inet_address::of(listener.get()).port()); }
    // It comes in an operation of its own.
    template <class Sender>
    void accept(Sender& out)
    {
        for (::pollfd p{listener.get(), POLLIN, 0}; ::poll(&p, 1, 0) == 0;)
            (void)out.flush_for(1ms);
        socket.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        char head[sizeof(stream_greeting) + sizeof(session_claim)];
        (void)!::recv(socket.get(), head, sizeof head, MSG_WAITALL);
        std::memcpy(&claim, head + sizeof(stream_greeting), sizeof claim);
    }
    template <class T>
    void say(T const& what) const
    {
        (void)!::send(socket.get(), &what, sizeof what, MSG_NOSIGNAL);
    }

    support::watchdog watchdog;
    detail::descriptor listener;
    detail::descriptor socket;
    session_claim claim;
};

acked::options lingering(std::chrono::nanoseconds d)
{
    acked::options how;
    how.linger = d;
    return how;
}

// What a sender is told in the end, by operations that do not wait.
template <class Sender>
error_code told(Sender& out)
{
    for (;;) {
        auto const r = out.flush_for(1ms);
        if (r)
            return {};
        if (r.error() != errc::timed_out)
            return r.error();
    }
}

// Why a sender's messages are not taken; `serve` is what the receiver does meanwhile.
template <class Sender, class Serve>
error_code refusal(Sender& out, Serve serve)
{
    for (;;) {
        if (auto const sent = out.try_send("x"); !sent && sent.error() != errc::full)
            return sent.error();
        serve();
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(acknowledged_hostile)

BOOST_AUTO_TEST_CASE(a_raw_peer_that_speaks_the_protocol_is_heard_and_acknowledged)
{
    listening r;
    claiming p(r, {1, 2}, 0);
    p.say("one");
    p.say("two");
    BOOST_TEST(r.next() == "one");
    BOOST_TEST(r.next() == "two");
    BOOST_TEST(r.is_empty());
    BOOST_TEST((p.heard() == acknowledgement{acknowledgement::of_messages, 2}));
    p.frame(0, "", detail::stream_frame::end);
    BOOST_TEST((r.in.peek(deadline::never()).error() == errc::closed));
    BOOST_TEST((r.in.ended() == end_reason::left));
    BOOST_TEST((p.heard() == acknowledgement{acknowledgement::of_the_end, 2}));
}

BOOST_AUTO_TEST_CASE(what_was_consumed_is_left_out_when_it_comes_again)
{
    listening r;
    {
        claiming p(r, {1, 2}, 0);
        p.say("one");
        p.say("two");
        BOOST_TEST(r.next() == "one");
    }
    claiming p(r, {1, 2}, 0);  // the same bytes, recorded and played again
    p.say("one");
    p.say("two");
    p.say("three");
    BOOST_TEST(r.next() == "two");
    BOOST_TEST(r.next() == "three");
    BOOST_TEST(r.is_empty());
    BOOST_TEST((p.heard_of(3) == acknowledgement{acknowledgement::of_messages, 3}));
    BOOST_TEST(r.in.stats().messages == 3U);
}

// As after a stop of both processes, or of the machine.
BOOST_AUTO_TEST_CASE(time_in_which_the_receiver_does_not_listen_is_not_held_against_a_sender)
{
    acked::options how;
    how.reconnect_within = 400ms;
    listening r(how);
    {
        claiming p(r, {1, 2}, 0);
        p.say("one");
        BOOST_TEST(r.next() == "one");
    }
    BOOST_TEST(r.is_empty());  // it is away
    std::this_thread::sleep_for(600ms);
    BOOST_TEST(r.is_empty());
    {
        claiming again(r, {1, 2}, 1);
        again.say("two");
        BOOST_TEST(r.next() == "two");
    }
    BOOST_TEST((r.in.peek(deadline::never()).error() == errc::closed));
    BOOST_TEST((r.in.ended() == end_reason::died));
}

BOOST_AUTO_TEST_CASE(a_session_that_leaves_messages_out_is_refused)
{
    listening r;
    claiming honest(r, {1, 2}, 0);
    honest.say("one");
    BOOST_TEST(r.next() == "one");
    honest.close();
    claiming jumping(r, {1, 2}, 7);
    jumping.say("eight");
    BOOST_TEST(r.is_empty());
    BOOST_TEST((jumping.rejection() == errc::peer_corrupt));
    claiming again(r, {1, 2}, 1);
    again.say("two");
    BOOST_TEST(r.next() == "two");
}

BOOST_AUTO_TEST_CASE(of_two_connections_of_a_session_the_newest_counts)
{
    listening r;
    claiming first(r, {1, 2}, 0);
    first.say("one");
    first.say("two");
    BOOST_TEST(r.next() == "one");
    claiming second(r, {1, 2}, 1);
    second.say("two");
    second.say("three");
    while (r.in.peek(deadline::after(1ms)).error() == errc::timed_out) {
    }
    BOOST_TEST(r.next() == "two");
    // Whichever of them it came by, the other is closed once the newer one has been seen.
    BOOST_TEST(r.next() == "three");
    BOOST_TEST(r.is_empty());
    first.close();
    second.say("four");
    BOOST_TEST(r.next() == "four");
}

BOOST_AUTO_TEST_CASE(another_session_takes_nothing_from_anybody)
{
    listening r;
    claiming honest(r, {1, 2}, 0);
    honest.say("one");
    BOOST_TEST(r.next() == "one");
    for (std::uint64_t i = 0; i != 3'000; ++i) {  // more than are remembered
        claiming forged(r, {1, 3 + i}, ~std::uint64_t{0} - i);
        forged.say("x");
        BOOST_TEST_REQUIRE(r.next() == "x");
    }
    honest.say("two");
    BOOST_TEST(r.next() == "two");
    BOOST_TEST(r.is_empty());
    BOOST_TEST((honest.heard_of(2) == acknowledgement{acknowledgement::of_messages, 2}));
}

BOOST_AUTO_TEST_CASE(a_frame_that_cannot_be_bars_its_session_and_nobody_else)
{
    listening r;
    claiming bad(r, {1, 2}, 0);
    bad.frame(~0U, "x");
    BOOST_TEST((r.in.peek(deadline::never()).error() == errc::malformed_message));
    BOOST_TEST((bad.rejection() == errc::peer_corrupt));
    claiming again(r, {1, 2}, 0);
    again.say("x");
    BOOST_TEST(r.is_empty());
    BOOST_TEST((again.rejection() == errc::peer_corrupt));
    claiming good(r, {1, 3}, 0);
    good.say("good");
    BOOST_TEST(r.next() == "good");
}

BOOST_AUTO_TEST_CASE(a_peer_that_takes_no_acknowledgements_costs_no_memory_and_holds_up_nobody)
{
    acked::options small;
    small.capacity = 1;  // of the socket
    listening r(small);
    claiming deaf(r, {1, 2}, 0);
    for (int i = 0; i != 10'000; ++i) {  // 160,000 bytes of acknowledgements, if each had one
        deaf.say("x");
        BOOST_TEST_REQUIRE(r.next() == "x");
        (void)r.in.arm();
    }
    claiming good(r, {1, 3}, 0);
    good.say("good");
    BOOST_TEST(r.next() == "good");
}

BOOST_AUTO_TEST_CASE(a_claim_that_comes_byte_by_byte_or_never_is_understood)
{
    listening r;
    raw_peer silent(r.in.port());
    silent.write(stream_greeting::of(text, {}, stream_greeting::acknowledged));
    raw_peer slow(r.in.port());
    std::string bytes(sizeof(stream_greeting) + sizeof(session_claim), '\0');
    auto const g = stream_greeting::of(text, {}, stream_greeting::acknowledged);
    session_claim const c{{5, 6}, 0};
    std::memcpy(bytes.data(), &g, sizeof g);
    std::memcpy(bytes.data() + sizeof g, &c, sizeof c);
    for (char const b : bytes) {
        BOOST_TEST_REQUIRE(r.next(deadline::poll()) == "nothing");
        slow.write(&b, 1);
    }
    slow.frame(4, "slow");
    BOOST_TEST(r.next() == "slow");
}

BOOST_AUTO_TEST_CASE(plain_and_acknowledged_ends_refuse_each_other)
{
    listening r;
    sender<std::string, tcp> plain("127.0.0.1:" + std::to_string(r.in.port()));
    auto const told_plain = refusal(plain, [&] { BOOST_TEST_REQUIRE(r.next(deadline::poll()) == "nothing"); });
    BOOST_TEST((told_plain == errc::transport_mismatch));

    auto in = tcp::receiver_end<text>::open("127.0.0.1:0", {}, "test").value();
    sender<std::string, acked> out("127.0.0.1:" + std::to_string(in.port()), lingering(0ns));
    auto const told_acked = refusal(out, [&] { BOOST_TEST_REQUIRE(!in.peek(deadline::poll()).has_value()); });
    BOOST_TEST((told_acked == errc::transport_mismatch));
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_of_what_was_not_sent_is_told_and_believed_by_nobody)
{
    for (acknowledgement const lie : {acknowledgement{acknowledgement::of_messages, 2}, acknowledgement{acknowledgement::of_messages, ~0ULL},
                                      acknowledgement{7, 1}}) {
        answering r;
        sender<std::string, acked> out(r.where(), lingering(0ns));
        out.send("one");
        r.accept(out);
        r.say(lie);
        BOOST_TEST((told(out) == errc::peer_corrupt));
        r.accept(out);  // it tries again, and has forgotten nothing
        BOOST_TEST(r.claim.first == 0U);
        r.say(acknowledgement{acknowledgement::of_messages, 1});
        BOOST_TEST(!told(out));
    }
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_that_goes_back_is_a_lie)
{
    answering r;
    sender<std::string, acked> out(r.where(), lingering(0ns));
    out.send("one");
    out.send("two");
    r.accept(out);
    r.say(acknowledgement{acknowledgement::of_messages, 2});
    BOOST_TEST(!told(out));
    out.send("three");
    r.say(acknowledgement{acknowledgement::of_messages, 1});
    BOOST_TEST((told(out) == errc::peer_corrupt));
    r.accept(out);
    BOOST_TEST(r.claim.first == 2U);
}

BOOST_AUTO_TEST_CASE(a_receiver_that_never_acknowledges_makes_its_sender_wait)
{
    answering r;
    auto how = lingering(10ms);
    how.capacity = 1000;
    sender<std::string, acked> out(r.where(), how);
    std::uint64_t sent = 0;
    while (auto const done = out.try_send(std::string(92, 'x')))
        ++sent;
    BOOST_TEST(sent == 9U);  // 104 bytes each
    BOOST_TEST((out.send_for(std::string(92, 'x'), 1ms).error() == errc::timed_out));
    BOOST_TEST(out.stats().depth == 9 * 104U);
    BOOST_TEST((out.close().error() == errc::timed_out));
    BOOST_TEST(out.stats().dropped == 9U);
}

BOOST_AUTO_TEST_CASE(acknowledgements_that_come_in_pieces_are_put_together)
{
    answering r;
    sender<std::string, acked> out(r.where());
    out.send("one");
    r.accept(out);
    acknowledgement const a{acknowledgement::of_messages, 1};
    for (std::size_t i = 0; i != sizeof a; ++i) {
        BOOST_TEST((out.flush_for(1us).error() == errc::timed_out));
        r.say(reinterpret_cast<char const*>(&a)[i]);
    }
    BOOST_TEST(!told(out));
    out.send("two");
    r.say(acknowledgement{acknowledgement::of_messages, 2});
    BOOST_TEST(!told(out));
    r.say(acknowledgement{acknowledgement::of_the_end, 2});  // before there is an end: of nothing
    BOOST_TEST(!!out.close());
}

// It is tried again after a second, the kernel's patience.
BOOST_AUTO_TEST_CASE(the_end_is_told_although_the_network_loses_the_first_packet_of_a_new_connection)
{
    answering r;
    sender<std::string, acked> out(r.where());
    out.send("one");
    r.accept(out);
    r.say(acknowledgement{acknowledgement::of_messages, 1});
    BOOST_TEST(!told(out));
    ::timeval const patience{20, 0};  // of those who are accepted, too
    ::setsockopt(r.listener.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    BOOST_TEST_REQUIRE(::listen(r.listener.get(), 0) == 0);  // room for one, who takes it
    raw_peer const before(detail::inet_address::of(r.listener.get()).port());
    r.socket.reset();
    bool closed = false;
    std::thread closing([&] { closed = out.close().has_value(); });
    ::pollfd p{r.listener.get(), POLLIN, 0};
    BOOST_TEST(::poll(&p, 1, 20'000) == 1);
    std::this_thread::sleep_for(100ms);
    detail::descriptor const one(::accept4(r.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    bool const came = ::poll(&p, 1, 20'000) == 1;
    BOOST_TEST(came);
    if (came) {
        r.accept(out);
        detail::stream_frame end;
        BOOST_TEST(::recv(r.socket.get(), &end, sizeof end, MSG_WAITALL) == static_cast<::ssize_t>(sizeof end));
        BOOST_TEST(end.kind == detail::stream_frame::end);
        BOOST_TEST(r.claim.first == 1U);
        r.say(acknowledgement{acknowledgement::of_the_end, 1});
    }
    closing.join();
    BOOST_TEST(closed);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acknowledged_hostile
