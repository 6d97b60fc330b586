// Distributed under the Boost Software License, Version 1.0.
// What select() does when the user has no inotify instance left: channels without a descriptor are looked at now and then.

#include <strait.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <tuple>

#include <support/child.hpp>
#include <support/names.hpp>
#include <support/no_inotify.hpp>
#include <support/shared_page.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>
#include <sys/resource.h>

namespace select_without_inotify {

namespace {

using namespace std::chrono_literals;
using strait::deadline;
using strait::errc;

// Those that are woken by a bell and by nothing else, and one that has a descriptor, of which a death shows by the bell.
using transports = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpsc>, strait::shm_ring<strait::mpmc>,
                              strait::shm_ring<strait::broadcast<strait::lossy>>, strait::sysv_mqueue, strait::posix_mqueue>;

// Sleeps of this thread, by its own will.
long sleeps()
{
    ::rusage u{};
    ::getrusage(RUSAGE_THREAD, &u);
    return u.ru_nvcsw;
}

constexpr int skipped = 77;

template <class Body>
void in_a_child(Body body)
{
    support::watchdog const watch;
    support::other_user const user;
    int const status = support::child([&] {
                           support::no_inotify none;
                           return none.take_all(user) ? body(none) : skipped;
                       }).wait();
    if (status == skipped)
        BOOST_TEST_MESSAGE("SKIPPED: the instances cannot be used up here");
    BOOST_TEST((status == 0 || status == skipped), "status " << status);
}

}  // namespace

TYPED_CASE(messages_the_end_and_deaths_are_seen_without_inotify, X, transports)
{
    in_a_child([](support::no_inotify&) {
        auto const where = support::unique_name();
        strait::receiver<int, X> in{where};
        strait::selector all;
        all.add(in);
        int next = 0;
        {
            strait::sender<int, X> out{where};
            for (; next != 3; ++next) {
                std::thread sending([&] {
                    std::this_thread::sleep_for(2ms);  // most likely asleep
                    out.send(next);
                });
                auto const chosen = next % 2 == 0 ? all.wait() : strait::select(deadline::never(), in);
                sending.join();
                if (!chosen || chosen->error || in.try_receive().value() != next)
                    return 1;
            }
            if (strait::select(deadline::after(70ms), in).error() != errc::timed_out)
                return 2;
        }
        if (all.wait().value().error != errc::closed || in.receive())
            return 3;
        support::shared_page page;
        support::child producer([&] {
            strait::sender<int, X> out{where};
            out.send(5);
            page->stage = 1;
            ::pause();
        });
        support::notes::await(page->stage, 1);  // until then the stream is over
        if (all.wait().value().error || in.receive() != 5)
            return 4;
        std::thread killing([&] {
            std::this_thread::sleep_for(10ms);  // most likely asleep
            producer.signal(SIGKILL);
        });
        auto const over = all.wait();
        killing.join();
        if (!over || over->error != errc::closed || in.receive() || in.end_reason() != strait::end_reason::died)
            return 5;
        return 0;
    });
}

BOOST_AUTO_TEST_CASE(a_plain_descriptor_and_a_deadline_need_no_inotify)
{
    in_a_child([](support::no_inotify&) {
        int ends[2];
        if (::pipe(ends) != 0)
            return 1;
        auto [out, in] = strait::channel<int, strait::shm_ring<>>::make_pair().split();
        auto const nothing = strait::select(deadline::after(1ms), in, strait::plain_descriptor{ends[0]});
        if (nothing.error() != errc::timed_out)
            return 2;
        if (::write(ends[1], "x", 1) != 1)
            return 3;
        return strait::select(deadline::never(), in, strait::plain_descriptor{ends[0]}).value().index == 1 ? 0 : 4;
    });
}

BOOST_AUTO_TEST_CASE(whoever_waits_looks_now_and_then_until_there_is_an_instance)
{
    in_a_child([](support::no_inotify& none) {
        auto [out, in] = strait::channel<int, strait::shm_ring<>>::make_pair().split();
        auto const sleeps_in = [&in = in](auto time) {
            auto const before = sleeps();
            if (strait::select(deadline::after(time), in).error() != errc::timed_out)
                return -1L;
            return sleeps() - before;
        };
        if (sleeps_in(600ms) < 5)
            return 1;
        none.give_back();
        (void)sleeps_in(1ms);
        return sleeps_in(600ms) <= 3 ? 0 : 2;
    });
}

BOOST_AUTO_TEST_CASE(without_descriptors_select_waits_all_the_same)
{
    if (support::sanitized)  // the undefined-behaviour sanitizer needs descriptors of its own, or finds what is not there
        return;
    support::watchdog const watch;
    int const status = support::child([] {
                           auto [out, in] = strait::channel<int, strait::shm_ring<>>::make_pair().split();
                           ::rlimit const few{3, 3};
                           ::setrlimit(RLIMIT_NOFILE, &few);  // there are more, and there will be no other one
                           std::thread sending([&, &to = out] {
                               std::this_thread::sleep_for(2ms);  // most likely asleep
                               to.send(1);
                           });
                           auto const chosen = strait::select(deadline::never(), in);
                           sending.join();
                           return chosen && !chosen->error && in.receive() == 1 ? 0 : 1;
                       }).wait();
    BOOST_TEST(status == 0);
}

}  // namespace select_without_inotify
