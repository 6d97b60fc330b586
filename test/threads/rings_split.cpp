// Distributed under the Boost Software License, Version 1.0.

#include "received.hpp"

#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>

#include <support/large_message.hpp>
#include <support/names.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace threads_rings_split {

// Ends of rings of every topology in threads.
namespace {

using namespace split;
using strait::deadline;
using strait::errc;

using lossy = strait::broadcast<strait::lossy>;
using latest = strait::broadcast<strait::latest>;
using lossless = strait::broadcast<strait::lossless>;

// Some messages of a batch are flushed together, so that every wait and every wake is met.
template <class T, class Sender>
void send_all(Sender& out, std::uint64_t sender, std::uint64_t count)
{
    for (std::uint64_t i = 0; i != count; ++i) {
        T const message = support::make_message<T>(i, sender);
        auto const bytes = bytes_of(message);
        std::memcpy(out.reserve(bytes.size(), deadline::never())->data(), bytes.data(), bytes.size());
        out.commit(bytes.size());
        if (i % 7 == 0)
            out.flush(deadline::never()).value();
    }
    out.close(deadline::never()).value();
}

// `one_line`: all come from one sender, so that a message's number is that of those received and dropped before it.
template <class T, class Receiver>
void receive_all(Receiver& in, received& all, bool one_line)
{
    for (;;) {
        auto const shown = in.peek(deadline::never());
        auto const before = in.stats();
        if (!shown) {
            all.ended = shown.error() == errc::closed && in.ended() == strait::end_reason::left;
            all.messages = before.messages;
            all.dropped = before.dropped;
            return;
        }
        T const message = message_in<T>(*shown);
        all.note(message);
        in.release();
        if (!one_line)
            continue;
        std::uint64_t const number = support::origin_of(message).sequence;
        auto const after = in.stats();
        all.wrong += number + 1 < before.messages + before.dropped;  // what lies in place counts when it is released
        all.wrong += number + 1 != after.messages + after.dropped;
    }
}

template <class X>
void check_one_line(received const& all, std::uint64_t count)
{
    BOOST_TEST(all.wrong == 0U);
    BOOST_TEST(all.ended);
    BOOST_TEST(all.messages + all.dropped == count);
    if (X::guarantees.reliable)
        BOOST_TEST(all.dropped == 0U);
}

// One of each over one mapping, as a pair has them.
template <class X, class T>
void carry(std::size_t capacity)
{
    auto ends = X::template pair<layout<T>>::make({.capacity = capacity}, "test").value();
    auto [s, r] = std::move(ends).split().value();
    auto const count = static_cast<std::uint64_t>(support::rounds(std::is_same_v<X, strait::shm_ring<>> ? 20'000 : 10'000));
    std::thread producer([&, out = std::move(s)]() mutable { send_all<T>(out, 0, count); });
    received all;
    receive_all<T>(r, all, true);
    producer.join();
    check_one_line<X>(all, count);
}

template <class Topology, class T>
void carry_under_every_strategy(std::initializer_list<std::size_t> capacities, std::size_t large)
{
    for (std::size_t const capacity : capacities) {
        carry<strait::shm_ring<Topology, strait::adaptive>, T>(capacity);
        carry<strait::shm_ring<Topology, strait::yielding>, T>(capacity);
    }
    carry<strait::shm_ring<Topology, strait::busy_spin>, T>(large);
}

// Ends that met by name.
template <class X, class T>
void carry_among_many(std::size_t capacity, std::uint64_t senders, std::uint64_t receivers)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = capacity};
    auto const count = static_cast<std::uint64_t>(support::rounds(X::guarantees.receivers == strait::multiplicity::many ? 4'000 : 3'000));
    std::vector<received> all(receivers);
    std::vector<typename X::template sender_end<layout<T>>> outs;
    std::vector<typename X::template receiver_end<layout<T>>> ins;
    for (std::uint64_t i = 0; i != receivers; ++i)
        ins.push_back(X::template receiver_end<layout<T>>::open(name, how, "test").value());
    for (std::uint64_t i = 0; i != senders; ++i)
        outs.push_back(X::template sender_end<layout<T>>::open(name, how, "test").value());
    constexpr bool each_to_all = X::guarantees.delivery == strait::delivery_mode::each_to_all;
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i != receivers; ++i)
        threads.emplace_back([&, i] { receive_all<T>(ins[i], all[i], each_to_all); });
    for (std::uint64_t i = 0; i != senders; ++i)
        threads.emplace_back([&, i] { send_all<T>(outs[i], i, count); });
    for (auto& t : threads)
        t.join();
    if (!each_to_all)
        check_each_was_received_once(all, senders, count);
    std::uint64_t messages = 0;
    for (auto const& one : all)
        if (each_to_all) {
            check_one_line<X>(one, count);
        } else {
            BOOST_TEST(one.ended);
            messages += one.messages;
        }
    BOOST_TEST((each_to_all || messages == senders * count));
}

using policies = std::tuple<lossy, latest, lossless>;
using large_topologies = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpsc>, strait::shm_ring<lossless>>;
using one_receiver = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpsc>>;

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_split, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(one_of_each_carries_everything_under_every_waiting_strategy)
{
    carry_under_every_strategy<strait::spsc, support::probe>({1, 2, 16, 1024}, 1024);
    carry_under_every_strategy<strait::spsc, std::string>({4096, 65536}, 65536);
    for (std::size_t const capacity : {1U, 2U, 16U, 1024U}) {
        carry<strait::shm_ring<strait::mpsc>, support::probe>(capacity);
        carry<strait::shm_ring<strait::mpsc, strait::yielding>, std::string>(capacity);
        carry<strait::shm_ring<strait::mpmc>, support::probe>(capacity);
        carry<strait::shm_ring<strait::mpmc, strait::yielding>, std::string>(capacity);
    }
    carry<strait::shm_ring<strait::mpsc, strait::busy_spin>, support::probe>(1024);
    carry<strait::shm_ring<strait::mpmc, strait::busy_spin>, support::probe>(1024);
}

