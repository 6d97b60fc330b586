// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/udp.hpp>

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/code.hpp>
#include <support/killed_peers.hpp>
#include <support/messages.hpp>
#include <support/print.hpp>
#include <support/shared_page.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace udp_ends {

using namespace std::chrono_literals;
using strait::end_reason;
using strait::errc;
using support::code;

namespace {

template <class T>
using sender = strait::sender<T, strait::udp>;
template <class T>
using receiver = strait::receiver<T, strait::udp>;

struct fixture : support::clean_host {
    // A port of the loopback that nobody used a moment ago.
    static std::string address()
    {
        auto const where = strait::detail::inet_address::loopback(AF_INET, 0);
        strait::detail::descriptor const s(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ::bind(s.get(), where.get(), where.size);
        return "127.0.0.1:" + std::to_string(strait::detail::inet_address::of(s.get()).port());
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(udp, fixture)

BOOST_AUTO_TEST_CASE(messages_up_to_the_limit_arrive_and_larger_ones_are_refused)
{
    for (std::string const& where : {name, address()}) {
        receiver<std::string> in{where};
        sender<std::string> out{where};
        std::size_t const limit = strait::udp::guarantees.max_message_size;
        BOOST_CHECK_EQUAL(limit, 65'432u);
        for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{1'500}, limit - 1, limit}) {
            out.send(std::string(size, 'x'));
            BOOST_CHECK(in.receive() == std::string(size, 'x'));
        }
        BOOST_CHECK_EQUAL(code(out.try_send(std::string(limit + 1, 'x'))), errc::message_too_large);
        BOOST_CHECK_EQUAL(in.stats().dropped, 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_batch_of_small_messages_shares_datagrams)
{
    strait::udp::options how;
    how.capacity = 64 << 10;  // as so many datagrams these messages had no room there
    receiver<std::uint64_t> in{name, how};
    sender<std::uint64_t> out{name};
    std::vector<std::uint64_t> many(5000);
    std::iota(many.begin(), many.end(), 0u);
    BOOST_CHECK_EQUAL(out.send_batch(many), many.size());
    std::vector<std::uint64_t> got(many.size());
    for (std::size_t n = 0; n != got.size();)
        n += in.receive_batch(std::span(got).subspan(n));
    BOOST_CHECK(got == many);
    BOOST_CHECK_EQUAL(in.stats().dropped, 0u);
}

BOOST_AUTO_TEST_CASE(what_finds_the_buffer_full_is_lost_and_counted)
{
    for (std::string const& where : {name, address()}) {
        strait::udp::options how;
        how.capacity = 16 << 10;
        receiver<std::string> in{where, how};
        std::uint64_t const sent = 3000;
        {
            sender<std::string> out{where};
            for (std::uint64_t i = 0; i != sent; ++i)
                out.send(support::make_text(i));  // waits for nobody
        }
        std::uint64_t got = 0;
        std::uint64_t next = 0;
        while (auto const m = in.receive_for(100ms)) {
            BOOST_REQUIRE(support::is_whole(*m));
            BOOST_REQUIRE_GE(support::origin_of(*m).sequence, next);
            next = support::origin_of(*m).sequence + 1;
            ++got;
        }
        BOOST_CHECK_GT(got, 0u);
        BOOST_CHECK_LT(got, sent);
        // The word of a sender that leaves was lost, too: the next one's tells of no other stream.
        BOOST_CHECK_EQUAL(in.stats().messages, got);
        BOOST_CHECK_EQUAL(in.stats().dropped, next - got);
    }
}

BOOST_AUTO_TEST_CASE(the_last_word_of_a_sender_counts_what_was_lost_before_it)
{
    strait::udp::options how;
    how.capacity = 16 << 10;
    receiver<std::string> in{name, how};
    std::optional<sender<std::string>> out(name);
    std::uint64_t const sent = 3000;
    for (std::uint64_t i = 0; i != sent; ++i)
        out->send(support::make_text(i));
    std::uint64_t got = 0;
    while (in.try_receive())
        ++got;
    out.reset();
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(in.end_reason(), end_reason::left);
    BOOST_CHECK_EQUAL(in.stats().dropped, sent - got);
}

BOOST_AUTO_TEST_CASE(a_sender_waits_for_the_first_receiver_of_a_name_or_of_this_host)
{
    for (std::string const& where : {name, address()}) {
        strait::udp::options brief;
        brief.connect_timeout = 20ms;
        sender<int> impatient{where, brief};
        BOOST_CHECK_EQUAL(code(impatient.try_send(0)), errc::no_receiver);
        BOOST_CHECK_EQUAL(code(impatient.send_for(0, 60s)), errc::no_receiver);
        sender<int> out{where};
        BOOST_CHECK_EQUAL(code(out.try_send(0)), errc::no_receiver);
        BOOST_CHECK_EQUAL(code(out.send_for(0, 1ms)), errc::timed_out);  // it is waited for all the same
        std::thread consuming([&] {
            receiver<int> in{where};
            if (in.receive() != 5)
                std::abort();
        });
        out.send(5);
        consuming.join();
    }
}

BOOST_AUTO_TEST_CASE(no_receiver_once_it_was_killed_and_the_next_one_is_found)
{
    for (std::string const& where : {name, address()}) {
        sender<int> out{where};
        support::kill_receivers(out, where);
    }
}

BOOST_AUTO_TEST_CASE(a_receiver_that_leaves_and_its_successor_at_another_port_are_told_apart)
{
    sender<int> out{name};
    for (int round = 0; round != 20; ++round) {
        receiver<int> in{name};
        while (code(out.send_for(round, 60s)) == errc::no_receiver) {
        }
        BOOST_CHECK(in.receive() == round);
    }
}

BOOST_AUTO_TEST_CASE(by_a_name_the_death_of_a_sender_is_seen)
{
    for (int round = 0; round != support::rounds(10); ++round) {
        auto const where = support::unique_name();
        receiver<std::string> in{where};
        support::shared_page page;
        support::child writer([&] {
            sender<std::string> out{where};
            for (std::uint64_t i = 0;; ++i) {
                out.send(support::make_text(i));
                page->done = i + 1;
            }
        });
        auto const moment = support::mixed(static_cast<std::uint64_t>(round)) % 300;
        std::uint64_t next = 0;
        bool killed = false;
        while (auto const m = in.receive()) {
            BOOST_REQUIRE(support::is_whole(*m));
            BOOST_REQUIRE_GE(support::origin_of(*m).sequence, next);
            next = support::origin_of(*m).sequence + 1;
            if (next > moment && !std::exchange(killed, true))
                writer.kill();
        }
        BOOST_CHECK_EQUAL(in.end_reason(), end_reason::died);
        BOOST_CHECK_EQUAL(in.stats().messages + in.stats().dropped, next);
        BOOST_CHECK_LE(next, page->done + 1);
    }
}

BOOST_AUTO_TEST_CASE(at_an_address_a_killed_sender_ends_nothing)
{
    auto const where = address();
    receiver<int> in{where};
    support::child writer([&] {
        sender<int> out{where};
        out.send(1);
        ::pause();
    });
    BOOST_CHECK(in.receive() == 1);
    writer.kill();
    BOOST_CHECK_EQUAL(code(in.receive_for(100ms)), errc::timed_out);
    sender<int> other{where};
    other.send(2);
    BOOST_CHECK(in.receive() == 2);
    other.close().value();
    BOOST_CHECK_EQUAL(code(in.receive_for(100ms)), errc::timed_out);  // for all it knows the first lives
}

BOOST_AUTO_TEST_CASE(many_senders_are_told_apart)
{
    for (std::string const& where : {name, address()}) {
        receiver<std::string> in{where};
        std::vector<sender<std::string>> outs;
        for (std::uint64_t s = 0; s != 50; ++s)
            outs.emplace_back(where);
        support::sequence_checker seen;
        for (std::uint64_t i = 0; i != 20; ++i)
            for (std::uint64_t s = 0; s != outs.size(); ++s) {
                outs[s].send(support::make_text(i, s));
                BOOST_REQUIRE(seen.see(*in.receive()));
            }
        BOOST_CHECK_EQUAL(in.stats().dropped, 0u);
        outs.clear();
        BOOST_CHECK(!in.receive());
    }
}

BOOST_AUTO_TEST_CASE(both_families_and_every_interface_are_reached)
{
    for (std::string const& host : {std::string("127.0.0.1"), std::string("[::1]"), std::string()}) {
        using end = strait::udp::receiver_end<strait::detail::codec<int>::layout>;
        auto listening = end::open(host + ":0", {}, "int").value();
        BOOST_CHECK_NE(listening.port(), 0);
        sender<int> out{(host.empty() ? "127.0.0.1" : host) + ":" + std::to_string(listening.port())};
        out.send(7);
        auto const m = listening.peek(strait::deadline::after(60s));
        BOOST_REQUIRE(m);
        BOOST_CHECK_EQUAL(m->size(), sizeof(int));
        listening.release();
    }
}

BOOST_AUTO_TEST_CASE(addresses_that_cannot_be_used_are_told)
{
    BOOST_CHECK_EQUAL(code(sender<int>::open("127.0.0.1:0")), errc::invalid_endpoint);
    BOOST_CHECK_EQUAL(code(sender<int>::open("/a/path")), errc::invalid_endpoint);
    BOOST_CHECK_EQUAL(code(receiver<int>::open("/a/path")), errc::invalid_endpoint);
    BOOST_CHECK_EQUAL(code(receiver<int>::open("203.0.113.1:5000")), errc::address_unavailable);
    BOOST_CHECK_EQUAL(code(receiver<int>::open("no.such.host.invalid:5000")), errc::address_unavailable);
    auto const where = address();
    receiver<int> in{where};
    BOOST_CHECK_EQUAL(code(receiver<int>::open(where)), errc::busy);
}

BOOST_AUTO_TEST_CASE(without_descriptors_nothing_opens_and_nothing_is_left)
{
    auto const port = address();
    support::child poor([&] {
        ::rlimit few{};
        ::getrlimit(RLIMIT_NOFILE, &few);
        int wrong = 0;
        for (rlim_t limit = 3; limit != 12; ++limit) {
            few.rlim_cur = limit;
            ::setrlimit(RLIMIT_NOFILE, &few);
            auto const in = receiver<int>::open(name);
            wrong += !in && in.error() != errc::descriptor_limit;
            auto const out = sender<int>::open(port);
            wrong += !out && out.error() != errc::descriptor_limit;
        }
        return wrong;
    });
    BOOST_CHECK_EQUAL(poor.wait(), 0);
    BOOST_CHECK(support::files_of(name).empty());
}

BOOST_AUTO_TEST_CASE(on_a_path_of_small_packets_a_batch_is_not_cut_and_a_large_message_still_arrives)
{
    constexpr int mtu = 1500;
    support::child isolated([&] {
        if (::unshare(CLONE_NEWNET) != 0)
            return 77;
        strait::detail::descriptor const s(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ::ifreq lo{};
        std::strcpy(lo.ifr_name, "lo");
        lo.ifr_mtu = mtu;
        if (::ioctl(s.get(), SIOCSIFMTU, &lo) != 0)
            return 77;
        lo.ifr_flags = IFF_UP;
        if (::ioctl(s.get(), SIOCSIFFLAGS, &lo) != 0)
            return 77;
        auto const any = strait::detail::inet_address::loopback(AF_INET, 0);
        ::bind(s.get(), any.get(), any.size);
        std::uint64_t count = 0;
        {
            sender<std::uint64_t> out{"127.0.0.1:" + std::to_string(strait::detail::inet_address::of(s.get()).port())};
            if (out.send_batch(std::vector<std::uint64_t>(2000)) != 2000)
                return 1;
            std::vector<std::byte> datagram(70'000);
            for (::ssize_t n; (n = ::recv(s.get(), datagram.data(), datagram.size(), MSG_DONTWAIT)) > 0;) {
                if (n + 28 > mtu)
                    return 2;
                auto const size = static_cast<std::size_t>(n) - sizeof(strait::detail::udp_trailer);
                auto const t = strait::detail::udp_trailer::at(datagram.data() + size);
                if (t.first != count)
                    return 3;
                count += t.count;
            }
        }
        if (count != 2000)
            return 4;
        receiver<std::string> in{"127.0.0.1:4321"};
        sender<std::string> out{"127.0.0.1:4321"};
        out.send(std::string(65'432, 'x'));
        return in.receive() == std::string(65'432, 'x') ? 0 : 5;
    });
    int const status = isolated.wait();
    if (status == 77)
        BOOST_TEST_MESSAGE("SKIPPED: no network namespace of our own here");
    BOOST_CHECK_MESSAGE(status == 0 || status == 77, "status " << status);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace udp_ends
