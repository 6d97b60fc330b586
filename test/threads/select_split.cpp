// Distributed under the Boost Software License, Version 1.0.

#include <support/names.hpp>
#include <support/watchdog.hpp>

#include <strait/channel.hpp>
#include <strait/select.hpp>
#include <strait/transport/anonymous_pipe.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_mqueue.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdint>
#include <thread>

namespace threads_select_split {

// Messages of channels that were not chosen are not lost.
BOOST_AUTO_TEST_CASE(a_race_over_three_channels_loses_nothing)
{
    support::watchdog const watch;
    auto [ring_out, ring_in] = strait::channel<std::uint64_t, strait::shm_ring<>>::make_pair().split();
    auto [pipe_out, pipe_in] = strait::channel<std::uint64_t, strait::anonymous_pipe>::make_pair().split();
    auto const where = support::unique_name();
    strait::receiver<std::uint64_t, strait::sysv_mqueue> queue_in{where};
    strait::sender<std::uint64_t, strait::sysv_mqueue> queue_out{where};
    std::uint64_t const each = static_cast<std::uint64_t>(support::rounds(support::sanitized ? 5'000 : 33'334));
    auto const send_all = [each](auto& out) {
        for (std::uint64_t i = 0; i != each; ++i) {
            out.send(i);
            if (i % 16 == 0)
                std::this_thread::yield();
        }
        out.close().value();
    };
    std::thread threads[] = {std::thread([&, &o = ring_out] { send_all(o); }), std::thread([&, &o = pipe_out] { send_all(o); }),
                             std::thread([&, &o = queue_out] { send_all(o); })};
    strait::selector all;
    std::array<std::uint64_t, 3> next{};
    all.add(ring_in);
    all.add(pipe_in);
    all.add(queue_in);
    auto const take = [&next](auto& in, std::size_t at) {
        auto const m = in.try_receive();
        BOOST_TEST_REQUIRE(m.has_value());
        BOOST_TEST_REQUIRE(*m == next[at]++);
    };
    while (!all.empty()) {
        auto const chosen = all.wait().value();
        if (chosen.error == strait::errc::closed) {
            BOOST_TEST(all.remove(chosen.index));
            continue;
        }
        BOOST_TEST_REQUIRE(!chosen.error);
        chosen.index == 0 ? take(ring_in, 0) : chosen.index == 1 ? take(pipe_in, 1) : take(queue_in, 2);
    }
    for (auto& t : threads)
        t.join();
    for (auto const n : next)
        BOOST_TEST(n == each);
}

}  // namespace threads_select_split
