// Distributed under the Boost Software License, Version 1.0.

// Peers that send or connect without a pause hold no operation for longer than its deadline.

#include <strait/channel.hpp>
#include <strait/transport/acknowledged.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/unix_datagram.hpp>
#include <strait/transport/unix_seqpacket.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/flooded.hpp>
#include <support/shared_page.hpp>
#include <support/typed_case.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <string>
#include <tuple>
#include <vector>

#include <fcntl.h>
#include <mqueue.h>
#include <unistd.h>

namespace unix_stream_floods {

using namespace std::chrono_literals;
using strait::deadline;
using strait::errc;
using strait::detail::stream_frame;
using support::flooded;
using support::notes;
using support::numbers;

namespace {

/// Processes that do this without a pause until they are killed; they have begun when this has returned.
template <class Do>
std::vector<support::child> flood(Do once)
{
    support::shared_page page;
    std::vector<support::child> all;
    for (int i = 0; i != 3; ++i)
        all.emplace_back([&] {
            page->done.fetch_add(1);
            for (;;)
                try {
                    once();
                } catch (std::runtime_error const&) {  // the receiver is not quick enough
                }
        });
    notes::await(page->done, 3);
    return all;
}

/// Each of these returns, while the flood goes on.
template <class End>
void operations_return(End& in)
{
    for (int i = 0; i != 30; ++i) {
        for (auto const& until : {deadline::poll(), deadline::after(0s), deadline::after(1ms)}) {
            auto const none = in.peek(until);
            if (!none)
                BOOST_TEST((none.error() == errc::empty || none.error() == errc::timed_out || none.error() == errc::malformed_message ||
                            none.error() == errc::closed || none.error() == errc::descriptor_limit),
                           none.error().message());
        }
    }
}

using streams = std::tuple<strait::unix_stream, strait::unix_seqpacket, strait::tcp, strait::acknowledged<strait::tcp>>;
using plain_streams = std::tuple<strait::unix_stream, strait::unix_seqpacket, strait::tcp>;

}  // namespace

BOOST_AUTO_TEST_SUITE(floods)

TYPED_CASE(connections_that_come_and_go_hold_no_operation, X, streams)
{
    flooded<X> f;
    auto const all = flood([&] { (void)f.come(); });
    operations_return(f.in);
}

TYPED_CASE(greetings_and_ends_of_streams_hold_no_operation, X, plain_streams)
{
    flooded<X> f;
    auto const all = flood([&] {
        auto const peer = f.come();
        peer.greet(numbers);
        peer.frame(0, "", stream_frame::end);
    });
    operations_return(f.in);
}

/// Messages that come in pieces so small that they have no end in sight.
BOOST_AUTO_TEST_CASE(messages_that_come_byte_by_byte_hold_no_operation)
{
    support::clean_host const clean;
    std::string const name = support::unique_name();
    constexpr strait::message_layout texts{0, 1, 3};
    auto in = strait::unix_stream::receiver_end<texts>::open(name, {}, "test").value();
    auto const all = flood([&] {
        raw_peer const peer(support::channel_directory() + "/" + name + ".sock", SOCK_STREAM);
        peer.greet(texts);
        peer.write(stream_frame{32 << 20, stream_frame::data});
        for (int i = 0; i != 32 << 20; ++i)
            peer.write('x');
    });
    operations_return(in);
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

BOOST_AUTO_TEST_CASE(ends_of_datagrams_hold_no_operation)
{
    support::clean_host const clean;
    std::array<int, 2> pipe{};
    BOOST_TEST_REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    BOOST_TEST(::write(pipe[1], "x", 1) == 1);  // readable
    for (auto const gone : {strait::end_reason::none, strait::end_reason::left}) {
        strait::detail::datagram_receiver<numbers, endless_ends> in({pipe, gone}, 8, 0s);
        BOOST_TEST_REQUIRE(!in.start());
        operations_return(in);
    }
    ::close(pipe[0]);
    ::close(pipe[1]);
}

BOOST_AUTO_TEST_CASE(hints_in_a_queue_hold_no_operation)
{
    support::clean_host const clean;
    std::string const name = support::unique_name();
    auto in = strait::posix_mqueue::receiver_end<numbers>::open(name, {}, "test").value();
    auto const all = flood([&] {
        static auto out = strait::posix_mqueue::sender_end<numbers>::open(name, {}, "test").value();
        (void)::mq_send(out.native_handle(), "", 0, 1);
    });
    operations_return(in);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace unix_stream_floods
