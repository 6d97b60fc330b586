// Distributed under the Boost Software License, Version 1.0.

#include <strait/select.hpp>

#include <thread>

#include <conformance/fixture.hpp>
#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <sys/resource.h>

namespace {

using namespace std::chrono_literals;
using conformance::clean_host;
using strait::deadline;
using strait::errc;
using support::notes;

using message = std::uint64_t;

template <class S>
using sender_of = strait::sender<message, typename S::transport>;
template <class S>
using receiver_of = strait::receiver<message, typename S::transport>;

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

BOOST_AUTO_TEST_CASE_TEMPLATE(a_message_wakes_who_waits_and_is_still_there, S, conformance::word_subjects)
{
    host const h;
    auto const where = S::where();
    receiver_of<S> in{where};
    sender_of<S> out{where};
    out.send(0);
    BOOST_TEST((in.receive() == message{0}));  // connected
    BOOST_TEST((strait::select(deadline::poll(), in).error() == errc::empty));
    for (message i = 1; i != 20; ++i) {
        auto const before = sleeps();
        std::thread sending([&] {
            while (i % 2 != 0 && in.stats().waits == 0 &&
                   strait::deadline::now() % 64 != 0)  // sometimes before we sleep
                std::this_thread::yield();
            out.send(i);
        });
        auto const chosen = strait::select(deadline::never(), in);
        sending.join();
        BOOST_TEST_REQUIRE(chosen.has_value());
        BOOST_TEST(chosen->index == 0U);
        BOOST_TEST(!chosen->error);
        BOOST_TEST(sleeps() >= before);
        BOOST_TEST((in.try_receive().value() == i));
    }
    out.close().value();
    auto const over = strait::select(deadline::never(), in);
    BOOST_TEST_REQUIRE(over.has_value());
    BOOST_TEST((over->error == errc::closed));
    BOOST_TEST(!in.receive());
    BOOST_TEST(in.end_reason() == strait::end_reason::left);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(many_messages_of_a_process_wake_who_sleeps_between_them, S,
                              conformance::reliable_word_subjects)
{
    if constexpr (conformance::between_processes<S>) {
        host const h;
        auto const where = S::where();
        receiver_of<S> in{where};
        support::child producer([&] {
            sender_of<S> out{where};
            for (message i = 0; i != 2000; ++i) {
                if (i % 64 == 0)
                    std::this_thread::sleep_for(
                        std::chrono::microseconds(support::mixed(i) % 300));  // no synchronisation
                out.send(i);
            }
        });
        strait::selector all;
        auto const key = all.add(in);
        message next = 0;
        for (;;) {
            auto const chosen = all.wait();
            BOOST_TEST_REQUIRE(chosen.has_value());
            BOOST_TEST_REQUIRE(chosen->index == key);
            if (chosen->error == errc::closed)
                break;
            BOOST_TEST_REQUIRE(!chosen->error);
            for (auto m = in.try_receive(); m; m = in.try_receive())
                BOOST_TEST_REQUIRE(*m == next++);
        }
        BOOST_TEST(next == 2000U);
        BOOST_TEST(producer.wait() == 0);
        BOOST_TEST(in.end_reason() == strait::end_reason::left);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_killed_sender_wakes_who_waits, S, conformance::word_subjects)
{
    if constexpr (conformance::between_processes<S> && conformance::guarantees_of<S>.detects_death) {
        host const h;
        for (int round = 0; round != 3; ++round) {
            support::shared_page page;
            auto const where = S::where();
            receiver_of<S> in{where};
            support::child producer([&] {
                sender_of<S> out{where};
                out.send(7);
                page->stage = 1;
                ::pause();
            });
            BOOST_TEST((in.receive() == message{7}));
            notes::await(page->stage, 1);
            std::thread killing([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(10 * round));  // most likely asleep
                producer.signal(SIGKILL);
            });
            auto const chosen = strait::select(deadline::never(), in);
            killing.join();
            BOOST_TEST_REQUIRE(chosen.has_value());
            BOOST_TEST((chosen->error == errc::closed));
            BOOST_TEST(!in.receive());
            BOOST_TEST(in.end_reason() == strait::end_reason::died);
        }
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(whoever_waits_for_idle_channels_sleeps_through, S, conformance::word_subjects)
{
    host const h;
    auto const where = S::where();
    receiver_of<S> in{where};
    sender_of<S> out{where};
    out.send(0);
    BOOST_TEST((in.receive() == message{0}));
    (void)strait::select(deadline::after(100ms), in);  // what joining has stirred up is over
    auto const before = sleeps();
    BOOST_TEST((strait::select(deadline::after(600ms), in).error() == errc::timed_out));
    BOOST_TEST(sleeps() - before <= 3);  // slices would be a dozen
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_sender_that_comes_later_wakes_who_waits, S, conformance::word_subjects)
{
    host const h;
    auto const where = S::where();
    receiver_of<S> in{where};
    std::thread sending([&] {
        std::this_thread::sleep_for(5ms);  // most likely asleep
        sender_of<S> out{where};
        out.send(1);
    });
    auto const chosen = strait::select(deadline::never(), in);
    BOOST_TEST_REQUIRE(chosen.has_value());
    BOOST_TEST(!chosen->error);
    BOOST_TEST((in.receive() == message{1}));
    sending.join();
}
