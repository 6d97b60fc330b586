// Distributed under the Boost Software License, Version 1.0.
// What a stop token does to an end that waits.

#include <conformance/fixture.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <thread>

#include <sys/resource.h>

namespace conformance {

namespace {

strait::channel_options small(subject const& x)
{
    auto how = x.options;
    how.capacity = 4;
    return how;
}

// How often this thread has gone to sleep by its own will.
long sleeps()
{
    ::rusage u{};
    ::getrusage(RUSAGE_THREAD, &u);
    return u.ru_nvcsw;
}

// An amount of work that differs from one round to the next.
void work_for_a_while(std::uint64_t round)
{
    for (std::uint64_t i = support::mixed(round) % 20'000; i != 0; --i)
        std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stopping)

// Long enough that polling every 50 ms would be seen.
CONFORMANCE_CASE_ON(clean_host_with_stops, an_idle_receiver_sleeps_until_the_stop, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    std::stop_source source;
    std::thread stopping([&] {
        std::this_thread::sleep_for(400ms);
        source.request_stop();
    });
    auto const before = sleeps();
    bool const got = in.receive(source.get_token()).has_value();
    auto const slept = sleeps() - before;
    stopping.join();
    BOOST_CHECK(!got);
    BOOST_CHECK_LE(slept, 3);
    exchange_one(out, in, 1);
}

CONFORMANCE_CASE_ON(clean_host_with_stops, a_stop_wakes_a_sender_that_waits_for_room, x, bounded_named)
{
    auto const where = x.where();
    receiver in{x, where, small(x)};
    sender out{x, where, small(x)};
    exchange_one(out, in);
    std::uint64_t next = fill(out, 1);
    std::stop_source source;
    std::thread stopping([&] {
        std::this_thread::sleep_for(30ms);  // mostly it sleeps by then
        source.request_stop();
    });
    while (out.send(make_probe(next), source.get_token()))
        ++next;
    stopping.join();
    for (std::uint64_t i = 1; i != next; ++i)
        BOOST_REQUIRE(in.receive() == make_probe(i));
    exchange_one(out, in, next + 1);  // the refused message was not sent
}

CONFORMANCE_CASE_ON(clean_host_with_stops, a_stop_that_was_requested_takes_and_sends_nothing, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    out.send(make_probe(1));
    std::stop_source source;
    source.request_stop();
    probe into = make_probe(7);
    BOOST_CHECK(!in.receive(source.get_token()));
    BOOST_CHECK(!in.receive(into, source.get_token()));
    BOOST_CHECK(!out.send(make_probe(2), source.get_token()));
    BOOST_CHECK(in.receive(std::stop_token()) == make_probe(1));
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
}

CONFORMANCE_CASE_ON(clean_host_with_stops, stops_at_any_moment_lose_no_message, x, reliable_named)
{
    constexpr std::uint64_t count = 300;
    auto const where = x.where();
    receiver in{x, where, small(x)};
    sender out{x, where, small(x)};
    exchange_one(out, in);
    std::thread producing([&] {
        for (std::uint64_t i = 1; i != count;) {
            work_for_a_while(i);
            std::stop_source source;
            std::thread stopping([&] {
                work_for_a_while(i + count);
                source.request_stop();
            });
            i += out.send(make_probe(i), source.get_token()) ? 1U : 0U;
            stopping.join();
        }
    });
    bool right = true;
    std::uint64_t next = 1;
    for (std::uint64_t round = 0; next != count; ++round) {
        std::stop_source source;
        std::thread stopping([&] {
            work_for_a_while(round + 2 * count);
            source.request_stop();
        });
        auto const got = in.receive(source.get_token());
        stopping.join();
        if (got)
            right = *got == make_probe(next++) && right;
    }
    producing.join();
    BOOST_CHECK(right);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
}

CONFORMANCE_CASE_ON(clean_host_with_stops, a_message_and_the_end_wake_a_wait_with_a_token, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    std::optional<sender> out{std::in_place, x, where};
    exchange_one(*out, in);
    std::stop_source source;
    for (std::uint64_t i = 1; i != 10; ++i) {
        std::thread sending([&] {
            if (i % 3 != 0)
                std::this_thread::sleep_for(2ms);  // mostly it sleeps by then
            out->send(make_probe(i));
        });
        BOOST_CHECK(in.receive(source.get_token()) == make_probe(i));
        sending.join();
    }
    std::thread leaving([&] {
        std::this_thread::sleep_for(2ms);
        out.reset();
    });
    BOOST_CHECK(!in.receive(source.get_token()));
    leaving.join();
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
}

// A sender without a receiver waits on until the first one comes, and a stop wakes that wait, too.
CONFORMANCE_CASE_ON(clean_host_with_stops, a_stop_wakes_a_sender_that_waits_for_its_first_receiver, x, any_named)
{
    if (x.guarantees.retained || !x.guarantees.bounded)
        return;
    auto const where = x.where();
    sender out{x, where, small(x)};
    std::stop_source source;
    std::thread stopping([&] {
        std::this_thread::sleep_for(30ms);
        source.request_stop();
    });
    std::uint64_t accepted = 0;  // a mechanism may take some before it has a receiver
    while (out.send(make_probe(accepted), source.get_token()))
        ++accepted;
    stopping.join();
    receiver in{x, where, small(x)};
    std::thread sending([&] { out.send(make_probe(accepted)); });
    for (std::uint64_t i = 0; i <= accepted; ++i)
        BOOST_CHECK(in.receive() == make_probe(i));
    sending.join();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
