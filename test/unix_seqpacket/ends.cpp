// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/detail/os/kernel_limit.hpp>
#include <strait/transport/unix_seqpacket.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/code.hpp>
#include <support/killed_peers.hpp>
#include <support/messages.hpp>
#include <support/print.hpp>
#include <support/raw_peer.hpp>
#include <support/shared_page.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>
#include <unistd.h>

using namespace std::chrono_literals;
using strait::errc;
using strait::detail::stream_frame;
using support::code;

namespace {

template <class T>
using sender = strait::sender<T, strait::unix_seqpacket>;
template <class T>
using receiver = strait::receiver<T, strait::unix_seqpacket>;
template <class T>
constexpr strait::message_layout layout_of = strait::detail::codec<T>::layout;

struct fixture : support::clean_host {
    // A foreign program at the receiver's socket.
    raw_peer foreign(int type = SOCK_SEQPACKET) const { return {support::channel_directory() + "/" + name + ".sock", type}; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(unix_seqpacket, fixture)

BOOST_AUTO_TEST_CASE(a_batch_of_small_messages_shares_packets)
{
    receiver<std::uint64_t> in{name};
    sender<std::uint64_t> out{name};
    std::uint64_t single = 0;
    while (out.try_send(single))
        ++single;
    for (std::uint64_t i = 0; i != single; ++i)
        BOOST_REQUIRE(in.receive() == i);
    // Each packet takes some 800 bytes of the buffer: as many more can only be there because they share.
    std::vector<std::uint64_t> many(20 * single);
    std::iota(many.begin(), many.end(), 0u);
    BOOST_CHECK_EQUAL(out.send_batch(many), many.size());
    for (std::uint64_t const m : many)
        BOOST_REQUIRE(in.try_receive() == m);
}

BOOST_AUTO_TEST_CASE(texts_of_a_batch_share_packets_and_keep_their_order)
{
    receiver<std::string> in{name};
    sender<std::string> out{name};
    std::vector<std::string> many;
    for (std::uint64_t i = 0; i != 1500; ++i)
        many.push_back(support::make_text(i));
    support::sequence_checker seen;
    std::size_t sent = 0;
    while (seen.count() != many.size()) {
        if (auto const n = out.try_send_batch(std::span(many).subspan(sent)); n)
            sent += *n;
        while (auto const text = in.try_receive())
            BOOST_REQUIRE(seen.see(*text));
    }
}

BOOST_AUTO_TEST_CASE(messages_up_to_the_limit_arrive_and_larger_ones_are_refused)
{
    receiver<std::string> in{name};
    sender<std::string> out{name};
    std::size_t const limit = 128u << 10;
    for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{65'528}, std::size_t{65'529}, limit - 1, limit}) {
        out.send(std::string(size, 'x'));
        BOOST_CHECK(in.receive() == std::string(size, 'x'));
    }
    BOOST_CHECK_EQUAL(code(out.try_send(std::string(limit + 1, 'x'))), errc::message_too_large);
}

BOOST_AUTO_TEST_CASE(a_message_that_no_buffer_of_this_host_takes_is_refused_when_opening)
{
    strait::unix_seqpacket::options how;
    how.max_message_size = strait::unix_seqpacket::guarantees.max_message_size;
    std::size_t const allowed = strait::detail::host_setting("/proc/sys/net/core/wmem_max", 212'992);
    if (2 * allowed < how.max_message_size) {
        BOOST_CHECK_EQUAL(code(sender<std::string>::open(name, how)), errc::capacity_limit);
        BOOST_CHECK_EQUAL(code(receiver<std::string>::open(name, how)), errc::capacity_limit);
        BOOST_CHECK(strait::make_error_code(errc::capacity_limit).message().find("wmem_max") != std::string::npos);
    }
    // The buffer grows beyond its default where it may, and beyond a small capacity.
    std::size_t const most = std::min(allowed, how.max_message_size);
    how.max_message_size = most;
    how.capacity = 4;
    receiver<std::string> in{name, how};
    sender<std::string> out{name};
    for (char const c : {'a', 'b'}) {
        out.send(std::string(most, c));
        BOOST_CHECK(in.receive() == std::string(most, c));
    }
}

BOOST_AUTO_TEST_CASE(a_stream_socket_at_the_same_name_is_another_transport)
{
    receiver<int> in{name};
    BOOST_CHECK_EQUAL(code(strait::sender<int, strait::unix_stream>::open(name)), errc::transport_mismatch);
    BOOST_CHECK_THROW(foreign(SOCK_STREAM), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(connections_that_never_speak_are_bounded_and_hold_up_nobody)
{
    receiver<int> in{name};
    std::vector<raw_peer> silent;
    for (int i = 0; i != 200; ++i) {
        silent.push_back(foreign());
        BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    }
    BOOST_CHECK_EQUAL(code(in.receive_for(5ms)), errc::timed_out);
    sender<int> out{name};
    out.send(7);
    BOOST_CHECK(in.receive() == 7);
    BOOST_CHECK_GE(in.stats().dropped, 200u - strait::detail::most_pending);
    BOOST_CHECK(out.close());
    BOOST_CHECK(!in.receive());  // they are nobody's stream
}

BOOST_AUTO_TEST_CASE(whoever_greets_wrongly_is_turned_away)
{
    receiver<std::string> in{name};
    sender<std::string> out{name};
    std::uint64_t turned_away = 0;
    auto const greeting = strait::detail::stream_greeting::of(layout_of<std::string>, {});
    std::vector<std::string> wrong{"", "x", std::string(64, '\0'), std::string(65, 'g'), std::string(100'000, 'g')};
    wrong.emplace_back(reinterpret_cast<char const*>(&greeting), 63);
    wrong.emplace_back(reinterpret_cast<char const*>(&greeting), sizeof greeting);
    wrong.back() += "more in the same packet";
    for (auto const& bytes : wrong) {
        auto peer = foreign();
        (void)::send(peer.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        peer.close();
        BOOST_CHECK_EQUAL(code(in.receive_for(5ms)), errc::timed_out);
        BOOST_CHECK_EQUAL(in.stats().dropped, ++turned_away);
        out.send("good");
        BOOST_CHECK(in.receive() == "good");
    }
    auto other_type = foreign();
    other_type.greet(layout_of<std::uint64_t>);
    BOOST_CHECK_EQUAL(code(in.receive_for(5ms)), errc::timed_out);
    BOOST_CHECK(other_type.rejection() == errc::type_mismatch);
}

BOOST_AUTO_TEST_CASE(lying_lengths_end_the_liars_connection_only)
{
    receiver<std::string> in{name};
    sender<std::string> out{name};
    out.send("first");
    BOOST_CHECK(in.receive() == "first");
    std::uint64_t lies = 0;
    for (std::uint32_t const size : {131'073u, 1u << 31, 0xffffffffu, 0x7fffffffu}) {
        auto liar = foreign();
        liar.greet(layout_of<std::string>);
        liar.frame(3, "yes");
        BOOST_CHECK(in.receive() == "yes");
        liar.frame(size, "no");
        BOOST_CHECK_EQUAL(code(in.receive_for(60s)), errc::malformed_message);
        BOOST_CHECK_EQUAL(in.stats().dropped, ++lies);
        out.send("good");
        BOOST_CHECK(in.receive() == "good");
    }
    for (std::uint32_t const kind : {0u, 1u, 0xffffffffu}) {
        auto liar = foreign();
        liar.greet(layout_of<std::string>);
        liar.frame(3, "yes", kind);
        BOOST_CHECK_EQUAL(code(in.receive_for(60s)), errc::malformed_message);
    }
}

BOOST_AUTO_TEST_CASE(a_packet_longer_than_any_of_ours_is_malformed_and_not_cut_in_silence)
{
    receiver<std::string> in{name};
    sender<std::string> out{name};
    auto liar = foreign();
    liar.greet(layout_of<std::string>);
    // Frames that would all be good, were not the last one cut.
    liar.frames(2000, std::string(64, 'x'));
    BOOST_CHECK_EQUAL(code(in.receive_for(60s)), errc::malformed_message);
    out.send("good");
    BOOST_CHECK(in.receive() == "good");
}

BOOST_AUTO_TEST_CASE(empty_packets_and_partial_frames_are_an_end_and_no_message)
{
    receiver<std::string> in{name};
    sender<std::string> out{name};
    out.send("first");
    BOOST_CHECK(in.receive() == "first");
    for (int const kind : {0, 1, 2}) {
        auto liar = foreign();
        liar.greet(layout_of<std::string>);
        stream_frame const f{10, stream_frame::data};
        if (kind == 0)
            BOOST_CHECK_EQUAL(::send(liar.fd(), "", 0, MSG_NOSIGNAL), 0);
        else
            liar.write(&f, kind == 1 ? 3 : sizeof f);
        liar.close();
        BOOST_CHECK_EQUAL(code(in.receive_for(20ms)), errc::timed_out);
        out.send("good");
        BOOST_CHECK(in.receive() == "good");
    }
}

BOOST_AUTO_TEST_CASE(random_packets_are_never_undefined)
{
    receiver<std::string> in{name};
    sender<std::string> out{name};
    out.send("first");
    BOOST_CHECK(in.receive() == "first");
    for (std::uint64_t round = 0; round != 300; ++round) {
        auto liar = foreign();
        liar.greet(layout_of<std::string>);
        for (int packets = 0; packets != 3; ++packets)
            liar.write_noise(round);
        liar.close();
        strait::error_code e;
        do
            e = code(in.try_receive());
        while (!e || e == errc::malformed_message);
        BOOST_REQUIRE_EQUAL(e, errc::empty);
    }
    out.send("last");
    BOOST_CHECK(in.receive() == "last");
}

BOOST_AUTO_TEST_CASE(descriptors_that_nobody_asked_for_are_closed)
{
    receiver<std::string> in{name};
    auto peer = foreign();
    std::array<int, 2> ends{};
    BOOST_REQUIRE_EQUAL(::pipe(ends.data()), 0);
    auto const before = support::open_descriptors();
    auto const send_with = [&](void const* bytes, std::size_t size) {
        std::array<int, 20> all;
        all.fill(ends[1]);
        alignas(::cmsghdr) std::array<char, CMSG_SPACE(sizeof all)> control{};
        ::iovec part{const_cast<void*>(bytes), size};
        ::msghdr m{};
        m.msg_iov = &part;
        m.msg_iovlen = 1;
        m.msg_control = control.data();
        m.msg_controllen = control.size();
        auto* const c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof all);
        std::memcpy(CMSG_DATA(c), all.data(), sizeof all);
        BOOST_REQUIRE_EQUAL(::sendmsg(peer.fd(), &m, MSG_NOSIGNAL), static_cast<ssize_t>(size));
    };
    auto const greeting = strait::detail::stream_greeting::of(layout_of<std::string>, {});
    send_with(&greeting, sizeof greeting);
    struct {
        stream_frame header{8, stream_frame::data};
        char text[8] = {'m', 'e', 's', 's', 'a', 'g', 'e', '!'};
    } const message;
    for (int i = 0; i != 5; ++i) {
        send_with(&message, sizeof message);
        BOOST_CHECK(in.receive() == "message!");
    }
    BOOST_CHECK_EQUAL(support::open_descriptors(), before + 1);  // the accepted connection
    ::close(ends[1]);
    pollfd gone{ends[0], POLLIN, 0};
    BOOST_CHECK_EQUAL(::poll(&gone, 1, -1), 1);
    BOOST_CHECK((gone.revents & POLLHUP) != 0);  // nobody holds a copy
    ::close(ends[0]);
}

BOOST_AUTO_TEST_CASE(many_senders_keep_their_order_and_a_killed_one_tears_nothing)
{
    support::kill_one_of_many_senders<strait::unix_seqpacket>();
}

BOOST_AUTO_TEST_CASE(no_receiver_once_it_was_killed_and_the_next_one_is_found)
{
    sender<int> out{name};
    support::kill_receivers(out, name);
}

BOOST_AUTO_TEST_SUITE_END()
