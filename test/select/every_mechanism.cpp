// Distributed under the Boost Software License, Version 1.0.

#include <strait/channel.hpp>
#include <strait/transport/in_process.hpp>

#include <csignal>
#include <thread>
#include <vector>

#include <conformance/fixture.hpp>
#include <select/over.hpp>
#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/standard_descriptors.hpp>
#include <sys/eventfd.h>
#include <sys/resource.h>

namespace select_every_mechanism {

namespace {

using namespace std::chrono_literals;
using conformance::clean_host;
using conformance::receiver;
using conformance::sender;
using strait::deadline;
using strait::errc;
using support::make_probe;
using support::notes;

using message = std::uint64_t;

// Sleeps of this thread, by its own will.
long sleeps()
{
    ::rusage u{};
    ::getrusage(RUSAGE_THREAD, &u);
    return u.ru_nvcsw;
}

// The inotify instance of this thread stays: it is there before descriptors are counted.
void sleep_once()
{
    auto [out, in] = strait::channel<message, strait::in_process>::make_pair().split();
    BOOST_TEST((strait::select(deadline::after(1ms), in).error() == errc::timed_out));
    (void)out;
}

struct prepared {
    prepared() { sleep_once(); }
};

struct host : prepared, clean_host {};

}  // namespace

CONFORMANCE_CASE_ON(host, a_removed_channel_wakes_who_waits, x, conformance::removable)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    out.send(make_probe(0));
    BOOST_TEST((in.receive() == make_probe(0)));
    std::thread taking([&] { conformance::take_away(x, where); });
    auto const chosen = selecting::over(x, deadline::never(), in);
    taking.join();
    BOOST_TEST_REQUIRE(chosen.has_value());
    BOOST_TEST((chosen->error == errc::removed));
}

CONFORMANCE_CASE_ON(host, a_message_wakes_who_waits_and_is_still_there, x, conformance::any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    out.send(make_probe(0));
    BOOST_TEST((in.receive() == make_probe(0)));  // connected
    BOOST_TEST((selecting::over(x, deadline::poll(), in).error() == errc::empty));
    for (message i = 1; i != 20; ++i) {
        auto const before = sleeps();
        std::thread sending([&] {
            while (i % 2 != 0 && in.stats().waits == 0 &&
                   strait::deadline::now() % 64 != 0)  // sometimes before we sleep
                std::this_thread::yield();
            out.send(make_probe(i));
        });
        auto const chosen = selecting::over(x, deadline::never(), in);
        sending.join();
        BOOST_TEST_REQUIRE(chosen.has_value());
        BOOST_TEST(chosen->index == 0U);
        BOOST_TEST(!chosen->error);
        BOOST_TEST(sleeps() >= before);
        BOOST_TEST((in.try_receive().value() == make_probe(i)));
    }
    out.close().value();
    auto const over = selecting::over(x, deadline::never(), in);
    BOOST_TEST_REQUIRE(over.has_value());
    BOOST_TEST((over->error == errc::closed));
    BOOST_TEST(!in.receive());
    BOOST_TEST(in.end_reason() == strait::end_reason::left);
}

CONFORMANCE_CASE_ON(host, many_messages_of_a_process_wake_who_sleeps_between_them, x, conformance::reliable_named)
{
    if (x.between_processes) {
            auto const where = x.where();
        receiver in{x, where};
        support::child producer([&] {
            sender out{x, where};
            for (message i = 0; i != 2000; ++i) {
                if (i % 64 == 0)
                    std::this_thread::sleep_for(
                        std::chrono::microseconds(support::mixed(i) % 300));  // no synchronisation
                out.send(make_probe(i));
            }
        });
        strait::selector all;
        auto const key = selecting::add(x, all, in);
        message next = 0;
        for (;;) {
            auto const chosen = all.wait();
            BOOST_TEST_REQUIRE(chosen.has_value());
            BOOST_TEST_REQUIRE(chosen->index == key);
            if (chosen->error == errc::closed)
                break;
            BOOST_TEST_REQUIRE(!chosen->error);
            for (auto m = in.try_receive(); m; m = in.try_receive())
                BOOST_TEST_REQUIRE((*m == make_probe(next++)));
        }
        BOOST_TEST(next == 2000U);
        BOOST_TEST(producer.wait() == 0);
        BOOST_TEST(in.end_reason() == strait::end_reason::left);
    }
}

