// Distributed under the Boost Software License, Version 1.0.
#include "samples.hpp"

#include <strait/schema.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <string_view>

// Opaque, custom and refingerprinted types.
namespace serialization_schema {

class hidden {
public:
    int a = 0;

private:
    [[maybe_unused]] int b_ = 0;
};

struct decimal {
    std::int64_t digits;
};

struct versioned {
    std::int32_t quantity;
};

struct invoice {
    std::string text;
    hidden inside;
    decimal price;
    versioned amount;
};

struct another_base;
struct base {
    std::vector<another_base> others;
    std::pair<int, std::vector<base>> pair;
};
struct another_base {
    std::vector<base> bases;
    std::optional<std::vector<another_base>> own;
};
struct circle {
    base b;
    another_base a;
    std::vector<circle> c;
};

struct first_version {
    std::uint64_t id;
    double price;
    samples::trade part;
};
struct other_member {
    std::uint64_t id;
    float price;
    samples::trade part;
};
struct other_nested {
    std::uint64_t id;
    double price;
    first_version part;
};
struct one_more {
    std::uint64_t id;
    double price;
    samples::trade part;
    bool late;
};
struct renamed {
    std::uint64_t number;
    double cost;
    samples::trade content;
};
struct alignas(16) padded {
    std::uint64_t id;
    double price;
};
struct not_padded {
    std::uint64_t id;
    double price;
};

template <int N>
struct wide {
    std::array<char, N> a;
    std::array<char, N + 1> b;
    std::array<char, N + 2> c;
    std::array<char, N + 3> d;
    std::array<char, N + 4> e;
};
template <int N>
struct chain {
    wide<10 * N + 1> own;
    chain<N - 1> rest;
};
template <>
struct chain<0> {
    int last;
};
using too_many_types = chain<60>;

struct a_member_with_a_name_that_is_very_much_longer_than_any_that_a_person_would_give_to_it {
    int and_another_one_that_goes_on_and_on_and_on_and_on_until_it_has_more_than_ninety_bytes_at_last;
};
template <int N>
struct long_names {
    std::array<a_member_with_a_name_that_is_very_much_longer_than_any_that_a_person_would_give_to_it, N>
        and_another_one_that_goes_on_and_on_and_on_and_on_until_it_has_more_than_ninety_bytes_at_last;
};
template <int... N>
std::tuple<long_names<N + 1>...> make_long(std::integer_sequence<int, N...>);
using too_long_names = decltype(make_long(std::make_integer_sequence<int, 40>()));

}  // namespace serialization_schema

template <>
inline constexpr bool strait::enable_bitwise<serialization_schema::hidden> = true;

template <>
struct strait::serializer<serialization_schema::decimal> {
    static constexpr std::uint64_t fingerprint = 0x1122334455667788U;
    static constexpr std::string_view encoding = "decimal digits";
    static std::size_t size(serialization_schema::decimal const&) { return 8; }
    static void encode(serialization_schema::decimal const&, std::span<std::byte>) {}
    static strait::result<serialization_schema::decimal> decode(std::span<std::byte const>) { return serialization_schema::decimal{}; }
};

template <>
struct strait::serializer<serialization_schema::versioned> : strait::builtin_serializer<serialization_schema::versioned> {
    static constexpr std::uint64_t fingerprint = 2;
};

