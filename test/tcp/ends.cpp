// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/acknowledged.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/udp.hpp>

#include <support/child.hpp>
#include <support/large_message.hpp>
#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/residue.hpp>
#include <support/shared_page.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>
#include <support/raw_peer.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>

#include <netdb.h>

namespace tcp_ends {

using namespace strait;
using namespace std::chrono_literals;

namespace {

using large = support::large_message;
using text_end = tcp::receiver_end<detail::codec<std::string>::layout>;

bool is_known(std::string const& host)
{
    ::addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, nullptr, &found) != 0)
        return false;
    ::freeaddrinfo(found);
    return true;
}

struct fixture {
    support::watchdog watchdog;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tcp_ends, fixture)

using with_a_port = std::tuple<tcp, acknowledged<tcp>, udp>;
TYPED_CASE(a_receiver_says_which_port_the_kernel_has_chosen, X, with_a_port)
{
    receiver<std::uint64_t, X> in{"127.0.0.1:0"};
    BOOST_TEST(in.port() != 0U);
    sender<std::uint64_t, X> out{"127.0.0.1:" + std::to_string(in.port())};
    out.send(5);
    BOOST_TEST(in.receive().value_or(0) == 5U);
    BOOST_TEST(in.close().has_value());
    BOOST_TEST(in.port() == 0U);
}

// At an address each end has a limit of its own.
using streams = std::tuple<tcp, acknowledged<tcp>>;
TYPED_CASE(a_message_that_is_larger_than_its_receiver_takes_is_an_error_there_and_ends_its_connection_alone, X, streams)
{
    receiver<std::string, X> in{"127.0.0.1:0", {.max_message_size = 1024}};
    std::string const where = "127.0.0.1:" + std::to_string(in.port());
    sender<std::string, X> other{where};
    other.send("first");
    BOOST_TEST(in.receive().value_or("") == "first");
    sender<std::string, X> out{where};
    out.send(std::string(1024, 'a'));
    out.send(std::string(1025, 'b'));
    BOOST_TEST(in.receive().value_or("") == std::string(1024, 'a'));
    BOOST_TEST((in.receive_for(60s).error() == errc::malformed_message));
    auto const wanted = std::is_same_v<X, tcp> ? errc::no_receiver : errc::peer_corrupt;
    for (result<void> told; told;) {  // the kernel takes the first message behind it
        told = out.send_for("lost", 60s);
        if (told)
            told = out.flush_for(60s);
        BOOST_TEST((told || told.error() == wanted), told.error().message());
    }
    other.send("second");
    for (auto got = in.receive_for(60s); got.value() != "second"; got = in.receive_for(60s))
        BOOST_TEST_REQUIRE(got.value() == "lost");  // by a new connection
}

BOOST_AUTO_TEST_CASE(both_address_families_and_resolved_names_work)
{
    for (std::string const host : {"127.0.0.1", "[::1]", "localhost", ""}) {
        if (host == "localhost" && !is_known(host)) {
            std::cout << "SKIPPED: names that resolve, over tcp: localhost has no address, since /etc/hosts does not have it\n";
            continue;
        }
        auto in = text_end::open(host + ":0", {}, "").value();
        sender<std::string, tcp> out(host + ":" + std::to_string(in.port()));
        out.send("over " + host);
        auto const m = in.peek(deadline::never());
        BOOST_TEST_REQUIRE(m.has_value());
        BOOST_TEST(std::string(reinterpret_cast<char const*>(m->data()), m->size()) == "over " + host);
        in.release();
    }
}

BOOST_AUTO_TEST_CASE(addresses_that_cannot_be_are_refused)
{
    using out = sender<int, tcp>;
    using in = receiver<int, tcp>;
    BOOST_TEST((out::open("/srv/trades").error() == errc::invalid_endpoint));
    BOOST_TEST((in::open("/srv/trades").error() == errc::invalid_endpoint));
    BOOST_TEST((out::open("127.0.0.1:0").error() == errc::invalid_endpoint));
    BOOST_TEST((out::open("no.such.host.invalid:80").error() == errc::address_unavailable));
    BOOST_TEST((in::open("192.0.2.1:80").error() == errc::address_unavailable));  // not an address of this host
}

