// Distributed under the Boost Software License, Version 1.0.

#include <support/messages.hpp>
#include <support/print.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <strait/channel.hpp>
#include <strait/transport/in_process.hpp>
#include <strait/transport/sealed_memory.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/unix_stream.hpp>

#include <boost/test/unit_test.hpp>

#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace threads_split_pairs {

// Both ends as threads of one process, over one mapping: what a race detector can judge.
namespace {

using support::probe;

template <class Wait>
using ring = strait::shm_ring<strait::spsc, Wait>;

using transports = std::tuple<strait::in_process, ring<strait::busy_spin>, ring<strait::yielding>, ring<strait::adaptive>, strait::shm_ring<strait::mpsc>,
                              strait::unix_stream, strait::sealed_memory>;

constexpr std::uint64_t count = 30'000;

template <class T, class X>
auto small_pair()
{
    typename X::options small;
    small.capacity = std::is_same_v<X, strait::in_process> ? 64 : 4096;
    return strait::channel<T, X>::make_pair(small).split();
}

template <class T, class X>
void stream_over()
{
    support::watchdog const watch;
    auto ends = small_pair<T, X>();
    std::thread producing([out = std::move(ends.first)]() mutable {
        for (std::uint64_t i = 0; i != count; ++i)
            out.send(support::make_message<T>(i));
        out.close().value();
    });
    support::sequence_checker seen;
    bool right = true;
    for (T const& m : ends.second)
        right = seen.see(m) && right;
    producing.join();
    BOOST_CHECK(right);
    BOOST_CHECK_EQUAL(seen.count(), count);
    BOOST_CHECK_EQUAL(ends.second.end_reason(), strait::end_reason::left);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(split_pairs)

TYPED_CASE(messages_of_fixed_size_run_between_threads, X, transports)
{
    stream_over<probe, X>();
}

TYPED_CASE(messages_of_varying_size_run_between_threads, X, transports)
{
    stream_over<std::string, X>();
}

TYPED_CASE(batches_and_borrows_run_between_threads, X, transports)
{
    support::watchdog const watch;
    auto ends = small_pair<probe, X>();
    std::thread producing([out = std::move(ends.first)]() mutable {
        std::vector<probe> batch;
        for (std::uint64_t i = 0; i != count;) {
            batch.clear();
            for (std::uint64_t n = 0; n != 1 + i % 13 && i + n != count; ++n)
                batch.push_back(support::make_probe(i + n));
            i += out.send_batch(batch);
        }
        out.close().value();
    });
    support::sequence_checker seen;
    bool right = true;
    std::vector<probe> batch(16);
    for (;;) {
        if (auto const b = ends.second.borrow(); b)
            right = seen.see(*b) && right;
        else
            break;
        std::size_t const n = ends.second.receive_batch(batch);
        for (std::size_t i = 0; i != n; ++i)
            right = seen.see(batch[i]) && right;
    }
    producing.join();
    BOOST_CHECK(right);
    BOOST_CHECK_EQUAL(seen.count(), count);
}

TYPED_CASE(two_pairs_carry_questions_and_answers, X, transports)
{
    support::watchdog const watch;
    auto there = small_pair<probe, X>();
    auto back = small_pair<probe, X>();
    std::thread answering([in = std::move(there.second), out = std::move(back.first)]() mutable {
        for (probe const& question : in)
            out.send(support::make_probe(question.sequence + 1));
        out.close().value();
    });
    bool right = true;
    for (std::uint64_t i = 0; i != count / 10; ++i) {
        there.first.send(support::make_probe(i));
        right = back.second.receive() == support::make_probe(i + 1) && right;
    }
    there.first.close().value();
    right = !back.second.receive() && right;
    answering.join();
    BOOST_CHECK(right);
}

TYPED_CASE(waits_can_be_stopped_by_another_thread, X, transports)
{
    support::watchdog const watch;
    auto ends = small_pair<probe, X>();
    std::stop_source stop;
    std::thread producing([&, out = std::move(ends.first)]() mutable {
        std::uint64_t i = 0;
        while (out.send(support::make_probe(i), stop.get_token()))
            ++i;
        out.close().value();
    });
    for (std::uint64_t i = 0; i != 1000; ++i)
        BOOST_REQUIRE(ends.second.receive() == support::make_probe(i));
    stop.request_stop();
    std::uint64_t rest = 1000;
    while (auto const m = ends.second.receive())
        BOOST_REQUIRE(*m == support::make_probe(rest++));
    producing.join();
    BOOST_CHECK(!ends.second.receive(stop.get_token()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace threads_split_pairs