CONFORMANCE_CASE_ON(host, a_killed_sender_wakes_who_waits, x, conformance::any_named)
{
    if (x.between_processes && x.guarantees.detects_death) {
            for (int round = 0; round != 3; ++round) {
            support::shared_page page;
            auto const where = x.where();
            receiver in{x, where};
            support::child producer([&] {
                sender out{x, where};
                out.send(make_probe(7));
                page->stage = 1;
                ::pause();
            });
            BOOST_TEST((in.receive() == make_probe(7)));
            notes::await(page->stage, 1);
            std::thread killing([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(10 * round));  // most likely asleep
                producer.signal(SIGKILL);
            });
            auto const chosen = selecting::over(x, deadline::never(), in);
            killing.join();
            BOOST_TEST_REQUIRE(chosen.has_value());
            BOOST_TEST((chosen->error == errc::closed));
            BOOST_TEST(!in.receive());
            BOOST_TEST(in.end_reason() == strait::end_reason::died);
        }
    }
}

CONFORMANCE_CASE_ON(host, a_selector_of_many_sees_messages_the_end_and_deaths, x, conformance::any_named)
{
    strait::selector all;
    std::vector<strait::detail::descriptor> idle;  // so many that it asks epoll
    for (int i = 0; i != 20; ++i) {
        idle.emplace_back(::eventfd(0, EFD_CLOEXEC));
        all.add(strait::plain_descriptor{idle.back().get()});
    }
    auto const where = x.where();
    receiver in{x, where};
    auto const key = selecting::add(x, all, in);
    auto const is_named = [&] {
        auto const chosen = all.wait();
        BOOST_TEST_REQUIRE(chosen.has_value());
        BOOST_TEST_REQUIRE(chosen->index == key);
        return chosen->error;
    };
    BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
    {
        sender out{x, where};
        for (message i = 0; i != 10; ++i) {
            std::thread sending([&] {
                std::this_thread::sleep_for(std::chrono::microseconds(200 * (i % 3)));  // no synchronisation
                out.send(make_probe(i));
            });
            BOOST_TEST(!is_named());
            sending.join();
            BOOST_TEST((in.try_receive().value() == make_probe(i)));
        }
        if (x.guarantees.bounded) {
            for (message i = 0; i != 3; ++i)
                out.send(make_probe(i));
            for (message i = 0; i != 3; ++i) {
                BOOST_TEST(!is_named());
                BOOST_TEST((in.try_receive().value() == make_probe(i)));
            }
        }
        BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
    }
    BOOST_TEST((is_named() == errc::closed));
    BOOST_TEST(!in.receive());
    if (x.between_processes && x.guarantees.detects_death) {
        support::shared_page page;
        support::child producer([&] {
            sender out{x, where};
            out.send(make_probe(7));
            page->stage = 1;
            ::pause();
        });
        notes::await(page->stage, 1);
        while (is_named() == errc::closed) {}  // of the stream before
        BOOST_TEST((in.try_receive().value() == make_probe(7)));
        BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
        std::thread killing([&] { producer.signal(SIGKILL); });
        BOOST_TEST((is_named() == errc::closed));
        killing.join();
        BOOST_TEST(!in.receive());
        BOOST_TEST(in.end_reason() == strait::end_reason::died);
    }
}

CONFORMANCE_CASE_ON(host, whoever_waits_for_idle_channels_sleeps_through, x, conformance::any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    out.send(make_probe(0));
    BOOST_TEST((in.receive() == make_probe(0)));
    (void)selecting::over(x, deadline::after(100ms), in);  // what joining has stirred up is over
    auto const before = sleeps();
    BOOST_TEST((selecting::over(x, deadline::after(600ms), in).error() == errc::timed_out));
    BOOST_TEST(sleeps() - before <= 3);  // slices would be a dozen
}

CONFORMANCE_CASE_ON(host, a_sender_that_comes_later_wakes_who_waits, x, conformance::any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    std::thread sending([&] {
        std::this_thread::sleep_for(5ms);  // most likely asleep
        sender out{x, where};
        out.send(make_probe(1));
    });
    auto const chosen = selecting::over(x, deadline::never(), in);
    BOOST_TEST_REQUIRE(chosen.has_value());
    BOOST_TEST(!chosen->error);
    BOOST_TEST((in.receive() == make_probe(1)));
    sending.join();
}

CONFORMANCE_CASE(waiting_uses_no_standard_descriptor_that_was_closed, x, conformance::any_named)
{
    BOOST_TEST(support::with_standard_descriptors_closed([&] {
        auto const where = x.where();
        receiver in{x, where};
        sender out{x, where};
        out.send(make_probe(0));
        int result = 0;
        std::thread waiting_first([&] {  // with an inotify instance of its own
            auto [s, r] = strait::channel<message, strait::in_process>::make_pair().split();
            result = strait::select(deadline::after(1ms), r).error() == errc::timed_out ? 0 : 1;
            if (!support::standard_descriptors_are_closed())
                result = 2;
        });
        waiting_first.join();
        if (selecting::over(x, deadline::never(), in).has_error() || in.receive() != make_probe(0))
            return 3;
        return support::standard_descriptors_are_closed() ? result : 4;
    }) == 0);
}

}  // namespace select_every_mechanism
