// Distributed under the Boost Software License, Version 1.0.

#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>

#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using strait::deadline;
using strait::errc;

template <class T>
constexpr strait::message_layout layout{sizeof(T), alignof(T), 1};
template <>
inline constexpr strait::message_layout layout<std::string>{0, 1, 2};

template <class T>
T message_of(std::span<std::byte const> bytes)
{
    T message{};
    if constexpr (std::is_same_v<T, std::string>)
        message.assign(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    else
        std::memcpy(&message, bytes.data(), sizeof message);
    return message;
}

// What one receiver saw: whole messages, in order, and of the rest how many.
struct hearing {
    std::uint64_t wrong = 0;
    std::uint64_t seen = 0;
    std::uint64_t dropped = 0;
    bool ended = false;
};

template <class T, class Receiver>
void receive_all(Receiver& in, hearing& h)
{
    for (;;) {
        auto const shown = in.peek(deadline::never());
        auto const stats = in.stats();
        if (!shown) {
            h.seen = stats.messages;
            h.dropped = stats.dropped;
            h.ended = shown.error() == errc::closed && in.ended() == strait::end_reason::left;
            return;
        }
        T const message = message_of<T>(*shown);
        h.wrong += !support::is_whole(message);
        // What lies in place counts when it is released.
        h.wrong += support::origin_of(message).sequence + 1 < stats.messages + stats.dropped;
        in.release();
        auto const after = in.stats();
        h.wrong += support::origin_of(message).sequence + 1 != after.messages + after.dropped;
    }
}

template <class T, class Sender>
void send_all(Sender& out, std::uint64_t count)
{
    for (std::uint64_t i = 0; i != count; ++i) {
        T const message = support::make_message<T>(i);
        void const* from = &message;
        std::size_t size = sizeof message;
        if constexpr (std::is_same_v<T, std::string>) {
            from = message.data();
            size = message.size();
        }
        std::memcpy(out.reserve(size, deadline::never())->data(), from, size);
        out.commit(size);
        if (i % 7 == 0)
            out.flush(deadline::never()).value();
    }
    out.close(deadline::never()).value();
}

template <class X>
void check(hearing const& h, std::uint64_t count)
{
    BOOST_TEST(h.wrong == 0U);
    BOOST_TEST(h.ended);
    BOOST_TEST(h.seen + h.dropped == count);
    if (X::guarantees.reliable)
        BOOST_TEST(h.dropped == 0U);
}

// One of each over one mapping, as a pair has them.
template <class X, class T>
void carry_over_one_mapping(std::size_t capacity)
{
    auto ends = X::template pair<layout<T>>::make({.capacity = capacity}, "test").value();
    auto [s, r] = std::move(ends).split().value();
    auto const count = static_cast<std::uint64_t>(support::rounds(10'000));
    std::thread producer([&, out = std::move(s)]() mutable { send_all<T>(out, count); });
    hearing seen;
    receive_all<T>(r, seen);
    producer.join();
    check<X>(seen, count);
}

template <class X, class T>
void carry_to_many(std::size_t capacity, std::size_t receivers)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = capacity};
    auto const count = static_cast<std::uint64_t>(support::rounds(4'000));
    std::vector<hearing> seen(receivers);
    std::vector<typename X::template receiver_end<layout<T>>> ins;
    for (std::size_t i = 0; i != receivers; ++i)
        ins.push_back(X::template receiver_end<layout<T>>::open(name, how, "test").value());
    auto out = X::template sender_end<layout<T>>::open(name, how, "test").value();
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i != receivers; ++i)
        threads.emplace_back([&, i] { receive_all<T>(ins[i], seen[i]); });
    threads.emplace_back([&] { send_all<T>(out, count); });
    for (auto& t : threads)
        t.join();
    for (auto const& h : seen)
        check<X>(h, count);
}

// Ends that meet by name map the memory once each, which are different addresses for TSan. Here the two sides of the ring
// are put over one piece of memory, with as many readers as one likes. Messages of one size only: the others need a mapping.
template <class Header, std::size_t DataBytes>
struct one_memory {
    alignas(4096) Header header{};
    alignas(4096) std::byte data[DataBytes]{};
};

template <class Writer, class T>
void write_all(Writer& out, std::uint64_t count, std::atomic<bool>& over)
{
    for (std::uint64_t i = 0; i != count; ++i) {
        T const message = support::make_message<T>(i);
        void const* from = &message;
        std::size_t size = sizeof message;
        if constexpr (std::is_same_v<T, std::string>) {
            from = message.data();
            size = message.size();
        }
        while (!out.has_room(size))
            if constexpr (requires { out.refresh(size); }) {
                if (!out.refresh(size))
                    std::this_thread::yield();
            }
        std::memcpy(out.room(size).data(), from, size);
        out.commit(size);
    }
    over = true;
}

void share_lossy_slots(std::size_t readers)
{
    using namespace strait::detail;
    using T = support::probe;
    constexpr std::uint64_t capacity = 8;
    auto const memory = std::make_unique<one_memory<lossy_header, capacity * lossy_slot_shape<layout<T>>::stride>>();
    lossy_view const view{&memory->header, memory->data, capacity, sizeof(T)};
    auto const count = static_cast<std::uint64_t>(support::rounds(20'000));
    std::vector<lossy_slot_reader<layout<T>>> ins(readers);
    std::vector<std::uint64_t> wrong(readers);
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (auto& in : ins)
        BOOST_TEST(!in.attach(view));
    for (std::size_t i = 0; i != readers; ++i)
        threads.emplace_back([&, i] {
            auto& in = ins[i];
            for (bool last = false;; last = over) {
                while (in.take()) {
                    T const message = message_of<T>(in.message());
                    wrong[i] += !support::is_whole(message) || message.sequence + 1 != in.messages() + in.dropped();
                }
                if (last)
                    return;
                std::this_thread::yield();
            }
        });
    lossy_slot_writer<layout<T>> out;
    BOOST_TEST(!out.attach(view));
    write_all<decltype(out), T>(out, count, over);
    for (auto& t : threads)
        t.join();
    for (std::size_t i = 0; i != readers; ++i) {
        BOOST_TEST(wrong[i] == 0U);
        BOOST_TEST(ins[i].messages() + ins[i].dropped() == count);
    }
}

void share_lossless_slots(std::size_t readers)
{
    using namespace strait::detail;
    using T = support::probe;
    constexpr std::uint64_t capacity = 8;
    auto const memory = std::make_unique<one_memory<lossless_header, capacity * slot_shape<layout<T>>::stride>>();
    auto const seen_by = [&](ring_header* own, std::uint64_t place) {
        return lossless_view{&memory->header, {own, memory->data, capacity, sizeof(T)}, place};
    };
    auto const count = static_cast<std::uint64_t>(support::rounds(8'000));
    std::vector<std::uint64_t> wrong(readers);
    std::vector<std::thread> threads;
    std::atomic<bool> over{false};
    std::atomic<std::size_t> there{0};
    for (std::size_t i = 0; i != readers; ++i)
        threads.emplace_back([&, i] {
            // Half of them leave and join again all the time.
            for (std::uint64_t last = 0; last != count;) {
                lossless_reader<layout<T>> in;
                if (in.attach(seen_by(&memory->header.cursors[i], i))) {
                    ++wrong[i];
                    return;
                }
                ++there;
                std::uint64_t first = ~std::uint64_t{0};
                for (std::uint64_t n = 0; last != count && (i % 2 == 0 || n != 50);) {
                    if (!in.look()) {
                        if (over && i % 2 != 0 && !in.look())
                            last = count;
                        std::this_thread::yield();
                        continue;
                    }
                    T const message = message_of<T>(in.message());
                    if (n == 0)
                        first = message.sequence;
                    wrong[i] += !support::is_whole(message) || message.sequence != first + n || message.sequence < last;
                    last = message.sequence + 1;
                    ++n;
                    (void)in.release();
                    in.post();
                }
                in.leave();
            }
        });
    while (there < readers)
        std::this_thread::yield();
    lossless_writer<layout<T>> out;
    BOOST_TEST(!out.attach(seen_by(&memory->header.gate, 0)));
    write_all<decltype(out), T>(out, count, over);
    for (auto& t : threads)
        t.join();
    for (std::uint64_t const w : wrong)
        BOOST_TEST(w == 0U);
}

using lossy = strait::broadcast<strait::lossy>;
using latest = strait::broadcast<strait::latest>;
using lossless = strait::broadcast<strait::lossless>;

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_broadcast_split, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(over_one_mapping_every_message_arrives_or_is_counted)
{
    carry_over_one_mapping<strait::shm_ring<lossy>, support::probe>(16);
    carry_over_one_mapping<strait::shm_ring<lossy, strait::yielding>, support::probe>(1024);
    carry_over_one_mapping<strait::shm_ring<lossy>, std::string>(4096);
    carry_over_one_mapping<strait::shm_ring<lossy, strait::busy_spin>, std::string>(1 << 16);
    carry_over_one_mapping<strait::shm_ring<latest>, support::probe>(16);
    carry_over_one_mapping<strait::shm_ring<latest, strait::yielding>, support::probe>(1024);
    carry_over_one_mapping<strait::shm_ring<latest>, std::string>(4096);
    carry_over_one_mapping<strait::shm_ring<latest, strait::busy_spin>, std::string>(1 << 16);
}

BOOST_AUTO_TEST_CASE(over_one_mapping_every_message_arrives)
{
    carry_over_one_mapping<strait::shm_ring<lossless>, support::probe>(16);
    carry_over_one_mapping<strait::shm_ring<lossless, strait::yielding>, support::probe>(1024);
    carry_over_one_mapping<strait::shm_ring<lossless>, std::string>(4096);
    carry_over_one_mapping<strait::shm_ring<lossless, strait::busy_spin>, std::string>(1 << 16);
}

BOOST_AUTO_TEST_CASE(many_receivers_get_every_message_or_count_it)
{
    carry_to_many<strait::shm_ring<lossy>, support::probe>(16, 3);
    carry_to_many<strait::shm_ring<lossy>, std::string>(4096, 3);
    carry_to_many<strait::shm_ring<latest>, support::probe>(16, 3);
    carry_to_many<strait::shm_ring<latest>, std::string>(4096, 3);
    carry_to_many<strait::shm_ring<lossless>, support::probe>(16, 3);
    carry_to_many<strait::shm_ring<lossless, strait::yielding>, std::string>(4096, 3);
}

BOOST_AUTO_TEST_CASE(many_readers_share_one_memory)
{
    share_lossy_slots(3);
    share_lossless_slots(4);
}

BOOST_AUTO_TEST_SUITE_END()
