// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/udp.hpp>

#include <support/code.hpp>
#include <support/listening.hpp>
#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/print.hpp>
#include <support/raw_peer.hpp>
#include <support/residue.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <poll.h>

namespace udp_hostile {

using namespace std::chrono_literals;
using strait::deadline;
using strait::end_reason;
using strait::errc;
using strait::detail::stream_frame;
using strait::detail::udp_rejection;
using strait::detail::udp_trailer;
using support::code;
using support::frame_of;
using support::resident_pages;

// What trailers and numbers mean is tested in udp/parser.cpp, for every byte, loss and order. Here some come over a real socket.
namespace {

constexpr strait::message_layout text = strait::detail::codec<std::string>::layout;

template <strait::message_layout L>
struct listening : support::listening<strait::udp, L> {
    using base = support::listening<strait::udp, L>;
    using base::base;

    strait::error_code next(deadline until = deadline::poll()) { return base::next(until); }
};

// A peer that sends what it likes.
class raw_sender {
public:
    explicit raw_sender(std::uint16_t port)
        : trailer(udp_trailer::of(text)), port_(port), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    {
        trailer.stream = 77;
        trailer.kind = stream_frame::data;
        auto const to = strait::detail::inet_address::loopback(AF_INET, port);
        if (::connect(socket_.get(), to.get(), to.size) != 0)
            throw std::runtime_error("cannot connect");
    }

    // From another socket, of the same stream.
    raw_sender(raw_sender const& other) : raw_sender(other.port_) { trailer = other.trailer; }
    raw_sender(raw_sender&&) = default;