namespace serialization_schema {

using namespace samples;
using strait::errc;
using strait::schema;

namespace {

std::string as_text(schema const& s)
{
    return {reinterpret_cast<char const*>(s.bytes().data()), s.bytes().size()};
}

strait::result<schema> parse(std::string const& bytes)
{
    exact_bytes const exact(std::as_bytes(std::span(bytes)));
    return schema::parse(exact);
}

template <class T>
bool describes()
{
    schema const s = schema::of<T>();
    auto const again = parse(as_text(s));
    return again && s.is_complete() && s.fingerprint() == strait::detail::codec<T>::layout.fingerprint && again->text() == s.text();
}

template <class There, class Here>
std::string difference()
{
    return schema::difference(schema::of<There>(), schema::of<Here>());
}

BOOST_AUTO_TEST_SUITE(schemas)

// parse() computes the fingerprint anew from the structure.
BOOST_AUTO_TEST_CASE(the_fingerprint_is_a_hash_of_the_structure)
{
    BOOST_TEST((describes<bool>() && describes<char>() && describes<wchar_t>() && describes<std::int8_t>() && describes<std::uint64_t>()));
    BOOST_TEST((describes<float>() && describes<double>() && describes<long double>() && describes<std::byte>()));
    BOOST_TEST((describes<side>() && describes<samples::flag>() && describes<std::complex<float>>()));
    BOOST_TEST((describes<std::chrono::milliseconds>() && describes<std::chrono::system_clock::time_point>()));
    BOOST_TEST((describes<std::chrono::steady_clock::time_point>() && describes<empty>() && describes<trade>()));
    BOOST_TEST((describes<checked>() && describes<with_arrays>() && describes<std::array<trade, 7>>() && describes<named_arrays>()));
    BOOST_TEST((describes<std::string>() && describes<std::u32string>() && describes<std::vector<trade>>()));
    BOOST_TEST((describes<std::vector<bool>>() && describes<std::vector<std::string>>() && describes<std::optional<int>>()));
    BOOST_TEST((describes<std::variant<std::monostate, std::string, int>>() && describes<std::tuple<int, std::string>>()));
    BOOST_TEST((describes<std::map<std::string, int>>() && describes<std::unordered_multimap<std::string, int>>()));
    BOOST_TEST((describes<std::multiset<std::string>>() && describes<everything>()));
    BOOST_TEST((describes<hidden>() && describes<decimal>() && describes<versioned>() && describes<invoice>()));
}

BOOST_AUTO_TEST_CASE(recursive_types_refer_to_themselves)
{
    BOOST_TEST((describes<node>() && describes<json>() && describes<base>() && describes<another_base>() && describes<circle>()));
}

BOOST_AUTO_TEST_CASE(the_text_names_types_and_members)
{
    BOOST_TEST(schema::of<named_arrays>().text() == "struct samples::with_arrays {\n"
                                                    "    array<char, 16> name;\n"
                                                    "    array<array<i32, 3>, 2> matrix;\n"
                                                    "};\n"
                                                    "struct samples::named_arrays {\n"
                                                    "    string label;\n"
                                                    "    samples::with_arrays arrays;\n"
                                                    "    array<string, 2> rows;\n"
                                                    "};\n"
                                                    "// message: samples::named_arrays, sent in the portable encoding\n");
    BOOST_TEST(schema::of<trade>().text() == "struct samples::trade {  // 24 bytes, aligned to 8\n"
                                             "    u64 id;  // at byte 0\n"
                                             "    f64 price;  // at byte 8\n"
                                             "    u32 quantity;  // at byte 16\n"
                                             "    samples::side : char side;  // at byte 20\n"
                                             "};\n"
                                             "// message: samples::trade, sent as it lies in memory, 24 bytes\n");
    std::string const text = schema::of<everything>().text();
    BOOST_TEST(text.find("variant<std::monostate, i32, string> u;") != text.npos);  // behind the tenth member, too
    BOOST_TEST(text.find("multimap<i32, i32> z;") != text.npos);
    BOOST_TEST(text.find("samples::empty j2;") != text.npos);
}

BOOST_AUTO_TEST_CASE(what_strait_cannot_look_into_has_a_name)
{
    std::string const text = schema::of<invoice>().text();
    BOOST_TEST(text.find("serialization_schema::hidden of 8 bytes inside;") != text.npos);
    BOOST_TEST(text.find("struct serialization_schema::decimal {  // encoded by decimal digits") != text.npos);
    BOOST_TEST(text.find("    i32 quantity;") != text.npos);
}

BOOST_AUTO_TEST_CASE(the_first_member_that_differs_is_named)
{
    BOOST_TEST((difference<first_version, first_version>()) == "");
    BOOST_TEST((difference<first_version, renamed>()) == "");
    BOOST_TEST((difference<first_version, other_member>()) ==
               "serialization_schema::first_version there, serialization_schema::other_member here, member 2 (price): f64 there, f32 here");
    BOOST_TEST((difference<other_nested, first_version>()) ==
               "serialization_schema::other_nested there, serialization_schema::first_version here, member 3 (part), "
               "serialization_schema::first_version there, samples::trade here, member 3 (part there, quantity here): samples::trade there, u32 here");
    BOOST_TEST((difference<first_version, one_more>()) ==
               "serialization_schema::first_version there, serialization_schema::one_more here: 3 parts there, 4 here; bool late is only here");
    BOOST_TEST((difference<padded, not_padded>()) == "serialization_schema::padded there, serialization_schema::not_padded here: "
                                                     "16 bytes, aligned to 16 there, 16 bytes, aligned to 8 here");
    BOOST_TEST((difference<std::string, std::vector<int>>()) == "char there, i32 here");
    BOOST_TEST((difference<std::variant<int, std::string>, std::variant<int, double>>()) == "alternative 2: string there, f64 here");
    BOOST_TEST((difference<std::map<int, std::string>, std::map<int, node>>()) == "string there, samples::node here");
    BOOST_TEST((difference<node, json>()).starts_with("samples::node there, samples::json here, member 1 (name there, value here): string there"));
    BOOST_TEST((difference<versioned, decimal>()) == "serialization_schema::versioned there, serialization_schema::decimal here");
}

BOOST_AUTO_TEST_CASE(a_schema_without_names_is_compared_like_one_with_names)
{
    std::string const long_text = schema::of<too_long_names>().text();
    BOOST_TEST((describes<too_long_names>()));
    BOOST_TEST(long_text.find("and_another_one") == long_text.npos);
    BOOST_TEST((difference<too_long_names, too_long_names>()) == "");
    BOOST_TEST(schema::of<too_long_names>().bytes().size() <= strait::detail::schema_limit);
}

BOOST_AUTO_TEST_CASE(a_structure_that_is_too_large_says_so)
{
    schema const s = schema::of<too_many_types>();
    BOOST_TEST(!s.is_complete());
    BOOST_TEST(s.bytes().size() == strait::detail::schema_header);
    BOOST_TEST(s.fingerprint() == strait::detail::codec<too_many_types>::layout.fingerprint);
    BOOST_TEST(parse(as_text(s)).has_value());
    BOOST_TEST(s.text() == "// the structure is too large for a schema\n");
    BOOST_TEST((difference<too_many_types, trade>()) == "");
}

BOOST_AUTO_TEST_CASE(every_cut_is_refused)
{
    for (std::string const& whole : {as_text(schema::of<everything>()), as_text(schema::of<invoice>()), as_text(schema::of<circle>())})
        for (std::size_t size = 0; size != whole.size(); ++size) {
            std::string cut = whole.substr(0, size);
            BOOST_CHECK(parse(cut).error() == errc::malformed_message);
            if (size >= strait::detail::schema_header) {  // also one that says how long it is
                cut[4] = static_cast<char>(size);
                cut[5] = static_cast<char>(size >> 8);
                BOOST_CHECK(parse(cut).error() == errc::malformed_message);
            }
        }
    BOOST_CHECK(parse(as_text(schema::of<trade>()) + '\0').error() == errc::malformed_message);
}

// A byte of a name may change, and one of what a given fingerprint stands for.
BOOST_AUTO_TEST_CASE(a_changed_byte_is_a_changed_name_or_refused)
{
    for (std::string const& whole : {as_text(schema::of<everything>()), as_text(schema::of<trade>()), as_text(schema::of<circle>())}) {
        for (std::size_t i = 0; i != whole.size(); ++i)
            for (int bit = 0; bit != 8; ++bit) {
                std::string other = whole;
                other[i] = static_cast<char>(other[i] ^ 1 << bit);
                auto const s = parse(other);
                if (!s)
                    continue;
                BOOST_TEST((schema::difference(*parse(whole), *s).empty() || (other[2] & 8) != 0));
            }
    }
}

BOOST_AUTO_TEST_CASE(another_version_is_told_apart)
{
    std::string other = as_text(schema::of<trade>());
    other[0] = 1;
    BOOST_CHECK(parse(other).error() == errc::incompatible_peer);
}

// A schema of these types, with a fingerprint that the user has given, so that nothing but its form is checked.
std::string lying(std::string const& types, int count)
{
    std::string s(strait::detail::schema_header, '\0');
    s[0] = 2;
    s[1] = static_cast<char>(strait::detail::kind::portable_message);
    s[2] = 1 + 8;
    s += types;
    s[4] = static_cast<char>(s.size());
    s[5] = static_cast<char>(s.size() >> 8);
    s[6] = static_cast<char>(count);
    s[7] = static_cast<char>(count >> 8);
    return s;
}

constexpr char sequence_kind = 18;
constexpr char optional_kind = 16;
constexpr char variant_kind = 17;

BOOST_AUTO_TEST_CASE(types_that_nest_without_end_are_read_and_compared)
{
    std::string const of_itself = lying({sequence_kind, 0}, 1);
    std::string const in_turns = lying({sequence_kind, 1, sequence_kind, 0}, 2);
    auto const one = parse(of_itself);
    auto const two = parse(in_turns);
    BOOST_REQUIRE(one && two);
    BOOST_TEST(one->text().size() < 1000U);
    BOOST_TEST(schema::difference(*one, *two).size() < 100U);
    std::string unverified = of_itself;
    unverified[2] = 1;  // now its fingerprint is to be a hash
    BOOST_CHECK(parse(unverified).error() == errc::malformed_message);
    // Each type has the next one twice: without a bound the text would have 2^100 parts.
    std::string types;
    for (char i = 0; i != 100; ++i)
        types += {variant_kind, 2, static_cast<char>(i + 1), static_cast<char>(i + 1)};
    types += '\1';
    auto const wide = parse(lying(types, 101));
    BOOST_REQUIRE(wide);
    BOOST_TEST(wide->text().size() < 10000U);
    BOOST_TEST(schema::difference(*wide, *wide) == "");
    // Cycles of lengths without a common factor: 251 times 253 pairs of types.
    auto const cycle = [](int length) {
        std::string s;
        for (int i = 0; i != length; ++i) {
            int const next = (i + 1) % length;
            s += optional_kind;
            if (next < 128)
                s += static_cast<char>(next);
            else
                (s += static_cast<char>(next % 128 + 128)) += static_cast<char>(next / 128);
        }
        return lying(s, length);
    };
    auto const a = parse(cycle(251));
    auto const b = parse(cycle(253));
    BOOST_REQUIRE(a && b);
    BOOST_TEST(schema::difference(*a, *b).size() < 100U);
}

BOOST_AUTO_TEST_CASE(numbers_that_cannot_be_are_refused)
{
    BOOST_CHECK(parse(lying({sequence_kind, 1}, 1)).error() == errc::malformed_message);       // a type that is not there
    BOOST_CHECK(parse(lying({sequence_kind, '\x80', 0}, 1)).error() == errc::malformed_message);  // two bytes for 0
    BOOST_CHECK(parse(lying({sequence_kind, 0}, 0)).error() == errc::malformed_message);       // no type
    BOOST_CHECK(parse(lying({sequence_kind, 0}, 2)).error() == errc::malformed_message);       // one type too few
    BOOST_CHECK(parse(lying({0}, 1)).error() == errc::malformed_message);                      // no kind
    BOOST_CHECK(parse(lying({23}, 1)).error() == errc::malformed_message);                     // a kind of no type
    BOOST_CHECK(parse(lying({6, 0, 0}, 1)).error() == errc::malformed_message);                // an enumeration of itself
    BOOST_CHECK(parse(lying(std::string({7}) + std::string(11, '\xff'), 1)).error() == errc::malformed_message);
    BOOST_CHECK(parse(lying({11, 1, 1, 1, '\x1b'}, 1)).error() == errc::malformed_message);    // a name for a terminal
    BOOST_CHECK(parse(lying({17, '\x7f', 0}, 1)).error() == errc::malformed_message);          // alternatives that are not there
}

BOOST_AUTO_TEST_CASE(random_bytes_do_no_harm)
{
    std::mt19937 random(7);
    std::string const whole = as_text(schema::of<everything>());
    for (int round = 0; round != 3000; ++round) {
        std::string other = whole;
        other[2] |= 8;  // so that what is read is used
        for (int i = 0; i != 4; ++i)
            other[32 + random() % (other.size() - 32)] = static_cast<char>(random());
        if (auto const s = parse(other)) {
            BOOST_TEST(s->text().size() < 1'000'000U);
            BOOST_TEST(schema::difference(*s, schema::of<everything>()).size() < 1024U);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

}  // namespace serialization_schema