TYPED_CASE(one_of_each_receives_or_counts_every_message_that_is_for_all, Policy, policies)
{
    carry<strait::shm_ring<Policy>, support::probe>(16);
    carry<strait::shm_ring<Policy, strait::yielding>, support::probe>(1024);
    carry<strait::shm_ring<Policy>, std::string>(4096);
    carry<strait::shm_ring<Policy, strait::busy_spin>, std::string>(1 << 16);
}

BOOST_AUTO_TEST_CASE(messages_of_many_senders_are_received_under_every_waiting_strategy)
{
    for (std::size_t const capacity : {1U, 8U, 4096U}) {
        carry_among_many<strait::shm_ring<strait::mpsc>, support::probe>(capacity, 3, 1);
        carry_among_many<strait::shm_ring<strait::mpsc>, std::string>(capacity, 2, 1);
        carry_among_many<strait::shm_ring<strait::mpsc, strait::yielding>, support::probe>(capacity, 12, 1);
    }
    carry_among_many<strait::shm_ring<strait::mpsc, strait::busy_spin>, std::string>(4096, 2, 1);
}

BOOST_AUTO_TEST_CASE(many_of_each_share_the_messages_under_every_waiting_strategy)
{
    for (std::size_t const capacity : {1U, 2U, 8U, 256U}) {
        carry_among_many<strait::shm_ring<strait::mpmc>, support::probe>(capacity, 3, 3);
        carry_among_many<strait::shm_ring<strait::mpmc>, std::string>(capacity, 2, 2);
        carry_among_many<strait::shm_ring<strait::mpmc, strait::yielding>, support::probe>(capacity, 2, 3);
    }
    carry_among_many<strait::shm_ring<strait::mpmc, strait::busy_spin>, std::string>(64, 2, 2);
}

BOOST_AUTO_TEST_CASE(many_receivers_get_every_message_or_count_it)
{
    carry_among_many<strait::shm_ring<lossy>, support::probe>(16, 1, 3);
    carry_among_many<strait::shm_ring<lossy>, std::string>(4096, 1, 3);
    carry_among_many<strait::shm_ring<latest>, support::probe>(16, 1, 3);
    carry_among_many<strait::shm_ring<latest>, std::string>(4096, 1, 3);
    carry_among_many<strait::shm_ring<lossless>, support::probe>(16, 1, 3);
    carry_among_many<strait::shm_ring<lossless, strait::yielding>, std::string>(4096, 1, 3);
}

TYPED_CASE(large_messages_are_copied_by_both_ends_at_a_time, X, large_topologies)
{
    for (std::size_t const capacity : {1U, 4U}) {
        auto ends = X::template pair<layout<support::large_message>>::make({.capacity = capacity}, "test").value();
        auto [s, r] = std::move(ends).split().value();
        constexpr std::uint64_t count = 100;
        std::thread producer([&, out = std::move(s)]() mutable {
            for (std::uint64_t i = 0; i != count; ++i) {
                auto const message = support::make_large(i);
                out.copy_in(std::as_bytes(std::span(message.get(), 1)), deadline::never()).value();
                out.flush(deadline::never()).value();
            }
        });
        auto const got = std::make_unique<support::large_message>();
        std::uint64_t wrong = 0;
        for (std::uint64_t i = 0; i != count; ++i) {
            wrong += !!r.copy_out(std::as_writable_bytes(std::span(got.get(), 1)), deadline::never());
            wrong += !(*got == *support::make_large(i));
        }
        producer.join();
        BOOST_TEST(wrong == 0U);
    }
}

BOOST_AUTO_TEST_CASE(closing_wakes_all_receivers_that_wait)
{
    using X = strait::shm_ring<strait::mpmc>;
    using receiver_end = X::receiver_end<layout<int>>;
    std::string const name = support::unique_name();
    auto s = X::sender_end<layout<int>>::open(name, {}, "test").value();
    std::vector<receiver_end> ins;
    for (int i = 0; i != 3; ++i)
        ins.push_back(receiver_end::open(name, {}, "test").value());
    std::atomic<std::size_t> begun{0};
    std::atomic<std::size_t> closed{0};
    std::vector<std::thread> waiting;
    for (auto& in : ins)
        waiting.emplace_back([&] {
            ++begun;
            closed += in.peek(deadline::never()).error() == errc::closed ? 1 : 0;
        });
    while (begun != ins.size())
        std::this_thread::yield();
    BOOST_TEST(s.close(deadline::never()).has_value());
    for (auto& t : waiting)
        t.join();
    BOOST_TEST(closed == ins.size());
}

TYPED_CASE(closing_wakes_the_receiver_of_a_pair, X, one_receiver)
{
    auto ends = X::template pair<layout<int>>::make({}, "test").value();
    auto [s, r] = std::move(ends).split().value();
    std::atomic<bool> begun{false};
    strait::error_code seen;  // the checks of Boost.Test are for one thread
    std::thread waiting([&, in = std::move(r)]() mutable {
        begun = true;
        seen = in.peek(deadline::never()).error();
    });
    while (!begun)
        std::this_thread::yield();
    BOOST_TEST(s.close(deadline::never()).has_value());
    waiting.join();
    BOOST_TEST((seen == errc::closed));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace threads_rings_split