BOOST_AUTO_TEST_CASE(a_port_has_one_receiver)
{
    auto first = text_end::open("127.0.0.1:0", {}, "").value();
    auto const second = receiver<std::string, tcp>::open("127.0.0.1:" + std::to_string(first.port()));
    BOOST_TEST((second.error() == errc::busy));
}

// A connect to a free port of the loopback succeeds when the kernel picks that very port for our side.
BOOST_AUTO_TEST_CASE(a_connection_to_oneself_is_no_receiver)
{
    std::uint16_t port = 0;
    {
        auto in = text_end::open("127.0.0.1:0", {}, "").value();
        port = in.port();
    }
    detail::tcp_dialer dialer;
    auto const to = detail::inet_address::loopback(AF_INET, port);
    // The same by force: a socket bound to the port it connects to.
    detail::descriptor self(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    BOOST_TEST_REQUIRE(::bind(self.get(), to.get(), to.size) == 0);
    BOOST_TEST(::connect(self.get(), to.get(), to.size) == 0);
    BOOST_TEST((detail::inet_address::of(self.get()) == detail::inet_address::of(self.get(), true)));
    self.reset();
    for (int i = 0; i < 2000; ++i)
        BOOST_TEST_REQUIRE((dialer.attempt(to, {}).error() == errc::no_receiver));
}

BOOST_AUTO_TEST_CASE(a_sender_waits_for_a_receiver_as_long_as_it_is_told)
{
    std::uint16_t port = 0;
    {
        auto in = text_end::open("127.0.0.1:0", {}, "").value();
        port = in.port();
    }
    std::string const where = "127.0.0.1:" + std::to_string(port);
    tcp::options how;
    how.connect_timeout = 30ms;
    sender<std::string, tcp> out(where, how);
    BOOST_CHECK_EXCEPTION(out.send("x"), boost::system::system_error, [](auto const& e) { return e.code() == errc::no_receiver; });
    sender<std::string, tcp> patient(where);
    BOOST_TEST((patient.try_send("x").error() == errc::no_receiver));
    BOOST_TEST((patient.send_for("x", 5ms).error() == errc::timed_out));
    auto in = text_end::open(where, {}, "").value();
    patient.send("now");
    BOOST_TEST(in.peek(deadline::never()).has_value());
}

BOOST_AUTO_TEST_CASE(another_type_at_an_address_is_told_to_its_sender_and_never_delivered)
{
    auto in = text_end::open("127.0.0.1:0", {}, "").value();
    sender<std::uint64_t, tcp> out("127.0.0.1:" + std::to_string(in.port()));
    error_code said;
    while (!said) {
        if (auto const sent = out.try_send(7); !sent && sent.error() != errc::full)
            said = sent.error();
        auto const m = in.peek(deadline::poll());
        BOOST_TEST_REQUIRE(!m.has_value());
    }
    BOOST_TEST((said == errc::type_mismatch));
}

BOOST_AUTO_TEST_CASE(who_does_not_know_the_secret_of_a_name_is_not_heard)
{
    auto const name = support::unique_name();
    auto in = text_end::open(name, {}, "").value();
    raw_peer stranger(in.port());
    stranger.greet(detail::codec<std::string>::layout);
    stranger.frame(4, "evil");
    BOOST_TEST((in.peek(deadline::after(20ms)).error() == errc::timed_out));
    BOOST_TEST((stranger.rejection() == errc::untrusted_object));
    sender<std::string, tcp> out(name);
    out.send("good");
    BOOST_TEST(in.peek(deadline::never()).has_value());
}

BOOST_AUTO_TEST_CASE(large_messages_of_one_size_are_accepted_by_their_first_byte_and_finished_later)
{
    auto const at = support::unique_name();
    receiver<large, tcp> in(at);
    auto out = tcp::sender_end<detail::codec<large>::layout>::open(at, {}, detail::message_type_of<large>()).value();
    auto const send = [&](std::uint64_t number, deadline until) {
        return out.copy_in(std::as_bytes(std::span(support::make_large(number).get(), 1)), until);
    };
    auto const got = std::make_unique<large>();
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    for (int round = 0; round != 3; ++round) {
        result<void> r;
        do {
            while ((r = send(sent, deadline::poll())))
                ++sent;
            BOOST_TEST((r.error() == errc::full));
            r = send(sent, deadline::after(1ms));
            sent += r ? 1 : 0;  // the kernel may still move bytes on and make room
        } while (r);
        BOOST_TEST((r.error() == errc::timed_out));
        BOOST_TEST(out.stats().messages == sent);
        while (received != sent) {
            (void)out.flush(deadline::poll());
            if (in.try_receive_batch({got.get(), 1})) {
                BOOST_TEST_REQUIRE((*got == *support::make_large(received)));
                ++received;
            }
        }
        BOOST_TEST(out.stats().depth == 0U);
    }
    BOOST_TEST(sent > 3U);
}

BOOST_AUTO_TEST_CASE(a_receiver_that_dies_takes_the_rest_of_a_large_message_with_it)
{
    auto const at = support::unique_name();
    support::shared_page page;
    support::child other([&] {
        receiver<large, tcp> in(at);
        page->stage = 1;
        ::pause();
    });
    support::notes::await(page->stage, 1);
    sender<large, tcp> out(at);
    result<void> r;
    for (std::uint64_t i = 0; r; ++i)
        r = out.try_send(*support::make_large(i));
    BOOST_TEST((r.error() == errc::full));
    other.kill();
    auto const accepted = out.stats().messages;
    while ((r = out.try_send(*support::make_large(0))).error() == errc::full)
        ;
    BOOST_TEST((r.error() == errc::no_receiver));
    BOOST_TEST(out.stats().messages == accepted);
    BOOST_TEST(out.stats().dropped == 1U);
    receiver<large, tcp> next(at);
    out.send(*support::make_large(7));
    auto const got = std::make_unique<large>();
    BOOST_TEST(next.receive(*got));
    BOOST_TEST((*got == *support::make_large(7)));
}

BOOST_AUTO_TEST_CASE(a_large_message_that_left_in_part_is_accepted_and_finished_later)
{
    auto const name = support::unique_name();
    receiver<std::string, tcp> in(name);
    sender<std::string, tcp> out(name);
    std::string const large = support::make_text(1, 0, 1) + std::string(8 << 20, 'x');
    BOOST_TEST(out.try_send(large).has_value());  // more than the socket takes
    std::size_t refused = 0;
    while (out.try_send("second") == errc::full || ++refused == 0) {
        std::string received;
        if (auto got = in.try_receive())
            BOOST_TEST_REQUIRE((*got == large));
    }
    BOOST_TEST(out.close().has_value());
    std::optional<std::string> last;
    while (auto got = in.receive())
        last = std::move(got);
    BOOST_TEST((last == "second"));
    BOOST_TEST((in.end_reason() == end_reason::left));
}

BOOST_AUTO_TEST_CASE(what_a_killed_sender_had_begun_is_never_delivered_torn)
{
    for (int round = support::rounds(60); round > 0; --round) {
        auto const name = support::unique_name();
        receiver<std::string, tcp> in(name);
        support::shared_page page;
        support::child victim([&] {
            sender<std::string, tcp> out(name);
            for (std::uint64_t i = 0;; ++i) {
                out.send(support::make_text(i, 0, 60'000));
                page->done = i + 1;
            }
        });
        page->await(page->done, 1);  // before that nobody has joined, and the stream has not begun
        auto const some = static_cast<std::uint64_t>(round % 7) * 20;
        std::uint64_t n = 0;
        for (; n < some; ++n)
            BOOST_TEST_REQUIRE((support::origin_of(*in.receive()).sequence == n));
        victim.kill();
        while (auto m = in.receive()) {
            BOOST_TEST_REQUIRE((support::origin_of(*m).sequence == n));
            BOOST_TEST_REQUIRE((*m == support::make_text(n, 0, 60'000)));
            ++n;
        }
        BOOST_TEST((in.end_reason() == end_reason::died));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tcp_ends