    void write(std::string const& bytes) const
    {
        if (::send(socket_.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
            throw std::runtime_error("cannot send");
    }

    void with_trailer(std::string const& frames) const
    {
        write(frames + std::string(reinterpret_cast<char const*>(&trailer), sizeof trailer));
    }

    // The message that comes next in the stream.
    void message(std::string const& m)
    {
        trailer.count = 1;
        trailer.kind = stream_frame::data;
        with_trailer(frame_of(static_cast<std::uint32_t>(m.size()), m));
        ++trailer.datagram;
        ++trailer.first;
    }

    void word(std::uint32_t kind)
    {
        trailer.count = 0;
        trailer.kind = kind;
        with_trailer({});
        ++trailer.datagram;
    }

    // What the receiver has answered.
    errc rejection(int patience = 60'000) const
    {
        ::pollfd p{socket_.get(), POLLIN, 0};
        udp_rejection r;
        if (::poll(&p, 1, patience) != 1 || ::recv(socket_.get(), &r, sizeof r, 0) != static_cast<ssize_t>(sizeof r))
            return errc::no_receiver;
        return r.stream == trailer.stream ? r.said.reason() : errc::no_receiver;
    }

    udp_trailer trailer;

private:
    std::uint16_t port_;
    strait::detail::descriptor socket_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(udp_hostile)

BOOST_AUTO_TEST_CASE(a_raw_sender_that_speaks_the_protocol_is_heard)
{
    listening<text> r;
    raw_sender p(r.in.port());
    p.word(udp_trailer::hello);
    BOOST_CHECK_EQUAL(r.next(), errc::empty);
    p.message("hello");
    p.message("");
    BOOST_CHECK(!r.next());
    BOOST_CHECK_EQUAL(r.last, "hello");
    BOOST_CHECK(!r.next());
    BOOST_CHECK(r.last.empty());
    p.word(stream_frame::end);
    BOOST_CHECK_EQUAL(r.next(), errc::closed);
    BOOST_CHECK_EQUAL(r.in.ended(), end_reason::left);
    BOOST_CHECK_EQUAL(r.in.stats().dropped, 0u);
}

BOOST_AUTO_TEST_CASE(garbage_is_counted_and_reported_to_nobody)
{
    listening<text> r;
    raw_sender good(r.in.port());
    raw_sender bad(r.in.port());
    good.word(udp_trailer::hello);
    for (std::uint64_t round = 0; round != 100; ++round) {
        bad.write(support::noise_of(round));
        BOOST_REQUIRE_EQUAL(r.next(), errc::empty);
    }
    BOOST_CHECK_EQUAL(r.in.stats().dropped, 100u);
    good.message("ok");
    BOOST_CHECK(!r.next());
    BOOST_CHECK_EQUAL(r.last, "ok");
    good.word(stream_frame::end);
    BOOST_CHECK_EQUAL(r.next(), errc::closed);  // garbage is nobody's stream
}

BOOST_AUTO_TEST_CASE(a_flood_of_garbage_hides_no_message)
{
    listening<text> r;
    raw_sender p(r.in.port());
    for (int i = 0; i != 1500; ++i)
        p.write("garbage");
    p.message("behind");
    BOOST_CHECK(!r.next(deadline::after(60s)));
    BOOST_CHECK_EQUAL(r.last, "behind");
}

BOOST_AUTO_TEST_CASE(a_trailer_that_is_refused_keeps_messages_out_and_its_sender_is_told)
{
    listening<text> r;
    auto const rejected = [&](auto change, int patience = 60'000) {
        raw_sender p(r.in.port());
        change(p.trailer);
        for (int i = 0; i != 2; ++i) {  // the first makes the receiver look who it is
            p.message("evil");
            BOOST_CHECK_EQUAL(r.next(), errc::empty);
        }
        return p.rejection(patience);
    };
    BOOST_CHECK_EQUAL(rejected([](auto& t) { ++t.fingerprint; }), errc::type_mismatch);
    BOOST_CHECK_EQUAL(rejected([](auto& t) { ++t.version; }), errc::incompatible_peer);
    BOOST_CHECK_EQUAL(rejected([](auto& t) { t.magic = __builtin_bswap64(t.magic); }), errc::incompatible_peer);
    // Strangers are told nothing.
    BOOST_CHECK_EQUAL(rejected([](auto& t) { ++t.magic; }, 20), errc::no_receiver);
    BOOST_CHECK_EQUAL(rejected([](auto& t) { ++t.cookie; }, 20), errc::no_receiver);
    BOOST_CHECK_EQUAL(r.in.stats().dropped, 10u);
}

BOOST_AUTO_TEST_CASE(by_a_name_nobody_is_heard_who_cannot_read_its_secret)
{
    listening<text> r({}, support::unique_name());
    raw_sender stranger(r.in.port());
    stranger.message("evil");
    BOOST_CHECK_EQUAL(r.next(), errc::empty);
    BOOST_CHECK_EQUAL(r.in.stats().dropped, 1u);
    r.in.close(deadline::never()).value();
    support::names_given().clear();
}

BOOST_AUTO_TEST_CASE(a_rejection_that_was_not_meant_for_us_is_ignored)
{
    strait::detail::descriptor const fake(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    auto const at = strait::detail::inet_address::loopback(AF_INET, 0);
    BOOST_REQUIRE_EQUAL(::bind(fake.get(), at.get(), at.size), 0);
    auto const port = strait::detail::inet_address::of(fake.get()).port();
    strait::sender<std::string, strait::udp> out{"127.0.0.1:" + std::to_string(port)};
    std::vector<char> datagram(1000);
    strait::detail::inet_address from;
    from.size = sizeof from.storage;
    auto const n = ::recvfrom(fake.get(), datagram.data(), datagram.size(), 0, from.get(), &from.size);
    BOOST_REQUIRE_EQUAL(n, static_cast<ssize_t>(sizeof(udp_trailer)));
    auto const hello = udp_trailer::at(reinterpret_cast<std::byte const*>(datagram.data()));
    auto const answer = [&](udp_rejection const& r, std::size_t size) {
        BOOST_REQUIRE_EQUAL(::sendto(fake.get(), &r, size, 0, from.get(), from.size), static_cast<ssize_t>(size));
    };
    udp_rejection r{{}, hello.stream};
    r.said.why = static_cast<std::uint32_t>(errc::type_mismatch);
    answer({r.said, hello.stream + 1}, sizeof r);
    answer(r, 16);
    answer(r, 0);
    BOOST_CHECK(out.try_send("still there"));
    answer(r, sizeof r);
    BOOST_CHECK_EQUAL(code(out.try_send("told")), errc::type_mismatch);
}

BOOST_AUTO_TEST_CASE(lying_frames_are_malformed_and_cost_nothing_but_themselves)
{
    listening<text> r;
    raw_sender p(r.in.port());
    std::uint64_t lies = 0;
    auto const told = [&](std::string const& frames) {
        p.trailer.count = 0;
        p.with_trailer(frames);
        ++p.trailer.datagram;
        p.message("behind it");
        BOOST_CHECK_EQUAL(r.next(), errc::malformed_message);
        BOOST_CHECK_EQUAL(r.in.stats().dropped, ++lies);
        BOOST_CHECK(!r.next());
        BOOST_CHECK_EQUAL(r.last, "behind it");
    };
    for (std::uint32_t const size : {9u, 65'433u, 1u << 31, 0xffffffffu, 0x7ffffff8u})
        told(frame_of(size, "12345678"));
    for (std::uint32_t const kind : {0u, 1u, 0xffffffffu, stream_frame::end, udp_trailer::hello})
        told(frame_of(8, "12345678", kind));
    for (std::size_t const size : {0u, 1u, 7u})
        told(std::string(size, 'x'));
    p.trailer.kind = 0;
    p.with_trailer(frame_of(8, "12345678"));
    BOOST_CHECK_EQUAL(r.next(), errc::malformed_message);
    // What is good before the bad frame is delivered.
    ++p.trailer.datagram;
    p.trailer.kind = stream_frame::data;
    p.with_trailer(frame_of(8, "goodgood") + std::string(16, '\0'));
    BOOST_CHECK(!r.next());
    BOOST_CHECK_EQUAL(r.last, "goodgood");
    BOOST_CHECK_EQUAL(r.next(), errc::malformed_message);
}

BOOST_AUTO_TEST_CASE(what_comes_twice_is_delivered_once)
{
    listening<text> r;
    raw_sender p(r.in.port());
    for (int i = 0; i != 200; ++i) {
        p.message(std::to_string(i));
        BOOST_CHECK(!r.next());
        BOOST_CHECK_EQUAL(r.last, std::to_string(i));
        auto replayed = p;
        for (std::uint64_t back = 1; back <= p.trailer.datagram; back += 7) {
            replayed.trailer.datagram = p.trailer.datagram - back;
            replayed.trailer.first = p.trailer.first - back;
            replayed.message("again");
            BOOST_REQUIRE_EQUAL(r.next(), errc::empty);
        }
    }
    BOOST_CHECK_EQUAL(r.in.stats().messages, 200u);
    BOOST_CHECK_EQUAL(r.in.stats().dropped, 0u);
}

BOOST_AUTO_TEST_CASE(replayed_hellos_and_ends_begin_and_end_nothing)
{
    listening<text> r;
    raw_sender p(r.in.port());
    auto const hello = p;
    p.word(udp_trailer::hello);
    p.message("one");
    for (int i = 0; i != 5; ++i)
        raw_sender(hello).word(udp_trailer::hello);
    BOOST_CHECK(!r.next());
    BOOST_CHECK_EQUAL(r.next(), errc::empty);
    p.message("two");
    BOOST_CHECK(!r.next());
    auto const end = p;
    p.word(stream_frame::end);
    BOOST_CHECK_EQUAL(r.next(), errc::closed);
    raw_sender next(r.in.port());
    next.trailer.stream = 78;
    next.word(udp_trailer::hello);
    for (int i = 0; i != 5; ++i)
        raw_sender(end).word(stream_frame::end);
    BOOST_CHECK_EQUAL(r.next(), errc::empty);  // the other stream has not ended
    BOOST_CHECK_EQUAL(r.in.stats().dropped, 0u);
}

BOOST_AUTO_TEST_CASE(late_datagrams_are_delivered_and_are_no_gap_any_more)
{
    listening<text> r;
    raw_sender p(r.in.port());
    p.word(udp_trailer::hello);
    std::vector<raw_sender> late;
    for (int i = 0; i != 10; ++i) {
        late.push_back(p);
        ++p.trailer.datagram;
        ++p.trailer.first;
    }
    p.message("ten");
    BOOST_CHECK(!r.next());
    BOOST_CHECK_EQUAL(r.last, "ten");
    BOOST_CHECK_EQUAL(r.in.stats().dropped, 10u);
    for (std::size_t const i : {7u, 2u, 9u, 0u}) {
        late[i].message(std::to_string(i));
        BOOST_CHECK(!r.next());
        BOOST_CHECK_EQUAL(r.last, std::to_string(i));
    }
    BOOST_CHECK_EQUAL(r.in.stats().dropped, 6u);
    for (int i = 0; i != 60; ++i) {  // now the others are too late
        p.message("more");
        BOOST_CHECK(!r.next());
    }
    late[1].message("too late");
    BOOST_CHECK_EQUAL(r.next(), errc::empty);
    BOOST_CHECK_EQUAL(r.in.stats().dropped, 6u);
}

BOOST_AUTO_TEST_CASE(any_number_of_invented_streams_takes_bounded_memory)
{
    listening<text> r;
    raw_sender p(r.in.port());
    auto const flood = [&](std::uint64_t from) {
        for (std::uint64_t i = 0; i != 20'000; ++i) {
            p.trailer.stream = support::mixed(from + i);
            p.trailer.datagram = p.trailer.first = i;
            p.message("one more");
            BOOST_REQUIRE(!r.next());
        }
    };
    flood(0);
    auto const before = resident_pages();
    flood(1'000'000);
    if (!support::sanitized)  // which keeps what was freed for a while
        BOOST_CHECK_LE(resident_pages(), before + 64);
    BOOST_CHECK_EQUAL(r.in.stats().dropped, 0u);
    p.trailer.stream = 5;
    p.message("and one that stays");
    BOOST_CHECK(!r.next());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace udp_hostile
