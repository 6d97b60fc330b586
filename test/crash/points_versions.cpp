// Distributed under the Boost Software License, Version 1.0.

#include "scenes.hpp"

#include <support/watchdog.hpp>

#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

#include <cstdint>
#include <string>

namespace crash_points_versions {

struct first_version {
    std::uint64_t id;
};
struct second_version {
    std::uint64_t id;
    std::uint32_t quantity = 7;
};
struct other_second_version {
    std::uint64_t id;
    double quantity;
};

}  // namespace crash_points_versions

template <>
inline constexpr std::size_t strait::extensible<crash_points_versions::first_version> = 1;
template <>
inline constexpr std::size_t strait::extensible<crash_points_versions::second_version> = 1;
template <>
inline constexpr std::size_t strait::extensible<crash_points_versions::other_second_version> = 1;

namespace crash_points_versions {

namespace {

template <class T>
using receiver = strait::receiver<T, strait::shm_ring<>>;

// A receiver that knows more members than the channel's schema writes its own there, and dies at a point of that. Whatever it has
// left there, those that have the right members can join, and from then on nobody who has others.
void join_with_more_members(crash::plan& p, crash::point const* where, std::uint64_t hit)
{
    std::string const name = support::unique_name();
    strait::sender<first_version, strait::shm_ring<>> out{name};
    support::child victim([&] {
        p.follow(where, hit);
        receiver<second_version> in{name};
        return 0;
    });
    crash::sweep::all().died_of(victim, where);
    out.send({1});
    {
        receiver<first_version> in{name};
        BOOST_TEST(in.receive()->id == 1U);
    }
    out.send({2});
    receiver<second_version> in{name};
    auto const got = in.receive();
    BOOST_TEST((got->id == 2U && got->quantity == 7U));
    in.close().value();
    BOOST_TEST((receiver<other_second_version>::open(name).error() == strait::errc::type_mismatch));
    BOOST_TEST(strait::error_note(strait::errc::type_mismatch).ends_with("member 2 (quantity): u32 there, f64 here"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_points_versions, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_schema_that_is_half_written_is_not_believed)
{
    crash::kill_at_each_point("a receiver of a newer version joins", &join_with_more_members);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_points_versions
