// Distributed under the Boost Software License, Version 1.0.

#include <strait.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <support/child.hpp>
#include <support/names.hpp>
#include <support/residue.hpp>
#include <support/watchdog.hpp>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace select_several {

namespace {

using namespace std::chrono_literals;
using strait::deadline;
using strait::errc;

template <class T, class X>
using pair_of = std::pair<strait::sender<T, X>, strait::receiver<T, X>>;

}  // namespace

BOOST_AUTO_TEST_CASE(receivers_of_unlike_types_and_mechanisms_are_waited_for_together)
{
    support::watchdog const watch;
    auto [ring_out, ring_in] = strait::channel<int, strait::shm_ring<>>::make_pair().split();
    auto [pipe_out, pipe_in] = strait::channel<std::string, strait::anonymous_pipe>::make_pair().split();
    auto [socket_out, socket_in] = strait::channel<std::vector<double>, strait::unix_stream>::make_pair().split();
    auto [object_out, object_in] = strait::channel<std::unique_ptr<int>, strait::in_process>::make_pair().split();
    auto const which = [&, &a = ring_in, &b = pipe_in, &c = socket_in, &d = object_in] {
        return strait::select(deadline::after(10s), a, b, c, d).value().index;
    };
    ring_out.send(1);
    BOOST_TEST(which() == 0U);
    BOOST_TEST(which() == 0U);  // it was not taken
    BOOST_TEST((ring_in.receive() == 1));
    pipe_out.send("two");
    BOOST_TEST(which() == 1U);
    BOOST_TEST((pipe_in.receive() == "two"));
    socket_out.send({3.0});
    BOOST_TEST(which() == 2U);
    BOOST_TEST(socket_in.receive()->size() == 1U);
    object_out.send(std::make_unique<int>(4));
    BOOST_TEST(which() == 3U);
    BOOST_TEST(**object_in.receive() == 4);
}

BOOST_AUTO_TEST_CASE(a_descriptor_is_waited_for_beside_channels)
{
    support::watchdog const watch;
    auto [out, in] = strait::channel<int, strait::shm_ring<>>::make_pair().split();
    int const timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    ::itimerspec const soon{{}, {0, 5'000'000}};
    ::timerfd_settime(timer, 0, &soon, nullptr);
    BOOST_TEST((strait::select(deadline::poll(), in, strait::plain_descriptor{timer}).error() == errc::empty));
    auto const chosen = strait::select(deadline::never(), in, strait::plain_descriptor{timer});
    BOOST_TEST(chosen.value().index == 1U);
    BOOST_TEST(!chosen.value().error);
    out.send(1);
    auto const both = strait::select(deadline::never(), in, strait::plain_descriptor{timer});
    auto const other = strait::select(deadline::never(), in, strait::plain_descriptor{timer});
    BOOST_TEST(both.value().index + other.value().index == 1U);  // in turns
    BOOST_TEST(strait::select(deadline::never(), strait::plain_descriptor{timer, POLLOUT | POLLIN}).value().index ==
               0U);
    ::close(timer);
    BOOST_TEST((strait::select(deadline::never(), strait::plain_descriptor{timer}).value().error == errc::not_open));
}

BOOST_AUTO_TEST_CASE(everybody_has_his_turn)
{
    support::watchdog const watch;
    using ring = strait::channel<int, strait::shm_ring<>>;
    auto [a_out, a] = ring::make_pair().split();
    auto [b_out, b] = ring::make_pair().split();
    auto [c_out, c] = ring::make_pair().split();
    for (auto* out : {&a_out, &b_out, &c_out})
        for (int i = 0; i != 30; ++i)
            out->send(i);
    std::array<int, 3> taken{};
    std::array const ins{&a, &b, &c};
    strait::selector all;
    for (auto* in : ins)
        all.add(*in);
    for (int i = 0; i != 30; ++i) {
        auto const at = all.wait().value().index;
        BOOST_TEST(ins[at]->try_receive().value() == taken[at]++);
    }
    for (int const n : taken)
        BOOST_TEST(n == 10);
    for (int i = 0; i != 30; ++i) {
        auto const at = strait::select(deadline::never(), a, b, c).value().index;
        BOOST_TEST(ins[at]->try_receive().value() == taken[at]++);
    }
    for (int const n : taken)
        BOOST_TEST(n == 20);
}

BOOST_AUTO_TEST_CASE(a_receiver_that_has_ended_is_named_until_it_is_removed)
{
    support::watchdog const watch;
    using ring = strait::channel<int, strait::shm_ring<>>;
    auto [a_out, a] = ring::make_pair().split();
    auto [b_out, b] = ring::make_pair().split();
    strait::selector all;
    auto const first = all.add(a);
    auto const second = all.add(b);
    BOOST_TEST(all.size() == 2U);
    a_out.close().value();
    for (int i = 0; i != 2; ++i) {
        auto const chosen = all.wait();
        BOOST_TEST(chosen.value().index == first);
        BOOST_TEST((chosen.value().error == errc::closed));
    }
    BOOST_TEST(all.remove(first));
    BOOST_TEST(!all.remove(first));
    BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
    b_out.send(5);
    BOOST_TEST(all.wait().value().index == second);
    BOOST_TEST(all.remove(second));
    BOOST_TEST(all.empty());
    BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
    BOOST_TEST((all.wait(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(what_is_malformed_is_told_once)
{
    support::watchdog const watch;
    auto const where = support::unique_name();
    strait::receiver<std::string, strait::unix_datagram> in{where};
    strait::sender<std::string, strait::unix_datagram> out{where};
    out.send("good");
    BOOST_TEST((in.receive() == "good"));
    // By the sender's own socket, which is connected.
    BOOST_TEST(::write(out.native_handle(), "no frame", 8) == 8);
    BOOST_TEST((strait::select(deadline::never(), in).value().error == errc::malformed_message));
    BOOST_TEST((strait::select(deadline::after(1ms), in).error() == errc::timed_out));
    out.send("good again");
    BOOST_TEST(!strait::select(deadline::never(), in).value().error);
    BOOST_TEST((in.receive() == "good again"));
}

BOOST_AUTO_TEST_CASE(a_child_of_fork_waits_for_channels_of_its_own)
{
    support::watchdog const watch;
    auto [out, in] = strait::channel<int, strait::shm_ring<>>::make_pair().split();
    BOOST_TEST((strait::select(deadline::after(1ms), in).error() == errc::timed_out));
    support::child other([&, &theirs = in] {
        if (strait::select(deadline::never(), theirs).value().error != errc::inherited_handle)
            return 1;
        auto [o, i] = strait::channel<int, strait::shm_ring<>>::make_pair().split();
        std::thread sending([&, &o2 = o] { o2.send(1); });
        bool const chosen = !strait::select(deadline::never(), i).value().error;
        sending.join();
        return chosen ? 0 : 2;
    });
    BOOST_TEST(other.wait() == 0);
    out.send(1);
    BOOST_TEST(!strait::select(deadline::never(), in).value().error);
}

}  // namespace select_several
