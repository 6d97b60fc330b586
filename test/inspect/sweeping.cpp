// Distributed under the Boost Software License, Version 1.0.
#include "fixture.hpp"

#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_memory.hpp>
#include <strait/transport/sysv_mqueue.hpp>

#include <support/typed_case.hpp>

#include <chrono>
#include <cstdlib>
#include <tuple>

namespace inspect_sweeping {

using namespace strait;

namespace {

using swept = std::tuple<shm_ring<>, shm_ring<mpmc>, shm_ring<spsc, adaptive, sysv_memory>, posix_mqueue, sysv_mqueue>;

std::uint64_t rounds() { return std::getenv("STRAIT_LONG") ? 20'000 : 400; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sweeping_beside_openers, inspection::directory)

// A channel is made, left with one message, opened again, read and removed, over and over, and now and then one that opens
// it dies. Two processes sweep it as fast as they can, and a third one sweeps the directory.
template <class X>
void sweep_beside_openers(inspection::directory const& d, std::uint64_t rounds)
{
    auto const& where = d.where;
    support::shared_page page;
    std::vector<support::child> sweepers;
    for (int i = 0; i != 3; ++i)
        sweepers.emplace_back([&, i] {
            detail::channel_place place;
            if (detail::place_of(d.file(), place))
                return 1;
            while (page->stage == 0) {
                error_code e;
                if (i == 2)
                    (void)sweep(d.here());
                else if (detail::sweeping::remove_if_unused(place, e) == sweep_outcome::removed)
                    page->done.fetch_add(1);
            }
            return 0;
        });
    for (std::uint64_t i = 0; i != rounds; ++i) {
        if (i % 16 == 0) {
            auto dead = support::child([&] {
                auto const in = receiver<std::uint64_t, X>::open(where);
                ::_exit(in ? 0 : 1);
            });
            BOOST_TEST_REQUIRE(dead.wait() == 0);
            if (i % 32 == 0)
                while (std::filesystem::exists(d.file()))
                    ::usleep(100);  // what it has left is swept
        }
        {
            auto out = sender<std::uint64_t, X>::open(where);
            BOOST_TEST_REQUIRE(out.has_value());
            BOOST_TEST_REQUIRE(out->send_for(i, std::chrono::seconds(30)).has_value());
        }
        auto in = receiver<std::uint64_t, X>::open(where);
        BOOST_TEST_REQUIRE(in.has_value());
        auto const got = in->receive_for(std::chrono::seconds(30));
        BOOST_TEST_REQUIRE(got.has_value());
        BOOST_TEST_REQUIRE(*got == i);
    }
    page->stage = 1;
    for (auto& s : sweepers)
        BOOST_TEST(s.wait() == 0);
}

// A process of a test lives for a few minutes at most, so the long form takes new ones for each 400 rounds.
TYPED_CASE(no_opener_fails_and_no_message_is_lost, X, swept)
{
    for (std::uint64_t done = 0; done != rounds(); done += 400)
        sweep_beside_openers<X>(*this, 400);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace inspect_sweeping
