// Distributed under the Boost Software License, Version 1.0.

#include <strait/transport/shm_ring.hpp>

#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/mman.h>

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

template <class T>
T message_in(std::span<std::byte const> shown)
{
    T message{};
    if constexpr (std::is_same_v<T, std::string>)
        message.assign(reinterpret_cast<char const*>(shown.data()), shown.size());
    else
        std::memcpy(&message, shown.data(), sizeof message);
    return message;
}

template <class T, class Sender>
void send_all(Sender& out, std::uint64_t sender, std::uint64_t count)
{
    for (std::uint64_t i = 0; i != count; ++i) {
        T const message = support::make_message<T>(i, sender);
        auto const [from, size] = bytes_of(message);
        std::memcpy(out.reserve(size, deadline::never())->data(), from, size);
        out.commit(size);
        if (i % 7 == 0)
            out.flush(deadline::never()).value();
    }
    out.close(deadline::never()).value();
}

template <class T, class Receiver>
void receive_all(Receiver& in, std::uint64_t senders, std::uint64_t count)
{
    support::sequence_checker seen;
    std::uint64_t wrong = 0;
    for (;;) {
        auto const shown = in.peek(deadline::never());
        if (!shown) {
            BOOST_TEST((shown.error() == errc::closed));
            break;
        }
        wrong += !seen.see(message_in<T>(*shown));
        in.release();
    }
    BOOST_TEST(wrong == 0U);
    for (std::uint64_t i = 0; i != senders; ++i)
        BOOST_TEST(seen.next(i) == count);
    BOOST_TEST((in.ended() == strait::end_reason::left));
    BOOST_TEST(in.stats().messages == senders * count);
}

