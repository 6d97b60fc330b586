// Distributed under the Boost Software License, Version 1.0.

#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>

#include <support/large_message.hpp>
#include <support/messages.hpp>
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

namespace {

using strait::deadline;
using strait::errc;

template <class T>
constexpr strait::message_layout layout{sizeof(T), alignof(T), 1};
template <>
inline constexpr strait::message_layout layout<std::string>{0, 1, 2};

template <class T>
std::pair<void const*, std::size_t> bytes_of(T const& m)
{
    if constexpr (std::is_same_v<T, std::string>)
        return {m.data(), m.size()};
    else
        return {&m, sizeof m};
}

// Both ends over one mapping. A small ring, and batches of one flush each: every wait and every wake is met.
template <class T, class Wait>
void carry(std::size_t capacity)
{
    using X = strait::shm_ring<strait::spsc, Wait>;
    auto ends = X::template pair<layout<T>>::make({.capacity = capacity}, "test").value();
    auto [s, r] = std::move(ends).split().value();
    auto const count = static_cast<std::uint64_t>(support::rounds(20'000));
    std::thread producer([&, out = std::move(s)]() mutable {
        for (std::uint64_t i = 0; i != count; ++i) {
            T const message = support::make_message<T>(i);
            auto const [from, size] = bytes_of(message);
            std::memcpy(out.reserve(size, deadline::never())->data(), from, size);
            out.commit(size);
            if (i % 7 == 0)
                out.flush(deadline::never()).value();
        }
        out.close(deadline::never()).value();
    });
    support::sequence_checker seen;
    std::uint64_t wrong = 0;
    for (;;) {
        auto const shown = r.peek(deadline::never());
        if (!shown) {
            BOOST_TEST((shown.error() == errc::closed));
            break;
        }
        T message{};
        if constexpr (std::is_same_v<T, std::string>)
            message.assign(reinterpret_cast<char const*>(shown->data()), shown->size());
        else
            std::memcpy(&message, shown->data(), sizeof message);
        wrong += !seen.see(message);
        r.release();
    }
    producer.join();
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(seen.count() == count);
    BOOST_TEST((r.ended() == strait::end_reason::left));
    BOOST_TEST(r.stats().messages == count);
}

using topologies = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpsc>, strait::shm_ring<strait::broadcast<strait::lossless>>>;

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_ring_threads)

BOOST_AUTO_TEST_CASE(slots_carry_everything_under_every_waiting_strategy)
{
    support::watchdog const bound;
    for (std::size_t const capacity : {1U, 2U, 16U, 1024U}) {
        carry<support::probe, strait::adaptive>(capacity);
        carry<support::probe, strait::yielding>(capacity);
    }
    carry<support::probe, strait::busy_spin>(1024);
}

BOOST_AUTO_TEST_CASE(records_carry_everything_under_every_waiting_strategy)
{
    support::watchdog const bound;
    for (std::size_t const capacity : {4096U, 65536U}) {
        carry<std::string, strait::adaptive>(capacity);
        carry<std::string, strait::yielding>(capacity);
    }
    carry<std::string, strait::busy_spin>(65536);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(large_messages_are_copied_by_both_ends_at_a_time, X, topologies)
{
    support::watchdog const bound;
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

BOOST_AUTO_TEST_CASE(closing_wakes_a_receiver_that_waits)
{
    support::watchdog const bound;
    auto ends = strait::shm_ring<>::pair<layout<int>>::make({}, "test").value();
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
