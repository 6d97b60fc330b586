// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/acknowledged.hpp>

#include <support/child.hpp>
#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/residue.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace acknowledged_deaths {

using namespace strait;
using namespace std::chrono_literals;
using support::child;
using support::notes;
using support::shared_page;

namespace {

using acked = acknowledged<tcp>;
using text_end = acked::receiver_end<detail::codec<std::string>::layout>;

struct fixture {
    support::watchdog watchdog;
    shared_page page;
    std::string name = support::unique_name();

    // Takes messages up to the end. What comes first must not leave out anything that no receiver has seen, the rest must
    // follow each other: page->done tells the successor how far we came.
    int consume(endpoint const& where)
    {
        auto in = text_end::open(where, {}, detail::message_type_of<std::string>()).value();
        std::optional<std::uint64_t> expected;
        while (auto const m = in.peek(deadline::never())) {
            std::string_view const text(reinterpret_cast<char const*>(m->data()), m->size());
            auto const n = support::origin_of(text).sequence;
            page->wrong += text == support::make_text(n) && (expected ? n == *expected : n <= page->done) ? 0 : 1;
            page->other[0] += n < page->done ? 1 : 0;  // once more
            expected = n + 1;
            page->done = std::max<std::uint64_t>(page->done, *expected);
            in.release();  // not before: it may acknowledge at once
        }
        return in.ended() == end_reason::left ? 0 : 1;
    }

