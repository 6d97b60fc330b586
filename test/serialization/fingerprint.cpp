// Distributed under the Boost Software License, Version 1.0.
#include "samples.hpp"

#include <algorithm>

#include <boost/test/unit_test.hpp>

namespace serialization_fingerprint {

using namespace samples;
using strait::detail::codec;

namespace {

template <class T>
constexpr std::uint64_t print_of = codec<T>::layout.fingerprint;

template <class... T>
void all_differ()
{
    std::vector<std::uint64_t> prints{print_of<T>...};
    std::sort(prints.begin(), prints.end());
    BOOST_TEST((std::adjacent_find(prints.begin(), prints.end()) == prints.end()));
}

struct a_then_b {
    std::int32_t a;
    float b;
};
struct b_then_a {
    float b;
    std::int32_t a;
};
struct other_names {
    std::int32_t x;
    float y;
};
struct padded_more {
    std::int32_t a;
    alignas(8) float b;
};
struct aligned_behind {  // as large as {char, char, int}, and aligned alike
    char a;
    alignas(2) char b;
    std::int32_t c;
};
struct packed_before {
    char a;
    char b;
    std::int32_t c;
};
struct text_and_number {
    std::string a;
    std::int32_t b;
};
struct list_and_number {
    std::list<char> a;
    std::int32_t b;
};
struct node_of_lists {
    std::string name;
    std::list<node_of_lists> children;
};
struct node_of_numbers {
    std::int32_t name;
    std::vector<node_of_numbers> children;
};
struct two_levels {
    std::string name;
    std::vector<node> children;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(fingerprint)

BOOST_AUTO_TEST_CASE(numbers_of_another_kind_or_size_differ)
{
    all_differ<std::int8_t, std::uint8_t, char, bool, std::byte, std::int16_t, std::int32_t, std::uint32_t, float,
               std::int64_t, double, long double, char16_t, char32_t, side, flag, std::chrono::seconds,
               std::chrono::milliseconds, std::chrono::steady_clock::time_point,
               std::chrono::system_clock::time_point, std::complex<float>>();
}

BOOST_AUTO_TEST_CASE(structures_differ_by_kind_and_order)
{
    all_differ<a_then_b, b_then_a, padded_more, std::array<std::int32_t, 2>, std::array<std::int32_t, 3>,
               std::array<std::int64_t, 1>, std::int64_t, empty, trade, with_arrays, std::pair<std::int32_t, float>,
               std::pair<float, std::int32_t>, std::tuple<std::int32_t, float, float>, text_and_number>();
    BOOST_TEST(print_of<aligned_behind> != print_of<packed_before>);
}

BOOST_AUTO_TEST_CASE(containers_differ_by_kind_and_content)
{
    all_differ<std::vector<int>, std::vector<float>, std::string, std::u16string, std::vector<std::string>,
               std::list<int>, std::set<int>, std::multiset<int>, std::map<int, int>, std::multimap<int, int>,
               std::map<int, float>, std::vector<std::pair<int, int>>, std::optional<int>,
               std::optional<std::optional<int>>, std::vector<std::vector<int>>, std::vector<bool>,
               std::vector<std::optional<bool>>>();
    all_differ<std::variant<int, float>, std::variant<float, int>, std::variant<int, float, float>, std::variant<int>,
               std::variant<std::string, int>>();
}

BOOST_AUTO_TEST_CASE(recursive_types_differ)
{
    all_differ<node, json, node_of_numbers, two_levels, std::vector<node>>();
}

BOOST_AUTO_TEST_CASE(names_do_not_count)
{
    BOOST_TEST(print_of<a_then_b> == print_of<other_names>);
}

BOOST_AUTO_TEST_CASE(what_is_encoded_alike_is_alike)
{
    BOOST_TEST(print_of<text_and_number> == print_of<list_and_number>);
    BOOST_TEST(print_of<node> == print_of<node_of_lists>);
    BOOST_TEST((print_of<std::map<int, std::string>> == print_of<std::unordered_map<int, std::string>>));
}

BOOST_AUTO_TEST_CASE(the_hash_is_fnv_1a)
{
    // The published value for the single byte 'a' is 0xaf63dc4c8601ec8c; ours goes on with seven zero bytes.
    std::uint64_t expected = 0xaf63dc4c8601ec8c;
    for (int i = 0; i != 7; ++i)
        expected *= 0x100000001b3;
    BOOST_TEST(strait::detail::hash_words('a') == expected);
}

BOOST_AUTO_TEST_CASE(fingerprints_never_change)
{
    // Another build of a peer must be recognised: these values are as fixed as the encoding.
    BOOST_TEST(print_of<std::int32_t> == 0xbb7939392319a839);
    BOOST_TEST(print_of<std::string> == 0x52826a899c5b19b3);
    BOOST_TEST(print_of<trade> == 0xb1fe8f542632ea7e);
    BOOST_TEST(print_of<node> == 0x42209464fabfdf74);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace serialization_fingerprint
