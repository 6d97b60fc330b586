// Distributed under the Boost Software License, Version 1.0.
#include "samples.hpp"

#include <limits>

#include <boost/test/unit_test.hpp>

using namespace samples;
using strait::errc;
using strait::detail::codec;

namespace {

struct without_default {  // an aggregate all the same
    std::int32_t const a;
    std::int32_t const b;
};

class secret {
public:
    secret() = default;
    explicit secret(int value) : value_(value) {}
    bool operator==(secret const&) const = default;

private:
    int value_ = 0;
};

struct sheltered {
    secret inside;
    bool sure;
    bool operator==(sheltered const&) const = default;
};

struct block {
    std::array<std::byte, 4 << 20> content;
    std::uint64_t end;
};

struct many_bools {
    std::array<checked, 1 << 12> rows;
    bool more[2][5];
};

union number {
    int i;
    float f;
};

template <class T>
void round_trips_as_it_is(T const& value)
{
    static_assert(codec<T>::bitwise && codec<T>::views_in_place && !codec<T>::flat);
    static_assert(codec<T>::layout.fixed_size == sizeof(T) && codec<T>::layout.alignment == alignof(T));
    BOOST_TEST(codec<T>::size(value) == sizeof(T));
    BOOST_TEST(round_trips(value));
    BOOST_TEST((std::memcmp(encoded(value).data(), &value, sizeof(T)) == 0));
}

bytes message_of(checked const& value, std::size_t offset, int byte)
{
    bytes message = encoded(value);
    message[offset] = static_cast<std::byte>(byte);
    return message;
}

}  // namespace

template <>
inline constexpr bool strait::enable_bitwise<secret> = true;
template <>
inline constexpr bool strait::enable_bitwise<number> = true;

