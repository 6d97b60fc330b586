// Distributed under the Boost Software License, Version 1.0.

#include "received.hpp"

#include <strait/transport/shm_ring.hpp>

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace threads_places_split {

namespace {

using namespace split;

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
    std::vector<received> seen(receivers);
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
                seen[i].note(message_in<T>(in.message()));
                in.release();
            }
            seen[i].ended = true;
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
                std::span<std::byte const> const bytes = bytes_of(message);
                std::size_t const size = bytes.size();
                while (!out.has_room(size))
                    std::this_thread::yield();
                std::memcpy(out.room(size).data(), bytes.data(), size);
                out.commit(size);
                while (out.is_staged() && !out.put())
                    std::this_thread::yield();
                if (k % 1000 == 999)  // as if we had died and another had taken our place
                    out = mpmc_writer<layout<T>>(), (void)out.attach(own);
            }
        });
    for (auto& t : threads)
        t.join();
    check_each_was_received_once(seen, senders, count);
    for (auto const& one : seen)
        BOOST_TEST(one.ended);
}

}  // namespace

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

}  // namespace threads_places_split
