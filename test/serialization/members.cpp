// Distributed under the Boost Software License, Version 1.0.
#include "samples.hpp"

#include <strait/detail/codec/members.hpp>

#include <any>
#include <filesystem>
#include <functional>

#include <boost/test/unit_test.hpp>

namespace serialization_members {

using namespace strait::detail;
using namespace samples;

namespace {

struct base {};
struct derived : base {
    int a;
};
struct derived_alone : trade {};
struct reference {
    int a;
    int& b;
};
struct bits {
    unsigned a : 3;
    unsigned b : 5;
};
struct bits_of_whole_bytes {  // as large as {bool, bool, uint16_t}, but both are in the first byte
    bool a : 1;
    bool b : 1;
    std::uint16_t c;
};
struct unnamed_bits {
    int a;
    unsigned : 32;
};
struct [[gnu::packed]] packed {
    char a;
    int b;
};
struct aligned_member {
    char a;
    alignas(2) char b;
    int c;
};
struct alignas(64) cache_line {
    char a;
    alignas(64) char b;
};
struct reused_padding {
    int a;
    [[no_unique_address]] empty b;
};
struct explicit_only {
    explicit explicit_only() = default;
};
struct no_default {
    no_default(int) {}
};
struct explicit_inside {
    explicit_only a;
    int b;
};
struct hidden_by_default {
    int a;
    no_default b{1};
    int c;
};
struct defaults {
    int a = 1;
    std::string b = "b";
};
struct constant {
    int const a;
    int b;
};
struct takes_anything {
    std::any a;
    std::function<void()> b;
    std::filesystem::path c;
    std::unique_ptr<int> d;
    std::initializer_list<int> e;
};
struct large {
    std::array<std::byte, 4 << 20> a;
    char b[4 << 20];
    int c;
};
struct sixty_four {
    int a[3], a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7, c0, c1, c2, c3, c4, c5, c6, c7;
    int d0, d1, d2, d3, d4, d5, d6, d7, e0, e1, e2, e3, e4, e5, e6, e7, f0, f1, f2, f3, f4, f5, f6, f7;
    int g0, g1, g2, g3, g4, g5, g6, g7, h0, h1, h2, h3, h4, h5, h6, h7;
};
struct sixty_five {
    sixty_four a;
    int a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7, c0, c1, c2, c3, c4, c5, c6, c7;
    int d0, d1, d2, d3, d4, d5, d6, d7, e0, e1, e2, e3, e4, e5, e6, e7, f0, f1, f2, f3, f4, f5, f6, f7;
    int g0, g1, g2, g3, g4, g5, g6, g7, h0, h1, h2, h3, h4, h5, h6, h7;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(members)

BOOST_AUTO_TEST_CASE(an_array_counts_as_one_member)
{
    static_assert(member_count<with_arrays>() == 2);
    static_assert(std::is_same_v<member_types<with_arrays>, types<char[16], std::int32_t[2][3]>>);
    static_assert(std::is_same_v<member_types<constant>, types<int const, int>>);
    BOOST_TEST(member_count<everything>() == 36U);
}

BOOST_AUTO_TEST_CASE(members_are_counted_whatever_they_take)
{
    static_assert(member_count<empty>() == 0);
    static_assert(member_count<trade>() == 4);
    static_assert(member_count<node>() == 2);
    static_assert(member_count<json>() == 1);
    static_assert(member_count<defaults>() == 2);
    static_assert(member_count<takes_anything>() == 5);
    static_assert(member_count<large>() == 3);
    static_assert(member_count<sixty_four>() == 64);
    BOOST_TEST(inspectable<takes_anything>);
    BOOST_TEST(inspectable<sixty_four>);
    BOOST_TEST(inspectable<large>);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_counted_is_not_inspectable)
{
    BOOST_TEST(member_count<sixty_five>() == unknown_members);
    BOOST_TEST(member_count<derived>() == unknown_members);
    BOOST_TEST(member_count<derived_alone>() == unknown_members);
    BOOST_TEST(member_count<reference>() == unknown_members);
    BOOST_TEST(member_count<explicit_inside>() == unknown_members);
    BOOST_TEST(member_count<hidden_by_default>() == unknown_members);
    BOOST_TEST(member_count<std::string>() == unknown_members);
}

BOOST_AUTO_TEST_CASE(what_does_not_lie_plainly_is_not_inspectable)
{
    BOOST_TEST(!inspectable<bits>);
    BOOST_TEST(!inspectable<bits_of_whole_bytes>);
    BOOST_TEST(!inspectable<unnamed_bits>);
    BOOST_TEST(!inspectable<packed>);
    BOOST_TEST(!inspectable<reused_padding>);
}

BOOST_AUTO_TEST_CASE(offsets_are_those_of_the_compiler)
{
    static_assert(member_offsets<trade> == std::array<std::size_t, 5>{0, 8, 16, 20, 24});
    static_assert(member_offsets<aligned_member> == std::array<std::size_t, 4>{0, 2, 4, 8});
    static_assert(member_offsets<cache_line> == std::array<std::size_t, 3>{0, 64, 128});
    static_assert(member_offsets<large>[2] == 8 << 20);
    everything const value{};
    std::size_t index = 0;
    auto const compare = [&](auto const& member) {
        auto const* const start = reinterpret_cast<std::byte const*>(&value);
        auto const offset = reinterpret_cast<std::byte const*>(&member) - start;
        BOOST_TEST(static_cast<std::size_t>(offset) == member_offsets<everything>[index++]);
    };
    with_members(value, [&](auto const&... member) { (compare(member), ...); });
    BOOST_TEST(index == 36U);
}

BOOST_AUTO_TEST_CASE(each_of_64_members_is_bound)
{
    sixty_four value{};
    int next = 0;
    with_members(value, [&](auto& array, auto&... member) {
        array[0] = next++;
        ((member = next++), ...);
    });
    BOOST_TEST(value.a[0] == 0);
    BOOST_TEST(value.a1 == 1);
    BOOST_TEST(value.e0 == 32);
    BOOST_TEST(value.h7 == 63);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace serialization_members
