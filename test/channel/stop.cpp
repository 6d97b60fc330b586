// Distributed under the Boost Software License, Version 1.0.
// What a stop token does to an end that waits, over each mechanism.

#include <strait/channel.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <conformance/transports.hpp>
#include <support/code.hpp>
#include <support/messages.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

namespace {

using namespace std::chrono_literals;
using strait::deadline;
using strait::errc;
using support::code;

using message = std::uint64_t;

template <class S>
using sender_of = strait::sender<message, typename S::transport>;
template <class S>
using receiver_of = strait::receiver<message, typename S::transport>;
template <class S>
using options_of = typename S::transport::options;

template <class S>
options_of<S> small()
{
    options_of<S> o;
    o.capacity = 4;
    return o;
}

// How often this thread has gone to sleep by its own will.
long sleeps()
{
    ::rusage u{};
    ::getrusage(RUSAGE_THREAD, &u);
    return u.ru_nvcsw;
}

template <class S>
void connect(sender_of<S>& out, receiver_of<S>& in)
{
    out.send(0);
    BOOST_TEST_REQUIRE((in.receive() == message{0}));
}

// Sends numbers from `next` on until there is no room. Returns the first that was not sent.
template <class S>
message fill(sender_of<S>& out, message next)
{
    for (; out.try_send(next) || out.send_for(next, 20ms); ++next) {}  // a kernel may still move bytes on and make room
    return next;
}

// An amount of work that differs from one round to the next.
void dawdle(std::uint64_t round)
{
    for (std::uint64_t i = support::mixed(round) % 20'000; i != 0; --i)
        std::atomic_signal_fence(std::memory_order_seq_cst);
}

struct own_token {
    std::atomic<bool> const* stopped;
    bool stop_requested() const noexcept { return *stopped; }
};

struct fixture {
    support::watchdog watch;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(stop, fixture)

BOOST_AUTO_TEST_CASE_TEMPLATE(an_idle_receiver_sleeps_until_the_stop, S, conformance::word_subjects)
{
    auto const where = S::where();
    receiver_of<S> in{where};
    sender_of<S> out{where};
    connect<S>(out, in);
    std::stop_source source;
    std::thread stopping([&] {
        std::this_thread::sleep_for(400ms);  // so long nothing wakes it; polling every 50 ms would be seen
        source.request_stop();
    });
    auto const before = sleeps();
    auto const got = in.receive(source.get_token());
    auto const slept = sleeps() - before;
    stopping.join();
    BOOST_TEST(!got);
    BOOST_TEST(slept <= 3);
    connect<S>(out, in);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_stop_wakes_a_sender_that_waits_for_room, S, conformance::bounded_word_subjects)
{
    auto const where = S::where();
    receiver_of<S> in{where, small<S>()};
    sender_of<S> out{where, small<S>()};
    connect<S>(out, in);
    message next = fill<S>(out, 1);
    std::stop_source source;
    std::thread stopping([&] {
        std::this_thread::sleep_for(30ms);  // mostly it sleeps by then
        source.request_stop();
    });
    while (out.send(next, source.get_token()))
        ++next;
    stopping.join();
    BOOST_TEST(!out.send(next, source.get_token()));
    for (message i = 1; i != next; ++i)
        BOOST_TEST_REQUIRE((in.receive() == i));  // and what was refused was not sent
    BOOST_TEST((code(in.try_receive()) == errc::empty));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_stop_that_was_requested_takes_nothing, S, conformance::word_subjects)
{
    auto const where = S::where();
    receiver_of<S> in{where};
    sender_of<S> out{where};
    connect<S>(out, in);
    out.send(1);
    std::stop_source source;
    source.request_stop();
    std::vector<message> batch(2);
    message into = 7;
    BOOST_TEST(!in.receive(source.get_token()));
    BOOST_TEST(!in.receive(into, source.get_token()));
    BOOST_TEST(in.receive_batch(batch, source.get_token()) == 0U);
    BOOST_TEST(!in.borrow(source.get_token()));
    BOOST_TEST(!out.send(2, source.get_token()));
    BOOST_TEST(out.send_batch(batch, source.get_token()) == 0U);
    BOOST_TEST(!out.claim(source.get_token()));
    BOOST_TEST((in.receive(std::stop_token()) == message{1}));
    BOOST_TEST((code(in.try_receive()) == errc::empty));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stops_at_any_moment_lose_no_message, S, conformance::reliable_word_subjects)
{
    constexpr message count = 300;
    auto const where = S::where();
    receiver_of<S> in{where, small<S>()};
    sender_of<S> out{where, small<S>()};
    connect<S>(out, in);
    std::thread producing([&] {
        for (message i = 1; i != count;) {
            dawdle(i);
            std::stop_source source;
            std::thread stopping([&] {
                dawdle(i + count);
                source.request_stop();
            });
            i += out.send(i, source.get_token()) ? 1U : 0U;
            stopping.join();
        }
    });
    message next = 1;
    for (std::uint64_t round = 0; next != count; ++round) {
        std::stop_source source;
        std::thread stopping([&] {
            dawdle(round + 2 * count);
            source.request_stop();
        });
        auto const got = in.receive(source.get_token());
        stopping.join();
        if (!got)
            continue;
        BOOST_TEST_REQUIRE(*got == next);
        ++next;
    }
    producing.join();
    BOOST_TEST((code(in.try_receive()) == errc::empty));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_message_and_the_end_wake_who_waits_with_a_token, S, conformance::word_subjects)
{
    auto const where = S::where();
    receiver_of<S> in{where};
    std::optional<sender_of<S>> out{where};
    connect<S>(*out, in);
    std::stop_source source;
    for (message i = 1; i != 10; ++i) {
        std::thread sending([&] {
            if (i % 3 != 0)
                std::this_thread::sleep_for(2ms);  // mostly it sleeps by then
            out->send(i);
        });
        BOOST_TEST((in.receive(source.get_token()) == i));
        sending.join();
    }
    std::thread leaving([&] {
        std::this_thread::sleep_for(2ms);
        out.reset();
    });
    BOOST_TEST(!in.receive(source.get_token()));
    leaving.join();
    BOOST_TEST((in.end_reason() == strait::end_reason::left));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_batch_goes_on_until_the_stop, S, conformance::bounded_word_subjects)
{
    auto const where = S::where();
    receiver_of<S> in{where, small<S>()};
    sender_of<S> out{where, small<S>()};
    connect<S>(out, in);
    std::vector<message> many(100'000);
    for (message i = 0; i != many.size(); ++i)
        many[i] = i + 1;
    std::stop_source source;
    std::thread stopping([&] {
        std::this_thread::sleep_for(30ms);
        source.request_stop();
    });
    std::size_t const sent = out.send_batch(many, source.get_token());
    stopping.join();
    BOOST_TEST(sent != 0U);
    BOOST_TEST(sent < many.size());
    for (message i = 1; i <= sent; ++i)
        BOOST_TEST_REQUIRE((in.receive() == i));
    BOOST_TEST((code(in.try_receive()) == errc::empty));
}

BOOST_AUTO_TEST_CASE(a_token_of_another_library_stops_both_ends)
{
    using X = strait::shm_ring<>;
    auto [out, in] = strait::channel<message, X>::make_pair({.capacity = 4}).split();
    std::atomic<bool> stopped = false;
    std::thread stopping([&] {
        std::this_thread::sleep_for(20ms);
        stopped = true;
    });
    BOOST_TEST(!in.receive(own_token{&stopped}));
    stopping.join();
    stopped = false;
    message next = 0;
    while (out.try_send(next))
        ++next;
    stopping = std::thread([&] {
        std::this_thread::sleep_for(20ms);
        stopped = true;
    });
    BOOST_TEST(!out.send(next, own_token{&stopped}));
    stopping.join();
}

BOOST_AUTO_TEST_CASE(an_end_that_never_sleeps_sees_a_stop)
{
    using X = strait::shm_ring<strait::spsc, strait::yielding>;
    auto [out, in] = strait::channel<message, X>::make_pair({.capacity = 4}).split();
    std::stop_source source;
    std::thread stopping([&] { source.request_stop(); });
    BOOST_TEST(!in.receive(source.get_token()));
    stopping.join();
    out.send(1);
    BOOST_TEST((in.receive(std::stop_token()) == message{1}));
}

BOOST_AUTO_TEST_CASE(a_token_that_cannot_stop_lets_a_receiver_wait)
{
    auto [out, in] = strait::channel<message, strait::shm_ring<>>::make_pair().split();
    std::thread sending([&out = out] {
        std::this_thread::sleep_for(5ms);
        out.send(1);
    });
    BOOST_TEST((in.receive(std::stop_token()) == message{1}));
    sending.join();
}

BOOST_AUTO_TEST_SUITE_END()
