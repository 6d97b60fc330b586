// Distributed under the Boost Software License, Version 1.0.

#include "scenes.hpp"

#include <strait/channel.hpp>
#include <strait/error.hpp>
#include <strait/transport/sealed_memory.hpp>

#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace crash_points_sealed {

namespace {

using namespace std::chrono_literals;
using strait::errc;
using channel = strait::channel<std::uint64_t, strait::sealed_memory>;

constexpr std::uint64_t in_a_ring = 256;  // messages of 16 bytes in 4,096
constexpr std::uint64_t count = 600;

// Waits until this process sleeps in the kernel.
void await_sleep(::pid_t process)
{
    while (!support::is_asleep(process))
        std::this_thread::yield();
}

bool has_ended(support::child const& c)
{
    ::siginfo_t ended{};
    return ::waitid(P_PID, static_cast<::id_t>(c.pid()), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0;
}

// A sender dies: what its send() has returned for arrives, in order, and the stream ends. Another sender is heard.
void kill_a_sender(crash::plan& p, crash::point const* where, std::uint64_t hit)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    std::optional<channel::receiver> in(std::in_place, name);
    ::pid_t const receiver = ::getpid();
    support::child victim([&] {
        p.follow(where, hit);
        channel::sender out{name, {.capacity = 4096}};
        for (std::uint64_t i = 0; i != count; ++i) {
            if (i < 5)
                await_sleep(receiver);  // so that it is to be woken
            out.send(i);
            page->done = i + 1;
        }
        out.close().value();
    });
    std::uint64_t came = 0;
    for (bool over = false;;) {
        if (came == 5)  // the ring fills, and the sender has to wait
            while ((page->done < 5 + in_a_ring || !support::is_asleep(victim.pid())) && !has_ended(victim))
                std::this_thread::yield();
        auto const got = in->receive_for(over ? 1ms : 20ms);
        if (got)
            BOOST_TEST_REQUIRE(*got == came++);
        else if (over)
            break;
        else
            over = has_ended(victim);
    }
    crash::sweep::all().died_of(victim, where);
    BOOST_TEST(came >= page->done);
    BOOST_TEST(came <= page->done + 1);
    channel::sender next{name};
    next.send(1'000'000);
    for (auto got = in->receive(); got != 1'000'000U; got = in->receive())
        BOOST_TEST_REQUIRE(!got.has_value());  // the end of the dead one's stream
    next.close().value();
    in.reset();
    BOOST_TEST(support::files_of(name + ".").empty());
}

// A receiver dies: its sender learns it, and goes on with the next receiver.
void kill_a_receiver(crash::plan& p, crash::point const* where, std::uint64_t hit)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    ::pid_t const sender = ::getpid();
    support::child victim([&] {
        p.follow(where, hit);
        channel::receiver in{name};
        page->stage = 1;
        for (std::uint64_t i = 0; i != count; ++i) {
            if (i == 10)
                await_sleep(sender);  // which waits for room
            if (in.receive() != i)
                return 1;
        }
        return 0;
    });
    while (page->stage == 0 && !has_ended(victim))
        std::this_thread::yield();
    channel::sender out{name, {.capacity = 4096}};
    strait::error_code failed;
    for (std::uint64_t i = 0; i != count && !failed; ++i) {
        if (i == 5) {  // the receiver has to sleep
            while (!has_ended(victim) && out.stats().depth > 5 * 16)
                std::this_thread::yield();
        }
        do {
            auto const sent = out.send_for(i, 100ms);
            failed = sent ? strait::error_code() : sent.error();
        } while ((failed == errc::timed_out || failed == errc::no_receiver) && !has_ended(victim));
    }
    // timed_out: it died before it listened.
    BOOST_TEST((!failed || failed == errc::no_receiver || failed == errc::timed_out), failed.message());
    crash::sweep::all().died_of(victim, where);
    {
        channel::receiver next{name};
        // What was sent before the death was noticed is lost with the receiver.
        strait::error_code e;
        do {
            auto const sent = out.send_for(7, 10s);
            e = sent ? strait::error_code() : sent.error();
        } while (e == errc::no_receiver);
        BOOST_TEST(!e, e.message());
        while (!next.try_receive())
            (void)out.try_send(7);
    }
    BOOST_TEST(support::files_of(name + ".").empty());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_points_sealed, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_sender_of_sealed_memory_that_dies_at_any_point_loses_nothing_that_it_has_sent)
{
    ++crash::sweep::all().subjects;
    crash::kill_at_each_point("sealed_memory: a sender", &kill_a_sender, true);
}

BOOST_AUTO_TEST_CASE(a_receiver_of_sealed_memory_that_dies_at_any_point_holds_up_no_sender)
{
    crash::kill_at_each_point("sealed_memory: a receiver", &kill_a_receiver, true);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_points_sealed
