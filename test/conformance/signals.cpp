// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>
#include <support/child.hpp>
#include <support/shared_page.hpp>

#include <csignal>
#include <cstring>

#include <pthread.h>

namespace conformance {
namespace {

using support::child;
using support::notes;
using support::shared_page;

// A sender whose receivers die under its hands, in every way that a broken pipe can be met.
int outlive_receivers(subject const& x)
{
    for (int round = 0; round != 3; ++round) {
        auto const where = x.where();
        shared_page page;
        auto brief = x.options;
        brief.linger = 100ms;
        brief.capacity = 4;  // a sender that learns nothing from its kernel learns it when the channel is full
        child consumer([&] {
            receiver in{x, where, brief};
            in.receive();
            page->stage = 1;
            ::pause();
        });
        sender out{x, where, brief};
        out.send(make_probe(0));
        notes::await(page->stage, 1);
        (void)out.try_send(make_probe(1));
        consumer.kill();
        strait::error_code told;
        for (std::uint64_t i = 0; i != 100 && !told; ++i)
            told = code(out.send_for(make_probe(2), 1ms));
        if (!x.retains_for_the_next() && told != errc::no_receiver)
            return 1;
        (void)out.try_send(make_probe(3));
        (void)out.try_send_batch(std::vector<probe>{make_probe(4), make_probe(5)});
        (void)hand_over(x, out);
        (void)out.close();
        (void)x.probes.remove(where);
    }
    return 0;
}

volatile std::sig_atomic_t signals_seen = 0;

}  // namespace

BOOST_AUTO_TEST_SUITE(signals)

CONFORMANCE_CASE(no_signal_kills_a_sender_whose_receiver_dies, x, reliable_named)
{
    if (x.between_processes) {
        child sending([&] {
            ::signal(SIGPIPE, SIG_DFL);
            return outlive_receivers(x);
        });
        BOOST_CHECK_EQUAL(sending.wait(), 0);
    }
}

CONFORMANCE_CASE(no_signal_is_seen_and_no_handler_is_changed, x, reliable)
{
    if (x.between_processes) {
        child sending([&] {
            struct sigaction counting = {};
            counting.sa_handler = [](int) { signals_seen = signals_seen + 1; };
            for (int s = 1; s <= SIGRTMAX; ++s)
                if (s != SIGCHLD && s != SIGALRM)  // those are this test's
                    ::sigaction(s, &counting, nullptr);
            sigset_t before;
            ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
            if (int const failed = outlive_receivers(x))
                return failed;
            if (signals_seen != 0)
                return 2;
            for (int s = 1; s <= SIGRTMAX; ++s) {
                struct sigaction now = {};
                if (s != SIGCHLD && s != SIGALRM && s != SIGKILL && s != SIGSTOP && ::sigaction(s, nullptr, &now) == 0 &&
                    now.sa_handler != counting.sa_handler)
                    return 3;
            }
            sigset_t after;
            ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
            for (int s = 1; s <= SIGRTMAX; ++s)
                if (::sigismember(&before, s) != ::sigismember(&after, s))
                    return 4;
            sigset_t pending;
            ::sigpending(&pending);
            return ::sigismember(&pending, SIGPIPE) ? 5 : 0;
        });
        BOOST_CHECK_EQUAL(sending.wait(), 0);
    }
}

CONFORMANCE_CASE(a_handler_of_the_application_interrupts_nothing, x, any_named)
{
    if (x.between_processes) {
        auto const where = x.where();
        shared_page page;
        child interrupted([&] {
            struct sigaction counting = {};
            counting.sa_handler = [](int) { signals_seen = signals_seen + 1; };
            ::sigaction(SIGUSR1, &counting, nullptr);  // without SA_RESTART
            receiver in{x, where};
            page->stage = 1;
            std::uint64_t n = 0;
            while (auto const m = in.receive())
                if (*m != make_probe(n++))
                    return 1;
            return n == 30 && signals_seen != 0 ? 0 : 2;
        });
        notes::await(page->stage, 1);
        sender out{x, where};
        for (std::uint64_t i = 0; i != 30; ++i) {
            interrupted.signal(SIGUSR1);
            out.send(make_probe(i));
            interrupted.signal(SIGUSR1);
        }
        BOOST_CHECK(out.close());
        BOOST_CHECK_EQUAL(interrupted.wait(), 0);
    }
}

CONFORMANCE_CASE(no_thread_is_started, x, any_named)
{
    auto const before = support::running_threads();
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    BOOST_CHECK_EQUAL(support::running_threads(), before);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
