// Distributed under the Boost Software License, Version 1.0.
#include "samples.hpp"

#include <charconv>

#include <boost/test/unit_test.hpp>

namespace serialization_custom {

using namespace samples;
using strait::errc;
using strait::detail::codec;

namespace {

class decimal {  // sent as text
public:
    decimal() = default;
    explicit decimal(int value) : value_(value) {}
    int value() const { return value_; }
    bool operator==(decimal const&) const = default;

private:
    int value_ = 0;
};

struct id {  // would be copied as it is
    std::uint32_t value;
    bool operator==(id const&) const = default;
};

class never_empty {  // no default
public:
    explicit never_empty(char c) : c_(c) {}
    char get() const { return c_; }

private:
    char c_;
};

struct borrowed_text {
    std::string text;
};

struct invoice {
    id number;
    decimal amount;
    std::vector<decimal> parts;
    bool operator==(invoice const&) const = default;
};

struct order {
    std::int32_t quantity;
    bool operator==(order const&) const = default;
};

struct orders {
    std::vector<order> all;
    std::string name;
    bool operator==(orders const&) const = default;
};

struct half_written {};

}  // namespace

}  // namespace serialization_custom

template <>
struct strait::serializer<serialization_custom::decimal> {
    static constexpr std::uint64_t fingerprint = 11;

    static std::size_t size(serialization_custom::decimal const& d) { return std::to_string(d.value()).size(); }

    static void encode(serialization_custom::decimal const& d, std::span<std::byte> out)
    {
        std::memcpy(out.data(), std::to_string(d.value()).data(), out.size());
    }

    static result<serialization_custom::decimal> decode(std::span<std::byte const> in)
    {
        int value = 0;
        char const* const first = reinterpret_cast<char const*>(in.data());
        auto const [end, error] = std::from_chars(first, first + in.size(), value);
        if (error != std::errc{} || end != first + in.size())
            return strait::errc::malformed_message;
        return serialization_custom::decimal(value);
    }
};

template <>
struct strait::serializer<serialization_custom::id> {
    static constexpr std::uint64_t fingerprint = 12;
    static constexpr std::size_t fixed_size = 3;
    static constexpr std::size_t alignment = 2;

    static std::size_t size(serialization_custom::id const&) { return fixed_size; }
    static void encode(serialization_custom::id const& i, std::span<std::byte> out) { std::memcpy(out.data(), &i.value, 3); }
    static result<serialization_custom::id> decode(std::span<std::byte const> in)
    {
        serialization_custom::id value{};
        return decode(in, value) ? result<serialization_custom::id>(strait::errc::malformed_message) : value;
    }
    static error_code decode(std::span<std::byte const> in, serialization_custom::id& out)
    {
        out.value = 0;
        std::memcpy(&out.value, in.data(), 3);
        return in[0] == std::byte{0xFF} ? make_error_code(strait::errc::malformed_message) : error_code{};
    }
};

template <>
struct strait::serializer<serialization_custom::never_empty> {
    static constexpr std::uint64_t fingerprint = 13;
    static std::size_t size(serialization_custom::never_empty const&) { return 1; }
    static void encode(serialization_custom::never_empty const& n, std::span<std::byte> out) { out[0] = static_cast<std::byte>(n.get()); }
    static result<serialization_custom::never_empty> decode(std::span<std::byte const> in)
    {
        if (in.size() != 1)
            return strait::errc::malformed_message;
        return serialization_custom::never_empty(static_cast<char>(in[0]));
    }
};

template <>
struct strait::serializer<serialization_custom::borrowed_text> {
    static constexpr std::uint64_t fingerprint = 14;
    using view_type = std::string_view;
    static std::size_t size(serialization_custom::borrowed_text const& b) { return b.text.size(); }
    static void encode(serialization_custom::borrowed_text const& b, std::span<std::byte> out)
    {
        std::memcpy(out.data(), b.text.data(), out.size());
    }
    static result<serialization_custom::borrowed_text> decode(std::span<std::byte const> in) { return serialization_custom::borrowed_text{std::string(view(in))}; }
    static view_type view(std::span<std::byte const> in)
    {
        return {reinterpret_cast<char const*>(in.data()), in.size()};
    }
    static error_code validate(std::span<std::byte const> in)
    {
        return in.empty() ? make_error_code(strait::errc::malformed_message) : error_code{};
    }
};

template <>
struct strait::serializer<serialization_custom::order> : strait::builtin_serializer<serialization_custom::order> {
    static constexpr std::uint64_t fingerprint = 2;
};

template <>
struct strait::serializer<serialization_custom::half_written> {
    static constexpr std::uint64_t fingerprint = 3;
};

