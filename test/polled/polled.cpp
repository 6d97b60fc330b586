// Distributed under the Boost Software License, Version 1.0.
#include <support/child.hpp>
#include <support/names.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <strait/channel.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/polled.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/sysv_mqueue.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/unix_datagram.hpp>
#include <strait/transport/unix_seqpacket.hpp>
#include <strait/transport/unix_stream.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <tuple>

#include <sys/resource.h>

namespace {

using namespace std::chrono_literals;
using strait::errc;

using mechanisms = std::tuple<strait::named_pipe, strait::posix_mqueue, strait::sysv_mqueue, strait::unix_stream,
                              strait::unix_seqpacket, strait::unix_datagram, strait::tcp>;

// How often this thread has gone to sleep by itself.
long times_asleep()
{
    ::rusage used{};
    ::getrusage(RUSAGE_THREAD, &used);
    return used.ru_nvcsw;
}

long sleeps_of_twenty_waits(auto& in)
{
    auto const before = times_asleep();
    for (int i = 0; i != 20; ++i)
        BOOST_TEST((in.receive_for(10ms).error() == errc::timed_out));
    return times_asleep() - before;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(polled_, support::watchdog)

TYPED_CASE(a_receiver_that_polls_does_not_sleep, X, mechanisms)
{
    auto const name = support::unique_name();
    strait::sender<std::uint64_t, X> out{name};
    strait::receiver<std::uint64_t, strait::polled<X>> in{name};
    out.send(7);
    BOOST_TEST(in.receive().value() == 7U);
    auto const polling = sleeps_of_twenty_waits(in);
    (void)in.close();
    (void)out.close();

    strait::sender<std::uint64_t, X> again{name};
    strait::receiver<std::uint64_t, X> sleeper{name};
    again.send(7);
    BOOST_TEST(sleeper.receive().value() == 7U);
    BOOST_TEST(sleeps_of_twenty_waits(sleeper) >= 20);
    BOOST_TEST(polling < 10);  // the pages of a busy machine may make it wait for something else
}

TYPED_CASE(batches_and_the_end_come_as_without_polling, X, mechanisms)
{
    using policy = strait::polled<X, strait::yielding>;
    auto const name = support::unique_name();
    strait::receiver<std::uint64_t, policy> in{name};
    std::array<std::uint64_t, 8> const sent{1, 2, 3, 4, 5, 6, 7, 8};
    support::child producer([&] {
        strait::sender<std::uint64_t, policy> out{name};
        out.send_batch(sent);
        return 0;
    });
    std::array<std::uint64_t, 16> got{};
    std::size_t n = 0;
    while (std::size_t const more = in.receive_batch(std::span(got).subspan(n)))
        n += more;
    BOOST_TEST(n == sent.size());
    BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.begin() + 8, sent.begin(), sent.end());
    BOOST_TEST((in.end_reason() == strait::end_reason::left));
    BOOST_TEST(producer.wait() == 0);
}

TYPED_CASE(a_death_is_noticed_without_sleeping, X, mechanisms)
{
    auto const name = support::unique_name();
    strait::receiver<std::uint64_t, strait::polled<X>> in{name};
    support::child victim([&] {
        strait::sender<std::uint64_t, X> out{name};
        out.send(1);
        return ::raise(SIGKILL);
    });
    BOOST_TEST(in.receive().value() == 1U);
    BOOST_TEST(!in.receive());
    BOOST_TEST((in.end_reason() == strait::end_reason::died));
    victim.wait();
}

BOOST_AUTO_TEST_CASE(a_pair_polls_too)
{
    auto [out, in] = strait::channel<std::uint64_t, strait::polled<strait::unix_stream>>::make_pair().split();
    out.send(3);
    BOOST_TEST(in.receive().value() == 3U);
    BOOST_TEST((in.try_receive().error() == errc::empty));
}

BOOST_AUTO_TEST_SUITE_END()
