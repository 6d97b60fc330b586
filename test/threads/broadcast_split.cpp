// Distributed under the Boost Software License, Version 1.0.

#include "messages.hpp"

#include <strait/detail/broadcast/board.hpp>
#include <strait/transport/shm_broadcast.hpp>

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace threads_broadcast_split {

namespace {

using namespace split;

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
        std::span<std::byte const> const bytes = bytes_of(message);
        std::size_t const size = bytes.size();
        while (!out.has_room(size))
            if constexpr (requires { out.refresh(size); }) {
                if (!out.refresh(size))
                    std::this_thread::yield();
            }
        std::memcpy(out.room(size).data(), bytes.data(), size);
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
                    T const message = message_in<T>(in.message());
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

// A key of a board whose values vary in size: readers look at the present value, and take it, while it is written.
void share_a_key(std::size_t readers)
{
    using namespace strait::detail;
    constexpr strait::message_layout text{0, 1, 1};
    using shape = board_shape<text, 128>;
    auto const memory = std::make_unique<one_memory<lossy_header, board_slots * shape::stride>>();
    lossy_view const view{&memory->header, memory->data, board_slots, shape::largest};
    auto const count = static_cast<std::uint64_t>(support::rounds(20'000));
    std::vector<std::uint64_t> wrong(readers);
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i != readers; ++i)
        threads.emplace_back([&, i] {
            board_reader<text, 128> in;
            wrong[i] += static_cast<bool>(in.attach(view));
            std::uint64_t last = 0;
            auto const see = [&](std::span<std::byte const> bytes, bool taken) {
                std::string_view const text_seen(reinterpret_cast<char const*>(bytes.data()), bytes.size());
                std::uint64_t const number = support::origin_of(text_seen).sequence;
                wrong[i] += text_seen != support::make_text(number, 0, 60) || number < last;
                if (taken)
                    last = number;
            };
            while (!over) {
                std::span<std::byte const> shown;
                if (!in.copy_newest(shown))
                    see(shown, false);
                if (in.look()) {
                    see(in.message(), true);
                    in.release();
                }
            }
        });
    board_writer<text, 128> out;
    BOOST_TEST(!out.attach(view));
    for (std::uint64_t i = 0; i != count; ++i) {
        std::string const message = support::make_text(i, 0, 60);
        std::memcpy(out.room(message.size()).data(), message.data(), message.size());
        out.commit(message.size());
    }
    over = true;
    for (auto& t : threads)
        t.join();
    for (std::uint64_t const w : wrong)
        BOOST_TEST(w == 0U);
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
                    T const message = message_in<T>(in.message());
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
    BOOST_TEST(!out.attach(seen_by(&memory->header.slowest, 0)));
    write_all<decltype(out), T>(out, count, over);
    for (auto& t : threads)
        t.join();
    for (std::uint64_t const w : wrong)
        BOOST_TEST(w == 0U);
}

}  // namespace

BOOST_AUTO_TEST_CASE(many_readers_share_one_memory)
{
    support::watchdog const bound;
    share_lossy_slots(3);
    share_lossless_slots(4);
    share_a_key(3);
}

}  // namespace threads_broadcast_split
