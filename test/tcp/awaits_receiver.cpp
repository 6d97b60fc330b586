// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/acknowledged.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/udp.hpp>
#include <strait/transport/unix_datagram.hpp>
#include <strait/transport/unix_seqpacket.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/names.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <tuple>

namespace tcp_awaits_receiver {

using namespace strait;
using namespace std::chrono_literals;

// A sender that does not wait learns that there is no receiver, over each transport of sockets; whether one may still come, its end
// says. A poll does not lose the channel.
namespace {

constexpr message_layout word = detail::codec<std::uint64_t>::layout;

using transports = std::tuple<tcp, acknowledged<tcp>, udp, unix_stream, unix_seqpacket, unix_datagram>;

template <class Sender>
error_code try_put(Sender& out, std::uint64_t value)
{
    auto const room = out.reserve(sizeof value, deadline::poll());
    if (!room)
        return room.error();
    std::memcpy(room->data(), &value, sizeof value);
    out.commit(sizeof value);
    auto const left = out.flush(deadline::poll());
    return left ? error_code() : left.error();
}

template <class X>
using sender_of = typename X::template sender_end<word>;
template <class X>
using receiver_of = typename X::template receiver_end<word>;

}  // namespace

BOOST_AUTO_TEST_SUITE(awaited_receivers)

TYPED_CASE(a_poll_before_the_first_receiver_says_that_there_is_none_and_loses_nothing, X, transports)
{
    support::watchdog const watchdog;
    auto const name = support::unique_name();
    auto out = sender_of<X>::open(name, {}, "word").value();
    BOOST_TEST(out.awaits_receiver());
    for (int i = 0; i != 3; ++i)
        BOOST_TEST((try_put(out, 1) == errc::no_receiver));
    BOOST_TEST(out.awaits_receiver());
    std::optional in(receiver_of<X>::open(name, {}, "word").value());
    error_code e = try_put(out, 2);
    while (e == errc::full || (e == errc::no_receiver && out.awaits_receiver()))
        e = try_put(out, 2);
    BOOST_TEST(!e);
    BOOST_TEST(!out.awaits_receiver());
    BOOST_TEST(in->peek(deadline::never()).has_value());
    in->release();
    if constexpr (X::guarantees.committed_when != commit_point::acknowledged)  // that buffers, and reports no_receiver later
        if constexpr (X::guarantees.reliable) {
            in.reset();
            while (!(e = try_put(out, 3))) {
            }
            BOOST_TEST((e == errc::no_receiver));
            BOOST_TEST(!out.awaits_receiver());  // that was the first
        }
}

TYPED_CASE(no_receiver_is_awaited_beyond_connect_timeout, X, transports)
{
    support::watchdog const watchdog;
    typename X::options how;
    how.connect_timeout = 0ns;
    auto out = sender_of<X>::open(support::unique_name(), how, "word").value();
    BOOST_TEST(!out.awaits_receiver());
    BOOST_TEST((try_put(out, 1) == errc::no_receiver));
    auto gone = std::move(out);
    BOOST_TEST(!out.awaits_receiver());
}

BOOST_AUTO_TEST_CASE(no_receiver_of_a_pair_is_awaited)
{
    support::watchdog const watchdog;
    auto both = unix_stream::pair<word>::make({}, "word").value();
    auto ends = std::move(both).split().value();
    BOOST_TEST(!ends.first.awaits_receiver());
    (void)ends.second.close(deadline::poll());
    error_code e;
    while (!e)
        e = try_put(ends.first, 1);
    BOOST_TEST((e == errc::no_receiver));
    BOOST_TEST(!ends.first.awaits_receiver());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tcp_awaits_receiver