    // Returns how many were killed; page->other tells how many messages were seen more than once.
    std::uint64_t kill_receivers(endpoint const& where)
    {
        std::uint64_t const count = 30'000;
        auto const consuming = [&] { return consume(where); };
        child consumer(consuming);
        child producer([&] {
            acked::options how;
            how.capacity = 100'000;
            how.linger = 60s;
            sender<std::string, acked> out(where, how);
            for (std::uint64_t i = 0; i != count; ++i)
                out.send(support::make_text(i));
            return out.close() ? 0 : 1;
        });
        std::uint64_t kills = 0;
        for (std::uint64_t at = 500; at < count - 2'000; at += 500 + support::mixed(at) % 1000) {
            notes::await(page->done, at);
            std::this_thread::sleep_for(std::chrono::microseconds(support::mixed(at + 1) % 300));  // a random instruction
            consumer.kill();
            ++kills;
            consumer = child(consuming);
        }
        BOOST_TEST(consumer.wait() == 0);
        BOOST_TEST(producer.wait() == 0);
        BOOST_TEST(page->wrong == 0U);
        BOOST_TEST(page->done == count);
        BOOST_TEST_MESSAGE(kills << " receivers killed, " << page->other[0] << " messages of " << count << " seen once more");
        return kills;
    }
};

std::string free_address()
{
    detail::inet_address at = detail::inet_address::loopback(AF_INET, 0);
    detail::descriptor const s(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::bind(s.get(), at.get(), at.size);
    return "127.0.0.1:" + std::to_string(detail::inet_address::of(s.get()).port());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(acknowledged_deaths, fixture)

BOOST_AUTO_TEST_CASE(receivers_that_are_killed_lose_and_double_nothing_by_a_name)
{
    std::uint64_t const kills = kill_receivers(name);
    BOOST_TEST(page->other[0] <= kills);  // the message in the hands of each
    BOOST_TEST(support::leftovers().empty());
}

BOOST_AUTO_TEST_CASE(receivers_that_are_killed_lose_nothing_by_an_address)
{
    kill_receivers(free_address());
}

BOOST_AUTO_TEST_CASE(what_was_acknowledged_has_arrived_when_its_sender_is_killed)
{
    for (int round = 0; round != support::rounds(20); ++round) {
        page->done = page->proceed = 0;
        receiver<std::string, acked> in(name);
        child producer([&] {
            sender<std::string, acked> out(name);
            for (std::uint64_t i = 0;; ++i) {
                out.send(support::make_text(i));
                if (i % 10 == 9) {
                    out.flush();
                    page->done = i + 1;
                }
            }
        });
        auto const moment = support::mixed(static_cast<std::uint64_t>(round) + 5) % 400;
        std::thread killing([&] {
            notes::await(page->done, 10 + moment);
            producer.signal(SIGKILL);
        });
        std::uint64_t n = 0;
        bool right = true;
        while (auto const m = in.receive())
            right = *m == support::make_text(n++) && right;
        killing.join();
        producer.wait();
        BOOST_TEST(right);
        BOOST_TEST(n >= page->done);
        BOOST_TEST((in.end_reason() == end_reason::died));
        // Started again it is another sender.
        page->stage = 0;
        child next([&] {
            sender<std::string, acked> out(name);
            page->stage = 1;
            out.send(support::make_text(0, 1));
            return out.close() ? 0 : 1;
        });
        notes::await(page->stage, 1);
        BOOST_TEST((in.receive() == support::make_text(0, 1)));
        BOOST_TEST(!in.receive());
        BOOST_TEST((in.end_reason() == end_reason::left));
        BOOST_TEST(next.wait() == 0);
    }
}

BOOST_AUTO_TEST_CASE(by_an_address_a_dead_sender_is_waited_for_as_long_as_is_said)
{
    acked::options how;
    how.reconnect_within = 200ms;
    auto in = text_end::open("127.0.0.1:0", how, "test").value();
    auto const where = "127.0.0.1:" + std::to_string(in.port());
    child producer([&] {
        sender<std::string, acked> out(where);
        out.send("last words");
        page->stage = 1;
        ::pause();
    });
    BOOST_TEST(in.peek(deadline::never()).has_value());
    in.release();
    notes::await(page->stage, 1);
    producer.kill();
    BOOST_TEST((in.peek(deadline::after(50ms)).error() == errc::timed_out));
    BOOST_TEST((in.peek(deadline::never()).error() == errc::closed));
    BOOST_TEST((in.ended() == end_reason::died));
}

BOOST_AUTO_TEST_CASE(a_receiver_that_closes_has_acknowledged_what_it_took)
{
    std::optional<receiver<std::string, acked>> in(std::in_place, name);
    sender<std::string, acked> out(name);
    for (std::uint64_t i = 0; i != 10; ++i)
        out.send(support::make_text(i));
    for (std::uint64_t i = 0; i != 4; ++i)
        BOOST_TEST((in->receive() == support::make_text(i)));
    in.reset();
    out.send(support::make_text(10));  // kept
    in.emplace(name);
    std::thread flushing([&] { out.flush(); });
    for (std::uint64_t i = 4; i != 11; ++i)
        BOOST_TEST((in->receive() == support::make_text(i)));
    BOOST_TEST(!in->receive_for(20ms));
    flushing.join();
    std::thread closing([&] { BOOST_TEST_REQUIRE(!!out.close()); });
    BOOST_TEST(!in->receive());
    closing.join();
    BOOST_TEST((in->end_reason() == end_reason::left));
}

// Nobody reads its end meanwhile: this thread does, later.
BOOST_AUTO_TEST_CASE(by_a_name_a_sender_leaves_when_all_is_taken)
{
    acked::options how;
    how.linger = std::chrono::hours(1);
    receiver<std::string, acked> in(name);
    sender<std::string, acked> out(name, how);
    out.send(support::make_text(0));
    BOOST_TEST((in.receive() == support::make_text(0)));
    BOOST_TEST(!!out.close());
    BOOST_TEST(out.stats().dropped == 0U);
    BOOST_TEST(!in.receive());
    BOOST_TEST((in.end_reason() == end_reason::left));
}

BOOST_AUTO_TEST_CASE(without_a_receiver_for_long_a_sender_says_so_and_keeps_what_it_has)
{
    acked::options how;
    how.connect_timeout = 50ms;
    std::optional<receiver<std::string, acked>> in(std::in_place, name);
    sender<std::string, acked> out(name, how);
    out.send("one");
    BOOST_TEST((in->receive() == "one"));
    in.reset();
    error_code told;
    while (!told)
        if (auto const r = out.flush_for(60s); !r)
            told = r.error();
        else
            out.send("two");
    BOOST_TEST((told == errc::no_receiver));
    in.emplace(name);
    std::thread flushing([&] {
        while (!out.flush_for(60s)) {
        }
    });
    BOOST_TEST((in->receive() == "two"));
    while (in->receive_for(20ms)) {
    }
    flushing.join();
}

BOOST_AUTO_TEST_CASE(a_sender_whose_receiver_has_left_closes_soon)
{
    acked::options how;
    how.linger = 1h;
    {
        std::optional<receiver<std::string, acked>> in(std::in_place, name);
        sender<std::string, acked> out(name, how);
        out.send("one");
        BOOST_TEST((in->receive() == "one"));
        BOOST_TEST(!in->receive_for(1ms));
        in.reset();
        BOOST_TEST(!!out.close());
    }
    auto in = std::make_optional(text_end::open("127.0.0.1:0", {}, "test").value());
    sender<std::string, acked> out("127.0.0.1:" + std::to_string(in->port()), how);
    out.send("one");
    BOOST_TEST(in->peek(deadline::never()).has_value());
    in->release();
    in.reset();
    BOOST_TEST(!!out.close());
}

BOOST_AUTO_TEST_CASE(nothing_of_a_session_is_done_in_a_child)
{
    receiver<std::string, acked> in(name);
    sender<std::string, acked> out(name);
    out.send("one");
    child other([&] {
        bool const poisoned = out.try_send("two").error() == errc::inherited_handle &&
                              out.flush_for(1ms).error() == errc::inherited_handle &&
                              in.try_receive().error() == errc::inherited_handle;
        return poisoned && out.close() && in.close() ? 0 : 1;
    });
    BOOST_TEST(other.wait() == 0);
    BOOST_TEST((in.receive() == "one"));
    std::thread closing([&] { (void)out.close(); });
    BOOST_TEST(!in.receive());
    closing.join();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acknowledged_deaths
