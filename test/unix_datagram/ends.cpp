// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/unix_datagram.hpp>

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
#include <sys/stat.h>
#include <unistd.h>

using namespace std::chrono_literals;
using strait::errc;
using strait::detail::stream_frame;
using support::code;

namespace {

template <class T>
using sender = strait::sender<T, strait::unix_datagram>;
template <class T>
using receiver = strait::receiver<T, strait::unix_datagram>;

struct fixture : support::clean_host {
    std::string socket_path() const { return support::channel_directory() + "/" + name + ".sock"; }
    // A foreign program at the receiver's socket.
    raw_peer foreign() const { return {socket_path(), SOCK_DGRAM}; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(unix_datagram, fixture)

BOOST_AUTO_TEST_CASE(a_full_queue_makes_wait_and_loses_nothing)
{
    receiver<std::uint64_t> in{name};
    sender<std::uint64_t> out{name};
    std::uint64_t n = 0;
    while (out.try_send(n))
        ++n;
    BOOST_CHECK_GE(n, 2u);
    BOOST_CHECK_EQUAL(code(out.try_send(n)), errc::full);
    BOOST_CHECK_EQUAL(code(out.send_for(n, 1ms)), errc::timed_out);
    sender<std::uint64_t> other{name};  // the queue is one for all
    BOOST_CHECK_EQUAL(code(other.try_send(n)), errc::full);
    for (std::uint64_t i = 0; i != n; ++i)
        BOOST_REQUIRE(in.receive() == i);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    out.send(n);
    BOOST_CHECK(in.receive() == n);
}

BOOST_AUTO_TEST_CASE(a_batch_of_small_messages_shares_datagrams)
{
    receiver<std::uint64_t> in{name};
    sender<std::uint64_t> out{name};
    std::vector<std::uint64_t> many(5000);  // of which 10 would fit one by one
    std::iota(many.begin(), many.end(), 0u);
    BOOST_CHECK_EQUAL(out.send_batch(many), many.size());
    std::vector<std::uint64_t> got(many.size());
    for (std::size_t n = 0; n != got.size();)
        n += in.receive_batch(std::span(got).subspan(n));
    BOOST_CHECK(got == many);
    BOOST_CHECK_EQUAL(in.stats().messages, many.size());
}

BOOST_AUTO_TEST_CASE(messages_up_to_the_limit_arrive_and_larger_ones_are_refused)
{
    receiver<std::string> in{name};
    sender<std::string> out{name};
    std::size_t const limit = 128u << 10;
    for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{65'529}, limit - 1, limit}) {
        out.send(std::string(size, 'x'));
        BOOST_CHECK(in.receive() == std::string(size, 'x'));
    }
    BOOST_CHECK_EQUAL(code(out.try_send(std::string(limit + 1, 'x'))), errc::message_too_large);
}

BOOST_AUTO_TEST_CASE(a_foreign_datagram_is_malformed_and_costs_nothing_but_itself)
{
    receiver<std::string> in{name};
    sender<std::string> out{name};
    auto liar = foreign();
    std::uint64_t lies = 0;
    auto const told = [&] {
        out.send("behind it");
        BOOST_CHECK_EQUAL(code(in.receive_for(60s)), errc::malformed_message);
        BOOST_CHECK_EQUAL(in.stats().dropped, ++lies);
        BOOST_CHECK(in.receive() == "behind it");
    };
    for (std::uint32_t const size : {9u, 131'073u, 1u << 31, 0xffffffffu, 0x7ffffff8u}) {
        liar.frame(size, "12345678");
        told();
    }
    for (std::uint32_t const kind : {0u, 1u, 0xffffffffu, stream_frame::end}) {
        liar.frame(8, "12345678", kind);
        told();
    }
    for (std::size_t const size : {0u, 1u, 7u}) {
        BOOST_CHECK_EQUAL(::send(liar.fd(), "1234567", size, 0), static_cast<ssize_t>(size));
        told();
    }
    liar.frames(2000, std::string(64, 'x'));
    told();
    // What is good before the bad frame is delivered.
    std::string mixed(32, '\0');
    stream_frame const good{8, stream_frame::data};
    std::memcpy(mixed.data(), &good, sizeof good);
    std::memcpy(mixed.data() + 8, "goodgood", 8);
    liar.write(mixed.data(), mixed.size());
    BOOST_CHECK(in.receive() == "goodgood");
    told();
}

BOOST_AUTO_TEST_CASE(runs_of_fixed_size_are_checked)
{
    receiver<std::uint64_t> in{name};
    sender<std::uint64_t> out{name};
    auto liar = foreign();
    for (std::uint32_t const size : {0u, 7u, 9u, 4097u, 4104u, 1u << 31}) {
        liar.frame(size, std::string(4104, 'x'));
        BOOST_CHECK_EQUAL(code(in.receive_for(60s)), errc::malformed_message);
        out.send(size);
        BOOST_CHECK(in.receive() == size);
    }
    liar.frame(4096, std::string(4096, '\1'));
    std::vector<std::uint64_t> got(600);
    BOOST_CHECK_EQUAL(in.receive_batch(got), 512u);
    BOOST_CHECK_EQUAL(got[511], 0x0101010101010101u);
}

BOOST_AUTO_TEST_CASE(random_datagrams_are_never_undefined)
{
    receiver<std::string> in{name};
    sender<std::string> out{name};
    auto liar = foreign();
    for (std::uint64_t round = 0; round != 500; ++round) {
        liar.write_noise(round);
        strait::error_code e;
        do
            e = code(in.try_receive());
        while (!e || e == errc::malformed_message);
        BOOST_REQUIRE_EQUAL(e, errc::empty);
    }
    out.send("last");
    BOOST_CHECK(in.receive() == "last");
}

BOOST_AUTO_TEST_CASE(a_false_end_ends_nothing)
{
    receiver<int> in{name};
    sender<int> out{name};
    auto liar = foreign();
    for (int i = 0; i != 5; ++i) {
        liar.frame(0, "", stream_frame::end);
        BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    }
    out.send(1);
    BOOST_CHECK(in.receive() == 1);
}

BOOST_AUTO_TEST_CASE(descriptors_that_nobody_asked_for_are_closed)
{
    receiver<int> in{name};
    auto peer = foreign();
    std::array<int, 2> ends{};
    BOOST_REQUIRE_EQUAL(::pipe(ends.data()), 0);
    auto const before = support::open_descriptors();
    struct {
        stream_frame header{4, stream_frame::data};
        std::uint32_t words[2] = {5, 0};
    } message;
    alignas(::cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    ::iovec part{&message, sizeof message};
    ::msghdr m{};
    m.msg_iov = &part;
    m.msg_iovlen = 1;
    m.msg_control = control.data();
    m.msg_controllen = control.size();
    auto* const c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(c), &ends[1], sizeof(int));
    BOOST_REQUIRE_EQUAL(::sendmsg(peer.fd(), &m, MSG_NOSIGNAL), static_cast<ssize_t>(sizeof message));
    BOOST_CHECK(in.receive() == 5);
    BOOST_CHECK_EQUAL(support::open_descriptors(), before);
    ::close(ends[1]);
    pollfd gone{ends[0], POLLIN, 0};
    BOOST_CHECK_EQUAL(::poll(&gone, 1, -1), 1);
    BOOST_CHECK((gone.revents & POLLHUP) != 0);  // nobody holds a copy
    ::close(ends[0]);
}

BOOST_AUTO_TEST_CASE(the_socket_is_private_and_goes_with_the_receiver)
{
    auto const before = ::umask(0);
    {
        receiver<int> in{name};
        ::umask(before);
        struct ::stat found = {};
        BOOST_CHECK_EQUAL(::lstat(socket_path().c_str(), &found), 0);
        BOOST_CHECK(S_ISSOCK(found.st_mode));
        BOOST_CHECK_EQUAL(found.st_mode & 07777, 0600u);
    }
    BOOST_CHECK(support::files_of(name).empty());
}

BOOST_AUTO_TEST_CASE(no_receiver_once_it_was_killed_and_the_next_one_is_found)
{
    sender<int> out{name};
    BOOST_CHECK_EQUAL(code(out.try_send(0)), errc::no_receiver);  // none has come yet
    support::kill_receivers(out, name);
}

BOOST_AUTO_TEST_CASE(a_sender_that_waits_for_room_is_told_of_the_receivers_death)
{
    for (int round = 0; round != support::rounds(10); ++round) {
        auto const where = support::unique_name();
        support::shared_page page;
        support::child reader([&] {
            receiver<int> in{where};
            page->stage = 1;
            ::pause();
        });
        page->await(page->stage, 1);
        support::child writer([&] {
            sender<int> out{where};
            while (out.try_send(1)) {
            }
            page->stage = 2;
            return code(out.send_for(1, 60s)) == errc::no_receiver ? 0 : 1;
        });
        page->await(page->stage, 2);
        reader.kill();
        BOOST_CHECK_EQUAL(writer.wait(), 0);
    }
}

BOOST_AUTO_TEST_CASE(many_senders_keep_their_order_and_a_killed_one_tears_nothing)
{
    support::kill_one_of_many_senders<strait::unix_datagram>();
}

BOOST_AUTO_TEST_SUITE_END()
