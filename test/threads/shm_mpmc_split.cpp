// Distributed under the Boost Software License, Version 1.0.

#include <strait/transport/shm_ring.hpp>

#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstring>
#include <map>
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

// What one receiver saw: of each sender a subsequence, in order and whole. Which ones it got is for the end.
struct catch_of_one {
    std::map<std::uint64_t, std::vector<std::uint64_t>> sequences;
    std::uint64_t wrong = 0;
    bool closed = false;
    strait::end_reason ended = strait::end_reason::none;
};

template <class T, class Receiver>
void receive_all(Receiver& in, catch_of_one& seen)
{
    for (;;) {
        auto const shown = in.peek(deadline::never());
        if (!shown) {
            seen.closed = shown.error() == errc::closed;
            seen.ended = in.ended();
            return;
        }
        T message{};
        if constexpr (std::is_same_v<T, std::string>)
            message.assign(reinterpret_cast<char const*>(shown->data()), shown->size());
        else
            std::memcpy(&message, shown->data(), sizeof message);
        auto const from = support::origin_of(message);
        auto& mine = seen.sequences[from.sender];
        seen.wrong += !support::is_whole(message) || (!mine.empty() && mine.back() >= from.sequence);
        mine.push_back(from.sequence);
        in.release();
    }
}

template <class T, class Sender>
void send_all(Sender& out, std::uint64_t sender, std::uint64_t count)
{
    for (std::uint64_t i = 0; i != count; ++i) {
        T const message = support::make_message<T>(i, sender);
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

void check_whole(std::vector<catch_of_one> const& all, std::uint64_t senders, std::uint64_t count)
{
    std::map<std::uint64_t, std::vector<int>> times;
    for (auto const& one : all) {
        BOOST_TEST(one.wrong == 0U);
        BOOST_TEST(one.closed);
        BOOST_TEST((one.ended == strait::end_reason::left));
        for (auto const& [sender, sequences] : one.sequences)
            for (std::uint64_t const s : sequences) {
                auto& counts = times[sender];
                counts.resize(count);
                ++counts.at(s);
            }
    }
    BOOST_TEST(times.size() == senders);
    for (auto const& [sender, counts] : times)
        BOOST_TEST((counts == std::vector<int>(count, 1)), "sender " << sender << ": something is lost or came twice");
}

// One of each over one mapping, as a pair has them.
template <class T, class Wait>
void carry_over_one_mapping(std::size_t capacity)
{
    using X = strait::shm_ring<strait::mpmc, Wait>;
    auto ends = X::template pair<layout<T>>::make({.capacity = capacity}, "test").value();
    auto [s, r] = std::move(ends).split().value();
    auto const count = static_cast<std::uint64_t>(support::rounds(10'000));
    std::thread producer([&, out = std::move(s)]() mutable { send_all<T>(out, 0, count); });
    std::vector<catch_of_one> seen(1);
    receive_all<T>(r, seen[0]);
    producer.join();
    check_whole(seen, 1, count);
    BOOST_TEST(r.stats().messages == count);
}

template <class T, class Wait>
void carry_among_many(std::size_t capacity, std::uint64_t senders, std::uint64_t receivers)
{
    using X = strait::shm_ring<strait::mpmc, Wait>;
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = capacity};
    auto const count = static_cast<std::uint64_t>(support::rounds(4'000));
    std::vector<catch_of_one> seen(receivers);
    std::vector<typename X::template sender_end<layout<T>>> outs;
    std::vector<typename X::template receiver_end<layout<T>>> ins;
    for (std::uint64_t i = 0; i != receivers; ++i)
        ins.push_back(X::template receiver_end<layout<T>>::open(name, how, "test").value());
    for (std::uint64_t i = 0; i != senders; ++i)
        outs.push_back(X::template sender_end<layout<T>>::open(name, how, "test").value());
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i != receivers; ++i)
        threads.emplace_back([&, i] { receive_all<T>(ins[i], seen[i]); });
    for (std::uint64_t i = 0; i != senders; ++i)
        threads.emplace_back([&, i] { send_all<T>(outs[i], i, count); });
    for (auto& t : threads)
        t.join();
    check_whole(seen, senders, count);
}

// Ends that meet by name map the memory once each, which are different addresses for TSan. Here the two sides of the ring
// are put over one piece of memory, as many as one likes.
template <class T>
void share_one_memory(std::uint64_t capacity, std::uint64_t per_sender, std::uint64_t senders, std::uint64_t receivers)
{
    using namespace strait::detail;
    constexpr std::uint64_t largest = layout<T>.fixed_size == 0 ? 1000 : layout<T>.fixed_size;
    std::uint64_t const stride = mpmc_geometry<layout<T>>::stride(largest);
    std::vector<std::atomic<std::uint64_t>> words(capacity);
    page_memory const buffers = allocate_pages(senders * per_sender * stride);
    mpmc_header header{};
    mpmc_view const view{&header,   mpmc_words(words.data(), capacity), buffers.get(), senders * per_sender,
                         per_sender, 0,                                  largest};
    auto const count = static_cast<std::uint64_t>(support::rounds(8'000));
    std::vector<catch_of_one> seen(receivers);
    std::atomic<std::uint64_t> left{senders * count};
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i != receivers; ++i)
        threads.emplace_back([&, i] {
            mpmc_reader<layout<T>> in;
            if (in.attach(view))
                return;
            while (left != 0) {
                if (!in.take()) {
                    std::this_thread::yield();
                    continue;
                }
                --left;
                T message{};
                if constexpr (std::is_same_v<T, std::string>)
                    message.assign(reinterpret_cast<char const*>(in.message().data()), in.message().size());
                else
                    std::memcpy(&message, in.message().data(), sizeof message);
                auto const from = support::origin_of(message);
                auto& mine = seen[i].sequences[from.sender];
                seen[i].wrong += !support::is_whole(message) || (!mine.empty() && mine.back() >= from.sequence);
                mine.push_back(from.sequence);
                in.release();
            }
            seen[i].closed = true;
            seen[i].ended = strait::end_reason::left;
        });
    for (std::uint64_t i = 0; i != senders; ++i)
        threads.emplace_back([&, i] {
            mpmc_view own = view;
            own.first_own = i * per_sender;
            mpmc_writer<layout<T>> out;
            if (out.attach(own))
                return;
            for (std::uint64_t k = 0; k != count; ++k) {
                T const message = support::make_message<T>(k, i);
                void const* from = &message;
                std::size_t size = sizeof message;
                if constexpr (std::is_same_v<T, std::string>) {
                    from = message.data();
                    size = message.size();
                }
                while (!out.has_room(size))
                    std::this_thread::yield();
                std::memcpy(out.room(size).data(), from, size);
                out.commit(size);
                while (out.is_staged() && !out.put())
                    std::this_thread::yield();
                if (k % 1000 == 999)  // as if we had died and another had taken our place
                    out = mpmc_writer<layout<T>>(), (void)out.attach(own);
            }
        });
    for (auto& t : threads)
        t.join();
    check_whole(seen, senders, count);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_mpmc_threads)

BOOST_AUTO_TEST_CASE(one_of_each_carries_everything_under_every_waiting_strategy)
{
    support::watchdog const bound;
    for (std::size_t const capacity : {1U, 2U, 16U, 1024U}) {
        carry_over_one_mapping<support::probe, strait::adaptive>(capacity);
        carry_over_one_mapping<std::string, strait::yielding>(capacity);
    }
    carry_over_one_mapping<support::probe, strait::busy_spin>(1024);
}

BOOST_AUTO_TEST_CASE(many_of_each_share_the_messages_under_every_waiting_strategy)
{
    support::watchdog const bound;
    for (std::size_t const capacity : {1U, 2U, 8U, 256U}) {
        carry_among_many<support::probe, strait::adaptive>(capacity, 3, 3);
        carry_among_many<std::string, strait::adaptive>(capacity, 2, 2);
        carry_among_many<support::probe, strait::yielding>(capacity, 2, 3);
    }
    carry_among_many<std::string, strait::busy_spin>(64, 2, 2);
}

BOOST_AUTO_TEST_CASE(many_of_each_share_one_memory)
{
    support::watchdog const bound;
    for (std::uint64_t const capacity : {1U, 2U, 4U, 64U, 256U})
        for (std::uint64_t const per_sender : {1U, 2U, 5U}) {
            share_one_memory<support::probe>(capacity, per_sender, 2, 2);
            share_one_memory<std::string>(capacity, per_sender, 3, 2);
        }
    share_one_memory<std::string>(64, 64, 2, 3);
}

BOOST_AUTO_TEST_CASE(closing_wakes_all_receivers_that_wait)
{
    support::watchdog const bound;
    using X = strait::shm_ring<strait::mpmc>;
    std::string const name = support::unique_name();
    auto s = X::sender_end<layout<int>>::open(name, {}, "test").value();
    std::vector<X::receiver_end<layout<int>>> ins;
    for (int i = 0; i != 3; ++i)
        ins.push_back(X::receiver_end<layout<int>>::open(name, {}, "test").value());
    std::atomic<int> begun{0};
    std::atomic<int> closed{0};
    std::vector<std::thread> waiting;
    for (auto& in : ins)
        waiting.emplace_back([&] {
            ++begun;
            closed += in.peek(deadline::never()).error() == errc::closed;
        });
    while (begun != 3)
        std::this_thread::yield();
    BOOST_TEST(s.close(deadline::never()).has_value());
    for (auto& t : waiting)
        t.join();
    BOOST_TEST(closed == 3);
}

BOOST_AUTO_TEST_SUITE_END()