namespace serialization_custom {

BOOST_AUTO_TEST_SUITE(custom)

BOOST_AUTO_TEST_CASE(a_serializer_of_the_user_wins)
{
    BOOST_TEST((encoded(decimal(-12)) == raw({'-', '1', '2'})));
    BOOST_TEST(round_trips(decimal(-12)));
    BOOST_TEST((codec<decimal>::layout == strait::message_layout{0, 1, 11}));
    BOOST_TEST((encoded(id{0x030201}) == raw({1, 2, 3})));
    BOOST_TEST((codec<id>::layout == strait::message_layout{3, 2, 12}));
    BOOST_TEST(!codec<id>::bitwise);
}

BOOST_AUTO_TEST_CASE(its_errors_are_passed_on)
{
    BOOST_TEST(refused<decimal>(raw({'1', 'x'})));
    BOOST_TEST(refused<id>(raw({0xFF, 0, 0})));
}

BOOST_AUTO_TEST_CASE(it_is_never_given_another_size_than_the_fixed_one)
{
    BOOST_TEST((codec<id>::decode(raw({1, 2})).error() == errc::malformed_message));
    BOOST_TEST((codec<id>::decode(raw({1, 2, 3, 4})).error() == errc::malformed_message));
    id value{};
    BOOST_TEST((codec<id>::decode(raw({1}), value) == errc::malformed_message));
    BOOST_TEST((codec<id>::validate(raw({1})) == errc::malformed_message));
}

BOOST_AUTO_TEST_CASE(it_is_used_inside_of_other_messages)
{
    invoice const value{{0x030201}, decimal(7), {decimal(1), decimal(23)}};
    BOOST_TEST((encoded(value) == raw({1, 2, 3, 1, 0, 0, 0, '7', 2, 0, 0, 0, 1, 0, 0, 0, '1', 2, 0, 0, 0, '2', '3'})));
    BOOST_TEST(round_trips(value));
    BOOST_TEST(refused<invoice>(raw({0xFF, 2, 3, 1, 0, 0, 0, '7', 0, 0, 0, 0})));
    BOOST_TEST(refused<invoice>(raw({1, 2, 3, 1, 0, 0, 0, 'x', 0, 0, 0, 0})));
    BOOST_TEST(refused<invoice>(raw({1, 2, 3, 9, 0, 0, 0, '7', 0, 0, 0, 0})));
    static_assert(!strait::detail::bitwise<std::array<id, 3>>);
    BOOST_TEST((codec<std::array<id, 3>>::layout.fixed_size == 9U));
}

BOOST_AUTO_TEST_CASE(it_needs_no_default_for_whole_messages)
{
    auto const decoded = codec<never_empty>::decode(encoded(never_empty('c')));
    BOOST_TEST((decoded && decoded->get() == 'c'));
    BOOST_TEST(!strait::serializable<std::vector<never_empty>>);
}

BOOST_AUTO_TEST_CASE(it_may_have_a_view_of_its_own)
{
    static_assert(std::is_same_v<codec<borrowed_text>::view_type, std::string_view>);
    static_assert(codec<borrowed_text>::views_in_place && !codec<decimal>::views_in_place);
    bytes const message = raw({'h', 'i'});
    BOOST_TEST(!codec<borrowed_text>::validate(message));
    BOOST_TEST(codec<borrowed_text>::view(message) == "hi");
    BOOST_TEST((codec<borrowed_text>::validate({}) == errc::malformed_message));
    BOOST_TEST((codec<decimal>::view(raw({'4'})) == decimal(4)));
    BOOST_TEST((codec<decimal>::validate(raw({'x'})) == errc::malformed_message));
}

BOOST_AUTO_TEST_CASE(a_fingerprint_alone_can_be_replaced)
{
    static_assert(codec<order>::bitwise);
    BOOST_TEST(codec<order>::layout.fingerprint == 2U);
    BOOST_TEST(round_trips(order{5}));
    BOOST_TEST(round_trips(orders{{{1}, {2}}, "n"}));
    struct plain {
        std::int32_t quantity;
    };
    struct plain_orders {
        std::vector<plain> all;
        std::string name;
    };
    BOOST_TEST(codec<orders>::layout.fingerprint != codec<plain_orders>::layout.fingerprint);
    BOOST_TEST((codec<std::array<order, 2>>::layout.fingerprint != codec<std::array<plain, 2>>::layout.fingerprint));
    BOOST_TEST(strait::builtin_serializer<order>::fingerprint == codec<plain>::layout.fingerprint);
}

BOOST_AUTO_TEST_CASE(a_serializer_that_is_not_complete_satisfies_nothing)
{
    BOOST_TEST(!strait::serializable<half_written>);
    BOOST_TEST(!strait::serializable<std::vector<half_written>>);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace serialization_custom
