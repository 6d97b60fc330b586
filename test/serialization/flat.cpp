// Distributed under the Boost Software License, Version 1.0.
#include "samples.hpp"

#include <boost/container/small_vector.hpp>
#include <boost/container/static_vector.hpp>
#include <boost/test/unit_test.hpp>

namespace serialization_flat {

using namespace samples;
using strait::errc;
using strait::detail::codec;

namespace {

struct alignas(16) wide {
    std::int32_t a;
    bool operator==(wide const&) const = default;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(flat)

BOOST_AUTO_TEST_CASE(the_message_is_the_elements)
{
    BOOST_TEST((encoded(std::string("abc")) == raw({'a', 'b', 'c'})));
    BOOST_TEST((encoded(std::vector<std::uint16_t>{0x0102, 0x0304}) == raw({2, 1, 4, 3})));
    BOOST_TEST(encoded(std::string()).empty());
    static_assert(codec<std::string>::flat && codec<std::string>::layout.fixed_size == 0);
    static_assert(codec<std::vector<trade>>::layout.alignment == alignof(trade));
}

BOOST_AUTO_TEST_CASE(strings_and_vectors_round_trip)
{
    BOOST_TEST(round_trips(std::string("text"), std::string(100, 'x')));
    BOOST_TEST(round_trips(std::string(), std::string("old")));
    BOOST_TEST(round_trips(std::u8string(u8"text")));
    BOOST_TEST(round_trips(std::u32string(U"text"), std::u32string(U"longer before")));
    BOOST_TEST(round_trips(std::vector<double>{1, 2}, std::vector<double>{9, 9, 9}));
    BOOST_TEST(round_trips(std::vector<trade>{{1, 2, 3, side::buy}, {}}));
    BOOST_TEST(round_trips(std::vector<checked>(3)));
    BOOST_TEST(round_trips(std::vector<std::array<std::int8_t, 3>>(3)));
    BOOST_TEST(round_trips(boost::container::small_vector<int, 4>{1, 2, 3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(a_fraction_of_an_element_is_malformed)
{
    bytes const message(3 * sizeof(trade));
    for (std::size_t size = 0; size <= message.size(); ++size)
        BOOST_TEST(refused<std::vector<trade>>(std::span(message).first(size)) == (size % sizeof(trade) != 0));
}

BOOST_AUTO_TEST_CASE(a_bad_bool_in_any_element_is_malformed)
{
    bytes message = encoded(std::vector<checked>(50));
    for (std::size_t i = 4; i < message.size(); i += sizeof(checked)) {
        message[i] = std::byte{2};
        BOOST_TEST(refused<std::vector<checked>>(message));
        BOOST_TEST((codec<std::vector<checked>>::validate(message) == errc::malformed_message));
        message[i] = std::byte{1};
    }
    BOOST_TEST(!codec<std::vector<checked>>::validate(message));
}

BOOST_AUTO_TEST_CASE(more_than_the_container_takes_is_malformed)
{
    BOOST_TEST(round_trips(boost::container::static_vector<char, 4>{'a', 'b', 'c', 'd'}));
    BOOST_TEST((refused<boost::container::static_vector<char, 4>>(bytes(5))));
}

BOOST_AUTO_TEST_CASE(a_view_lies_in_the_message)
{
    static_assert(std::is_same_v<codec<std::string>::view_type, std::string_view>);
    static_assert(std::is_same_v<codec<std::u16string>::view_type, std::u16string_view>);
    static_assert(std::is_same_v<codec<std::vector<trade>>::view_type, std::span<trade const>>);
    bytes const message = encoded(std::vector<trade>{{1, 2, 3, side::buy}, {4, 5, 6, side::sell}});
    auto const view = codec<std::vector<trade>>::view(message);
    BOOST_TEST(static_cast<void const*>(view.data()) == static_cast<void const*>(message.data()));
    BOOST_REQUIRE(view.size() == 2U);
    BOOST_TEST(view[1].id == 4U);
    BOOST_TEST(codec<std::string>::view(raw({'h', 'i'})).size() == 2U);
    BOOST_TEST(codec<std::string>::view({}).empty());
}

BOOST_AUTO_TEST_CASE(decoding_needs_no_alignment)
{
    std::vector<trade> const value{{1, 2, 3, side::buy}, {4, 5, 6, side::sell}};
    bytes message = encoded(value);
    message.insert(message.begin(), std::byte{});
    auto const decoded = codec<std::vector<trade>>::decode(std::span(message).subspan(1));
    BOOST_TEST((decoded && *decoded == value));
}

BOOST_AUTO_TEST_CASE(decoding_reuses_memory)
{
    std::vector<int> value(100);
    int const* const before = value.data();
    BOOST_TEST(!codec<std::vector<int>>::decode(encoded(std::vector<int>{1, 2, 3}), value));
    BOOST_TEST(value.data() == before);
    BOOST_TEST(value.size() == 3U);
}

BOOST_AUTO_TEST_CASE(the_elements_are_given_to_fill_in_place)
{
    static_assert(std::is_same_v<codec<std::string>::element_type, char>);
    static_assert(std::is_same_v<codec<std::vector<trade>>::element_type, trade>);
    static_assert(!codec<trade>::flat && !codec<std::vector<std::string>>::flat);
    BOOST_TEST(codec<std::vector<trade>>::flat);
}

BOOST_AUTO_TEST_CASE(what_needs_more_alignment_or_has_no_memory_of_its_own_is_portable)
{
    static_assert(!codec<std::vector<wide>>::flat && !codec<std::vector<bool>>::flat && !codec<std::deque<int>>::flat);
    BOOST_TEST(round_trips(std::vector<wide>{{1}, {2}}));
    BOOST_TEST((encoded(std::vector<bool>{true, false}) == raw({2, 0, 0, 0, 1, 0})));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace serialization_flat
