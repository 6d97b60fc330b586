// Distributed under the Boost Software License, Version 1.0.
#include "samples.hpp"

#include <boost/test/unit_test.hpp>

namespace serialization_wire {

using namespace samples;
using strait::detail::codec;

// The bytes of the portable encoding. They are a promise to peers on other hosts: never change an expectation.
namespace {

template <class T>
struct tagged {  // with a string behind it, so that no shorter tier takes it
    T value;
    std::string end;
};

// The bytes of a T as a part of a message.
template <class T>
bytes part(T value)
{
    tagged<T> const message{std::move(value), "."};
    bytes out = encoded(message);
    BOOST_TEST_REQUIRE(out.size() >= 5);
    BOOST_TEST((bytes(out.end() - 5, out.end()) == raw({1, 0, 0, 0, '.'})));
    out.resize(out.size() - 5);
    return out;
}

bytes operator+(bytes left, bytes const& right)
{
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

struct padded {
    std::int8_t a;
    std::int32_t b;
    std::int16_t c;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(wire)

BOOST_AUTO_TEST_CASE(numbers_are_little_endian)
{
    BOOST_TEST((part(std::uint8_t{1}) == raw({1})));
    BOOST_TEST((part(std::int16_t{-2}) == raw({0xFE, 0xFF})));
    BOOST_TEST((part(std::uint32_t{0x01020304}) == raw({4, 3, 2, 1})));
    BOOST_TEST((part(std::uint64_t{0x0102030405060708}) == raw({8, 7, 6, 5, 4, 3, 2, 1})));
    BOOST_TEST((part(1.0F) == raw({0, 0, 0x80, 0x3F})));
    BOOST_TEST((part(-2.0) == raw({0, 0, 0, 0, 0, 0, 0, 0xC0})));
    BOOST_TEST((part(true) == raw({1})));
    BOOST_TEST((part(side::buy) == raw({'b'})));
    BOOST_TEST((part(u'\x0102') == raw({2, 1})));
    BOOST_TEST((part(std::chrono::duration<std::int32_t, std::milli>{258}) == raw({2, 1, 0, 0})));
    BOOST_TEST((part(std::complex<float>{1, -2}) == raw({0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0})));
}

BOOST_AUTO_TEST_CASE(a_big_endian_host_turns_numbers_round)
{
    using namespace strait::detail;
    std::uint32_t const numbers[] = {0x01020304, 0x05060708};
    bytes out(8);
    store_numbers<std::endian::big>(out.data(), numbers, 2);
    BOOST_TEST((out == raw({1, 2, 3, 4, 5, 6, 7, 8})) == little_endian);
    std::uint32_t back[2]{};
    load_numbers<std::endian::big>(out.data(), back, 2);
    BOOST_TEST(back[1] == 0x05060708U);
}

BOOST_AUTO_TEST_CASE(structs_are_packed)
{
    BOOST_TEST((part(padded{1, 2, 3}) == raw({1, 2, 0, 0, 0, 3, 0})));
    BOOST_TEST((part(std::pair<std::int8_t, std::int16_t>{1, 2}) == raw({1, 2, 0})));
    BOOST_TEST((part(std::tuple<std::int8_t, bool, std::int8_t>{1, true, 2}) == raw({1, 1, 2})));
    BOOST_TEST(part(empty{}).empty());
    BOOST_TEST((part(std::array<std::int16_t, 2>{1, 2}) == raw({1, 0, 2, 0})));
    BOOST_TEST((part(std::array<padded, 2>{{{1, 2, 3}, {4, 5, 6}}}) ==
                raw({1, 2, 0, 0, 0, 3, 0, 4, 5, 0, 0, 0, 6, 0})));
}

BOOST_AUTO_TEST_CASE(containers_have_a_count_of_four_bytes)
{
    BOOST_TEST((part(std::string("ab")) == raw({2, 0, 0, 0, 'a', 'b'})));
    BOOST_TEST((part(std::vector<std::int16_t>{1, 2}) == raw({2, 0, 0, 0, 1, 0, 2, 0})));
    BOOST_TEST((part(std::list<std::int16_t>{1, 2}) == raw({2, 0, 0, 0, 1, 0, 2, 0})));
    BOOST_TEST((part(std::vector<bool>{true, false}) == raw({2, 0, 0, 0, 1, 0})));
    BOOST_TEST((part(std::vector<padded>{{1, 2, 3}}) == raw({1, 0, 0, 0, 1, 2, 0, 0, 0, 3, 0})));
    BOOST_TEST((part(std::vector<std::string>{"", "a"}) == raw({2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'a'})));
    BOOST_TEST((part(std::set<std::int8_t>{3, 1}) == raw({2, 0, 0, 0, 1, 3})));
    BOOST_TEST((part(std::map<std::int8_t, std::string>{{1, "x"}}) == raw({1, 0, 0, 0, 1, 1, 0, 0, 0, 'x'})));
    BOOST_TEST((part(std::multimap<std::int8_t, bool>{{1, true}, {1, false}}) == raw({2, 0, 0, 0, 1, 1, 1, 0})));
}

BOOST_AUTO_TEST_CASE(an_element_of_no_size_is_one_zero_byte)
{
    BOOST_TEST((part(std::vector<empty>(3)) == raw({3, 0, 0, 0, 0, 0, 0})));
    BOOST_TEST((part(std::vector<std::tuple<>>(1)) == raw({1, 0, 0, 0, 0})));
}

BOOST_AUTO_TEST_CASE(optional_and_variant_have_one_byte_before_the_value)
{
    BOOST_TEST((part(std::optional<std::int16_t>{}) == raw({0})));
    BOOST_TEST((part(std::optional<std::int16_t>{7}) == raw({1, 7, 0})));
    using choice = std::variant<std::monostate, std::int16_t, std::string>;
    BOOST_TEST((part(choice{}) == raw({0})));
    BOOST_TEST((part(choice{std::int16_t{7}}) == raw({1, 7, 0})));
    BOOST_TEST((part(choice{"a"}) == raw({2, 1, 0, 0, 0, 'a'})));
}

BOOST_AUTO_TEST_CASE(a_nested_message_is_its_parts_in_order)
{
    node const tree{"r", {{"a", {}}, {"b", {{"c", {}}}}}};
    BOOST_TEST((encoded(tree) == raw({1, 0, 0, 0, 'r', 2, 0, 0, 0}) + raw({1, 0, 0, 0, 'a', 0, 0, 0, 0}) +
                                     raw({1, 0, 0, 0, 'b', 1, 0, 0, 0}) + raw({1, 0, 0, 0, 'c', 0, 0, 0, 0})));
}

BOOST_AUTO_TEST_CASE(a_constant_size_is_known_to_the_transport)
{
    static_assert(codec<std::pair<std::int8_t, double>>::layout.fixed_size == 9);
    static_assert(codec<std::pair<std::int8_t, double>>::layout.alignment == 1);
    static_assert(codec<std::tuple<padded, std::array<char, 3>>>::layout.fixed_size == 10);
    static_assert(codec<std::optional<int>>::layout.fixed_size == 0);
    static_assert(codec<std::vector<std::string>>::layout.fixed_size == 0);
    BOOST_TEST((codec<std::pair<std::int8_t, double>>::size({}) == 9U));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace serialization_wire