// One of each over one mapping, as a pair has them.
template <class T, class Wait>
void carry_over_one_mapping(std::size_t capacity)
{
    using X = strait::shm_ring<strait::mpsc, Wait>;
    auto ends = X::template pair<layout<T>>::make({.capacity = capacity}, "test").value();
    auto [s, r] = std::move(ends).split().value();
    auto const count = static_cast<std::uint64_t>(support::rounds(10'000));
    std::thread producer([&, out = std::move(s)]() mutable { send_all<T>(out, 0, count); });
    receive_all<T>(r, 1, count);
    producer.join();
}

template <class T, class Wait>
void carry_from_many(std::size_t capacity, std::uint64_t senders)
{
    using X = strait::shm_ring<strait::mpsc, Wait>;
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = capacity};
    auto const count = static_cast<std::uint64_t>(support::rounds(3'000));
    auto in = X::template receiver_end<layout<T>>::open(name, how, "test").value();
    std::vector<typename X::template sender_end<layout<T>>> outs;
    for (std::uint64_t i = 0; i != senders; ++i)
        outs.push_back(X::template sender_end<layout<T>>::open(name, how, "test").value());
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i != senders; ++i)
        threads.emplace_back([&, i] { send_all<T>(outs[i], i, count); });
    receive_all<T>(in, senders, count);
    for (auto& t : threads)
        t.join();
}

// Ends that meet by name map the memory once each, which are different addresses for TSan. Here both sides of as many
// lanes as one likes are put over one mapping, without a channel around them.
template <class T>
void share_one_memory(std::uint64_t capacity, std::uint64_t senders)
{
    using namespace strait::detail;
    using geometry = lane_geometry<layout<T>>;
    channel_traits traits;
    BOOST_TEST_REQUIRE(!geometry::traits({.capacity = capacity}, "test", traits));
    descriptor const file(::memfd_create("test", MFD_CLOEXEC));
    BOOST_TEST_REQUIRE(allocate(file.get(), traits.size).has_value());
    std::shared_ptr<mapping> memory;
    BOOST_TEST_REQUIRE(!mapping::map(file.get(), traits.size, geometry::mechanism().mirrored(traits.size), memory));
    lanes_view view;
    view.header = reinterpret_cast<lanes_header*>(memory->data() + ring_header::offset);
    view.memory = memory.get();
    view.fd = file.get();
    view.first = lanes_data_offset();
    view.each = lane_mechanism::each(traits.size);
    view.sizes.capacity = traits.capacity;
    view.sizes.max_message_size = traits.max_message_size;
    auto const count = static_cast<std::uint64_t>(support::rounds(6'000));
    asymmetric_fence const fence = asymmetric_fence::attach();
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (std::uint64_t i = 0; i != senders; ++i)
        threads.emplace_back([&, i] {
            lanes_view own = view;
            own.own = i * 7 % 64;
            failed += static_cast<bool>(own.ensure(own.own));  // as the geometry does for who joins
            lane_writer<layout<T>> out;
            failed += static_cast<bool>(out.attach(own));
            for (std::uint64_t k = 0; k != count && failed == 0; ++k) {
                T const message = support::make_message<T>(k, i);
                auto const [from, size] = bytes_of(message);
                while (!out.has_room(size) && !out.refresh(size) && !out.inspect(size))
                    std::this_thread::yield();
                std::memcpy(out.room(size).data(), from, size);
                out.commit(size);
                if (peer_sleeps(out.header().receiver_sleeps, fence))
                    out.call(-1);
                if (k % 1000 == 999) {  // as if we had died and another had taken our lane
                    out = lane_writer<layout<T>>();
                    failed += static_cast<bool>(out.attach(own));
                }
            }
        });
    lane_reader<layout<T>> in;
    BOOST_TEST_REQUIRE(!in.attach(view));
    auto bed = where_to_sleep(in);
    support::sequence_checker seen;
    std::uint64_t wrong = 0;
    while (seen.count() != senders * count && failed == 0) {
        if (!in.look()) {
            in.post();
            bed.store(1, std::memory_order_relaxed);
            fence.heavy();
            if (auto const found = in.inspect())
                failed += static_cast<bool>(*found);
            else
                std::this_thread::yield();
            bed.store(0, std::memory_order_relaxed);
            continue;
        }
        wrong += !seen.see(message_in<T>(in.message()));
        if (in.release())
            in.post();
    }
    for (auto& t : threads)
        t.join();
    BOOST_TEST(failed == 0);
    BOOST_TEST(wrong == 0U);
    for (std::uint64_t i = 0; i != senders; ++i)
        BOOST_TEST(seen.next(i) == count);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_mpsc_threads)

BOOST_AUTO_TEST_CASE(one_of_each_carries_everything_under_every_waiting_strategy)
{
    support::watchdog const bound;
    for (std::size_t const capacity : {1U, 2U, 16U, 1024U}) {
        carry_over_one_mapping<support::probe, strait::adaptive>(capacity);
        carry_over_one_mapping<std::string, strait::yielding>(capacity);
    }
    carry_over_one_mapping<support::probe, strait::busy_spin>(1024);
}

BOOST_AUTO_TEST_CASE(many_senders_are_heard_under_every_waiting_strategy)
{
    support::watchdog const bound;
    for (std::size_t const capacity : {1U, 8U, 4096U}) {
        carry_from_many<support::probe, strait::adaptive>(capacity, 3);
        carry_from_many<std::string, strait::adaptive>(capacity, 2);
        carry_from_many<support::probe, strait::yielding>(capacity, 12);
    }
    carry_from_many<std::string, strait::busy_spin>(4096, 2);
}

BOOST_AUTO_TEST_CASE(lanes_share_one_memory)
{
    support::watchdog const bound;
    for (std::uint64_t const capacity : {1U, 4U, 64U}) {
        share_one_memory<support::probe>(capacity, 2);
        share_one_memory<support::probe>(capacity, 11);
    }
    for (std::uint64_t const capacity : {4096U, 65536U}) {
        share_one_memory<std::string>(capacity, 2);
        share_one_memory<std::string>(capacity, 10);
    }
}

BOOST_AUTO_TEST_CASE(closing_wakes_a_receiver_that_waits)
{
    support::watchdog const bound;
    auto ends = strait::shm_ring<strait::mpsc>::pair<layout<int>>::make({}, "test").value();
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
