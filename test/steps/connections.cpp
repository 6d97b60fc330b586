// Distributed under the Boost Software License, Version 1.0.
// Peers that connect and send without a pause: receivers, senders and acceptors make a bounded number of turns.

#include "counted.hpp"

#include <strait/acceptor.hpp>
#include <strait/channel.hpp>
#include <strait/select.hpp>
#include <strait/transport/acknowledged.hpp>
#include <strait/transport/sealed_memory.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/unix_seqpacket.hpp>
#include <strait/transport/unix_stream.hpp>

#include <sealed_memory/raw_sealed.hpp>
#include <support/clean_host.hpp>
#include <support/flooded.hpp>
#include <support/typed_case.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace steps_connections {

using namespace std::chrono_literals;
using steps::count_each_form;
using steps::flood;
using strait::deadline;
using strait::detail::acknowledgement;
using strait::detail::stream_frame;
using support::numbers;

namespace {

template <class X>
struct flooded : support::flooded<X> {
    using support::flooded<X>::in;

    void receive()
    {
        std::byte bulk[64 * 8];
        for (int i = 0; i != 8; ++i) {
            count_each_form([&](deadline d) {
                auto got = in.peek(d);
                if (got)
                    in.release();
            });
            count_each_form([&](deadline d) { (void)in.take_n(bulk, d); });
        }
    }
};

using streams = std::tuple<strait::unix_stream, strait::unix_seqpacket, strait::tcp, strait::acknowledged<strait::tcp>>;
using listeners = decltype(std::tuple_cat(streams(), std::tuple<strait::sealed_memory>()));

}  // namespace

BOOST_AUTO_TEST_SUITE(steps_of_connections, *boost::unit_test::fixture<support::watchdog>())

TYPED_CASE(connections_that_come_and_go, X, listeners)
{
    flooded<X> f;
    auto const all = flood([&] { (void)f.come(); });
    f.receive();
}

TYPED_CASE(greetings_and_noise, X, listeners)
{
    flooded<X> f;
    std::uint64_t round = 0;
    auto const all = flood([&] {
        auto const peer = f.come();
        ++round;
        if (round % 3 != 0)
            peer.greet(numbers);
        if (round % 3 == 1)
            peer.frame(0, "", stream_frame::end);
        else
            peer.write_noise(round);
    });
    f.receive();
}

TYPED_CASE(messages_without_end, X, streams)
{
    flooded<X> f;
    auto const all = flood([&] {
        auto const peer = f.come();
        peer.greet(numbers);
        for (;;)
            peer.frames(100, "12345678");
    });
    f.receive();
}

// Senders by hand, whose greetings bring memory, ring without an end, and leave.
BOOST_AUTO_TEST_CASE(senders_with_memory_that_ring_and_go)
{
    flooded<strait::sealed_memory> f;
    std::uint64_t round = 0;
    auto const all = flood([&] {
        raw::hostile_sender<numbers> peer(support::channel_directory() + "/" + f.name + ".sock");
        if (++round % 4 != 0)
            peer.open();
        peer.ring(round % 3 * 500);
    }, 2);
    f.receive();
}

// It sends acknowledgements as fast as it can, reads nothing, and so makes no room.
BOOST_AUTO_TEST_CASE(acknowledgements_without_end)
{
    support::clean_host const clean;
    strait::detail::descriptor const listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto const any = strait::detail::inet_address::loopback(AF_INET, 0);
    BOOST_TEST_REQUIRE(::bind(listener.get(), any.get(), any.size) == 0);
    BOOST_TEST_REQUIRE(::listen(listener.get(), 8) == 0);
    ::sockaddr_in bound{};
    ::socklen_t size = sizeof bound;
    BOOST_TEST_REQUIRE(::getsockname(listener.get(), reinterpret_cast<::sockaddr*>(&bound), &size) == 0);
    using X = strait::acknowledged<strait::tcp>;
    X::options how;
    how.capacity = 16 << 20;  // more than the kernel takes
    how.linger = 0s;
    how.connect_timeout = 10s;
    auto out = X::sender_end<numbers>::open("127.0.0.1:" + std::to_string(ntohs(bound.sin_port)), how, "test").value();
    std::vector<std::byte> const messages(16 << 20);
    (void)out.put_n(messages, deadline::after(200ms));  // connects, and fills what there is
    strait::detail::descriptor const peer(::accept(listener.get(), nullptr, nullptr));
    std::vector<acknowledgement> const many(10'000);
    steps::in_each_turn const flood(
        [&] { (void)!::send(peer.get(), many.data(), many.size() * sizeof many[0], MSG_NOSIGNAL | MSG_DONTWAIT); });
    for (int i = 0; i != 4; ++i) {
        count_each_form([&](deadline d) { (void)out.put_n(messages, d); });
        count_each_form([&](deadline d) { (void)out.flush(d); });
        count_each_form([&](deadline d) { (void)out.settle(d); });
    }
    count_each_form([&](deadline d) { (void)out.close(d); });
}

using servers = std::tuple<strait::unix_stream, strait::tcp>;

TYPED_CASE(an_acceptor_among_noise, X, servers)
{
    support::clean_host const clean;
    std::string const where = X::guarantees.crosses_hosts ? "127.0.0.1:0" : clean.name;
    strait::acceptor<std::uint64_t, std::uint64_t, X> server(where);
    std::uint16_t port = 0;
    if constexpr (X::guarantees.crosses_hosts)
        port = server.port();
    std::uint64_t round = 0;
    auto const all = flood([&] {
        std::optional<raw_peer> peer;
        if constexpr (X::guarantees.crosses_hosts)
            peer.emplace(port);
        else
            peer.emplace(support::channel_directory() + "/" + clean.name + ".sock", SOCK_STREAM);
        if (++round % 3 != 0)
            peer->greet(numbers);
        if (round % 3 != 1)
            peer->write_noise(round);
    });
    for (int i = 0; i != 8; ++i) {
        (void)steps::counted(deadline::poll(), [&](deadline) { (void)server.try_accept(); });
        (void)steps::counted(deadline::after(2ms), [&](deadline) { (void)server.accept_for(1ms); });
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace steps_connections
