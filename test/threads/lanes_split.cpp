// Distributed under the Boost Software License, Version 1.0.

#include "messages.hpp"

#include <strait/transport/shm_ring.hpp>

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>

namespace threads_lanes_split {

namespace {

using namespace split;

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
                std::span<std::byte const> const bytes = bytes_of(message);
                std::size_t const size = bytes.size();
                while (!out.has_room(size) && !out.refresh(size) && !out.inspect(size))
                    std::this_thread::yield();
                std::memcpy(out.room(size).data(), bytes.data(), size);
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
    auto const sleeps = in.receivers();
    support::sequence_checker seen;
    std::uint64_t wrong = 0;
    while (seen.count() != senders * count && failed == 0) {
        if (!in.look()) {
            in.post();
            sleeps.store(1, std::memory_order_relaxed);
            fence.heavy();
            if (auto const found = in.inspect())
                failed += static_cast<bool>(*found);
            else
                std::this_thread::yield();
            sleeps.store(0, std::memory_order_relaxed);
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

}  // namespace threads_lanes_split