namespace serialization_bitwise {

BOOST_AUTO_TEST_SUITE(bitwise)

BOOST_AUTO_TEST_CASE(numbers_are_copied_as_they_are)
{
    round_trips_as_it_is('x');
    round_trips_as_it_is(true);
    round_trips_as_it_is(std::uint64_t{0x0102030405060708});
    round_trips_as_it_is(-1.5);
    round_trips_as_it_is(side::sell);
    round_trips_as_it_is(flag::on);
    round_trips_as_it_is(std::byte{0x80});
    round_trips_as_it_is(std::chrono::nanoseconds{-5});
    round_trips_as_it_is(std::chrono::steady_clock::time_point{std::chrono::seconds{7}});
    round_trips_as_it_is(std::complex<float>{1, -2});
}

BOOST_AUTO_TEST_CASE(aggregates_and_arrays_are_copied_as_they_are)
{
    round_trips_as_it_is(empty{});
    round_trips_as_it_is(trade{1, 2.5, 3, side::buy});
    round_trips_as_it_is(checked{1, true, {flag::on, flag::off, flag::on}});
    round_trips_as_it_is(with_arrays{"name", {{1, 2, 3}, {4, 5, 6}}});
    round_trips_as_it_is(std::array<trade, 3>{});
    round_trips_as_it_is(std::array<std::array<std::int16_t, 2>, 2>{{{1, 2}, {3, 4}}});
    round_trips_as_it_is(std::array<int, 0>{});
}

BOOST_AUTO_TEST_CASE(a_class_that_hides_its_members_is_copied_when_opted_in)
{
    round_trips_as_it_is(secret(3));
    round_trips_as_it_is(sheltered{secret(4), true});
    static_assert(codec<number>::bitwise);
}

BOOST_AUTO_TEST_CASE(a_type_without_default_is_decoded)
{
    static_assert(!std::is_default_constructible_v<without_default>);
    auto const decoded = codec<without_default>::decode(encoded(without_default{1, 2}));
    BOOST_REQUIRE(decoded);
    BOOST_TEST(decoded->a == 1);
    BOOST_TEST(decoded->b == 2);
    BOOST_TEST((codec<without_default>::decode(raw({1})).error() == errc::malformed_message));
}

BOOST_AUTO_TEST_CASE(another_size_is_malformed)
{
    bytes message(sizeof(trade) + 1);
    for (std::size_t size = 0; size <= message.size(); ++size)
        if (size != sizeof(trade)) {
            BOOST_TEST(refused<trade>(std::span(message).first(size)));
            BOOST_TEST((codec<trade>::validate(std::span(message).first(size)) == errc::malformed_message));
        }
}

BOOST_AUTO_TEST_CASE(every_bad_byte_of_a_bool_is_malformed)
{
    checked const good{5, true, {flag::on, flag::on, flag::on}};
    for (std::size_t offset = 0; offset != sizeof(checked); ++offset)
        for (int byte = 0; byte != 256; ++byte) {
            bytes const message = message_of(good, offset, byte);
            bool const holds_bool = offset >= 4 && offset < 8;
            BOOST_REQUIRE_EQUAL(refused<checked>(message), holds_bool && byte > 1);
            BOOST_REQUIRE_EQUAL(codec<checked>::validate(message).failed(), holds_bool && byte > 1);
        }
}

BOOST_AUTO_TEST_CASE(a_refused_bool_does_not_stay_in_the_object)
{
    checked value{5, true, {flag::on, flag::on, flag::on}};
    BOOST_TEST(codec<checked>::decode(message_of(value, 4, 0xFF), value).failed());
    BOOST_TEST(static_cast<int>(std::bit_cast<bytes::value_type>(value.b)) <= 1);
}

BOOST_AUTO_TEST_CASE(bools_in_arrays_of_arrays_are_found)
{
    auto const good = std::make_unique<many_bools>();
    bytes message = encoded(*good);
    BOOST_TEST(!codec<many_bools>::validate(message));
    for (std::size_t offset :
         {std::size_t{4}, sizeof(checked) * 4095 + 7, sizeof(checked) * 4096, sizeof(checked) * 4096 + 9}) {
        message[offset] = std::byte{2};
        BOOST_TEST((codec<many_bools>::validate(message) == errc::malformed_message));
        message[offset] = std::byte{1};
    }
    BOOST_TEST(!codec<many_bools>::validate(message));
}

BOOST_AUTO_TEST_CASE(what_has_no_bool_needs_no_look_at_its_bytes)
{
    static_assert(strait::detail::valid_objects<block>(nullptr));
    static_assert(!strait::detail::has_bool<block>);
    static_assert(strait::detail::has_bool<many_bools>);
    BOOST_TEST(!strait::detail::has_bool<trade>);
}

BOOST_AUTO_TEST_CASE(a_view_lies_in_the_message)
{
    alignas(trade) std::array<std::byte, sizeof(trade)> message;
    codec<trade>::encode({1, 2.5, 3, side::sell}, message);
    BOOST_REQUIRE(!codec<trade>::validate(message));
    trade const& view = codec<trade>::view(message);
    BOOST_TEST(static_cast<void const*>(&view) == static_cast<void const*>(message.data()));
    BOOST_TEST(view.quantity == 3U);
    static_assert(std::is_same_v<codec<trade>::view_type, trade const&>);
}

BOOST_AUTO_TEST_CASE(decoding_needs_no_alignment)
{
    bytes message = encoded(trade{1, 2.5, 3, side::sell});
    message.insert(message.begin(), std::byte{});
    trade value{};
    BOOST_TEST(!codec<trade>::decode(std::span(message).subspan(1), value));
    BOOST_TEST((value == trade{1, 2.5, 3, side::sell}));
}

BOOST_AUTO_TEST_CASE(an_enumeration_takes_every_value_of_its_type)
{
    side value{};
    BOOST_TEST(!codec<side>::decode(raw({0x7F}), value));
    BOOST_TEST(static_cast<int>(value) == 0x7F);
    flag two{};
    BOOST_TEST(codec<flag>::decode(raw({2}), two).failed());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace serialization_bitwise
