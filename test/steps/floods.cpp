// Distributed under the Boost Software License, Version 1.0.
// Messages without an end in sight, and ends without end: receivers make a bounded number of turns.

#include "counted.hpp"

#include <strait/detail/socket/datagram_receiver.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/clean_host.hpp>
#include <support/flooded.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace steps_floods {

using namespace std::chrono_literals;
using strait::deadline;
using strait::errc;
using strait::detail::stream_frame;
using support::numbers;

namespace {

template <class End>
void receive(End& in)
{
    for (int i = 0; i != 8; ++i)
        steps::count_each_form([&](deadline d) {
            auto const none = in.peek(d);
            BOOST_TEST((none || none.error() == errc::empty || none.error() == errc::timed_out || none.error() == errc::closed));
        });
}

/// A place to which others send nothing but ends, faster than any receiver reads.
struct endless_ends {
    static constexpr bool start() noexcept { return true; }
    static strait::detail::datagram_outcome receive(strait::detail::read_ahead&, strait::channel_stats&) noexcept
    {
        return strait::detail::datagram_outcome::end;
    }
    int fd() const noexcept { return pipe[0]; }
    static std::uint64_t serial() noexcept { return 1; }
    static int file() noexcept { return -1; }
    static constexpr std::size_t packet() noexcept { return 4096; }
    strait::end_reason senders_gone(bool) noexcept { return gone; }
    static bool is_removed(bool) noexcept { return false; }
    static void count_in() noexcept {}
    bool usable() const noexcept { return !left; }
    static errc missing() noexcept { return errc::not_open; }
    void leave(deadline) noexcept { left = true; }

    std::array<int, 2> pipe;
    strait::end_reason gone;
    bool left = false;
};
static_assert(strait::detail::datagram_listener<endless_ends>);

}  // namespace

BOOST_AUTO_TEST_SUITE(steps_of_floods, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(messages_that_come_byte_by_byte)
{
    support::clean_host const clean;
    constexpr strait::message_layout texts{0, 1, 3};
    auto in = strait::unix_stream::receiver_end<texts>::open(clean.name, {}, "test").value();
    auto const all = steps::flood(
        [&] {
            raw_peer const peer(support::channel_directory() + "/" + clean.name + ".sock", SOCK_STREAM);
            peer.greet(texts);
            peer.write(stream_frame{32 << 20, stream_frame::data});
            for (int i = 0; i != 32 << 20; ++i)
                peer.write('x');
        },
        3);
    receive(in);
}

BOOST_AUTO_TEST_CASE(ends_of_datagrams)
{
    support::clean_host const clean;
    std::array<int, 2> pipe{};
    BOOST_TEST_REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    BOOST_TEST(::write(pipe[1], "x", 1) == 1);  // readable
    for (auto const gone : {strait::end_reason::none, strait::end_reason::left}) {
        strait::detail::datagram_receiver<numbers, endless_ends> in({pipe, gone}, 8, 0s);
        BOOST_TEST_REQUIRE(!in.start());
        receive(in);
    }
    ::close(pipe[0]);
    ::close(pipe[1]);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace steps_floods
