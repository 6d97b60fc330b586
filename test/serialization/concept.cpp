// Distributed under the Boost Software License, Version 1.0.
#include "samples.hpp"

#include <any>
#include <functional>
#include <memory>
#include <string_view>

#include <boost/test/unit_test.hpp>

namespace serialization_concept {

using namespace samples;
using strait::serializable;

namespace {

enum unfixed { red, green };
enum fixed : std::uint8_t { low, high };

struct pointer {
    int* p;
};
struct deep_pointer {
    std::map<std::string, std::vector<std::optional<pointer>>> a;
};
struct derived : trade {
    int more;
};
struct derived_text : empty {
    std::string text;
};
class closed {
public:
    closed() = default;

private:
    [[maybe_unused]] int a_ = 0;
};
union both {
    int a;
    float b;
};
struct member_pointer {
    int trade::*a;
};
struct constant {
    int const a;
};
struct constant_text {
    int const a;
    std::string b;
};
struct turns : std::vector<turns> {};  // recursive, without an aggregate on the way
struct bits {
    unsigned a : 4;
    unsigned b : 4;
};
struct tree_of_maps {
    std::map<std::string, tree_of_maps> children;
};
struct ping;
struct pong {
    std::vector<ping> a;
};
struct ping {
    std::optional<pong> a;
};
struct volatile_member {
    int volatile a;
};

template <class... T>
constexpr bool all = (serializable<T> && ...);

template <class... T>
constexpr bool none = (!serializable<T> && ...);

}  // namespace

BOOST_AUTO_TEST_SUITE(serializable_concept)

BOOST_AUTO_TEST_CASE(values_are_serializable)
{
    BOOST_TEST((all<char, bool, wchar_t, std::uint64_t, float, long double, std::byte, fixed, side,
                    std::complex<double>, std::chrono::hours, std::chrono::steady_clock::time_point>));
    BOOST_TEST((all<std::string, std::u8string, std::vector<int>, std::vector<bool>, std::list<std::string>,
                    std::deque<trade>, std::map<int, std::string>, std::unordered_multiset<std::string>>));
    BOOST_TEST((all<std::optional<int>, std::variant<std::monostate, std::string>, std::pair<int, std::string>,
                    std::tuple<>, std::tuple<int, std::tuple<std::string>>, std::array<std::string, 3>,
                    std::array<int, 0>>));
    BOOST_TEST((all<empty, trade, with_arrays, everything, node, json, tree_of_maps, ping, pong, constant>));
}

BOOST_AUTO_TEST_CASE(what_means_nothing_elsewhere_is_not_serializable)
{
    BOOST_TEST((none<int*, char const*, std::nullptr_t, void (*)(), int trade::*, pointer, member_pointer, deep_pointer,
                     std::array<int*, 2>, std::vector<int*>, std::tuple<int&>>));
    BOOST_TEST((none<std::string_view, std::span<int>, std::unique_ptr<int>, std::shared_ptr<int>, std::any,
                     std::function<void()>, std::vector<std::string_view>>));
    BOOST_TEST((none<void, int[3], int&, int const, int volatile, std::string const, void()>));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_seen_through_is_not_serializable)
{
    BOOST_TEST((none<closed, both, derived, derived_text, bits, unfixed, std::vector<unfixed>, std::optional<closed>,
                     constant_text, turns, volatile_member>));
}

BOOST_AUTO_TEST_CASE(the_part_to_blame_is_found)
{
    using strait::detail::find_part_to_blame;
    static_assert(std::is_same_v<decltype(find_part_to_blame<deep_pointer>())::type, int*>);
    static_assert(std::is_same_v<decltype(find_part_to_blame<std::vector<derived>>())::type, derived>);
    static_assert(std::is_same_v<decltype(find_part_to_blame<constant_text>())::type, int const>);
    BOOST_TEST(strait::detail::require_serializable<everything>());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace serialization_concept
