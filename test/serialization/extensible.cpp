// Distributed under the Boost Software License, Version 1.0.
#include <strait/schema.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// Messages to which members are appended. Each version is a type of its own here.
namespace serialization_extensible {

// The first one would be sent as it lies in memory if it were not extensible.
struct order_1 {
    std::uint64_t id;
    double price;
};
struct order_2 {
    std::uint64_t id;
    double price;
    std::uint32_t quantity = 7;
    std::vector<std::string> notes{"none"};
};
struct order_3 {
    std::uint64_t number;
    double cost;
    std::uint32_t amount = 7;
    std::vector<std::string> notes{"none"};
    int levels[2] = {3, 4};
    std::optional<std::string> venue = "home";
};
struct other_price {
    std::uint64_t id;
    float price;
};
struct other_quantity {
    std::uint64_t id;
    double price;
    double quantity;
};
struct without_price {
    std::uint64_t id;
};
struct reordered {
    double price;
    std::uint64_t id;
};
struct not_extensible {
    std::uint64_t id;
    double price;
};
struct of_one {
    std::uint64_t id;
    double price;
};

template <class Order>
struct book {
    std::string name;
    Order best;
    std::vector<Order> orders;
    std::deque<std::array<Order, 2>> pairs;
    std::map<std::string, Order> by_name;
    std::optional<Order> last;
    std::variant<int, Order> either;
    std::uint16_t end;
};

// What is appended makes it recursive.
struct tree_1 {
    std::string name;
    std::vector<std::vector<int>> rows;
};
struct tree_2 {
    std::string name;
    std::vector<std::vector<int>> rows;
    std::vector<tree_2> children;
};
struct list_1 {
    std::vector<list_1> next;
};
struct list_2 {
    std::vector<list_2> next;
    int value = 5;
};

template <class Inner>
struct envelope_1 {
    Inner inner;
};
template <class Inner>
struct envelope_2 {
    Inner inner;
    Inner second{};
    std::string note = "no note";
};

}  // namespace serialization_extensible

template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::order_1> = 2;
template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::order_2> = 2;
template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::order_3> = 2;
template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::other_price> = 2;
template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::other_quantity> = 2;
template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::without_price> = 1;
template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::reordered> = 2;
template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::of_one> = 1;
template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::tree_1> = 2;
template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::tree_2> = 2;
template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::list_1> = 1;
template <>
inline constexpr std::size_t strait::extensible<serialization_extensible::list_2> = 1;
template <class T>
inline constexpr std::size_t strait::extensible<serialization_extensible::envelope_1<T>> = 1;
template <class T>
inline constexpr std::size_t strait::extensible<serialization_extensible::envelope_2<T>> = 1;

namespace serialization_extensible {

using strait::errc;
using strait::schema;
using strait::detail::codec;

namespace {

template <class T>
std::vector<std::byte> encoded(T const& value)
{
    std::vector<std::byte> bytes(codec<T>::size(value));
    codec<T>::encode(value, bytes);
    return bytes;
}

// Reads at the end of a block of memory, so that a sanitizer sees what is read behind it.
template <class T>
strait::error_code decode(std::vector<std::byte> const& bytes, T& out)
{
    std::unique_ptr<std::byte[]> const exact(new std::byte[bytes.size()]);
    if (!bytes.empty())
        std::memcpy(exact.get(), bytes.data(), bytes.size());
    return codec<T>::decode({exact.get(), bytes.size()}, out);
}

template <class To, class From>
To converted(From const& from)
{
    To to{};
    strait::error_code const e = decode(encoded(from), to);
    BOOST_TEST(!e);
    return to;
}

template <class A, class B>
constexpr bool same_layout = codec<A>::layout == codec<B>::layout;

template <class There, class Here>
std::string difference()
{
    return schema::difference(schema::of<There>(), schema::of<Here>());
}

template <class T>
bool describes()
{
    schema const s = schema::of<T>();
    auto const again = schema::parse(s.bytes());
    return again && s.is_complete() && s.fingerprint() == codec<T>::layout.fingerprint && again->text() == s.text();
}

template <class Order>
book<Order> filled(Order const& o)
{
    return {"book", o, {o, o, o}, {{o, o}, {o, o}}, {{"a", o}, {"b", o}}, o, o, 0xabcd};
}

template <class Order>
bool is_whole(book<Order> const& b)
{
    return b.name == "book" && b.best.id == 1 && b.orders.size() == 3 && b.orders[2].id == 1 && b.pairs.size() == 2 && b.pairs[1][1].price == 2.5 &&
           b.by_name.size() == 2 && b.by_name.at("b").id == 1 && b.last && b.last->price == 2.5 && std::get<1>(b.either).id == 1 && b.end == 0xabcd;
}

BOOST_AUTO_TEST_SUITE(extensible_messages)

static_assert(same_layout<order_1, order_2> && same_layout<order_1, order_3>);
static_assert(same_layout<book<order_1>, book<order_3>> && same_layout<tree_1, tree_2> && same_layout<list_1, list_2>);
static_assert(same_layout<envelope_1<order_1>, envelope_2<order_3>>);
static_assert(!same_layout<order_1, other_price> && !same_layout<order_1, without_price> && !same_layout<order_1, reordered>);
static_assert(!same_layout<order_1, not_extensible> && !same_layout<order_1, of_one>);
static_assert(!codec<order_1>::bitwise && !strait::detail::bitwise<std::array<order_1, 2>> && !codec<std::vector<order_1>>::flat);
static_assert(strait::detail::message_description_of<book<order_1>>.grows && !strait::detail::message_description_of<not_extensible>.grows);
static_assert(strait::serializable<std::map<int, order_1>> && !strait::serializable<std::map<order_1, int>>);

BOOST_AUTO_TEST_CASE(an_older_version_skips_what_it_does_not_know)
{
    order_1 const one = converted<order_1>(order_3{1, 2.5, 3, {"x", "y"}, {5, 6}, "away"});
    BOOST_TEST(one.id == 1U);
    BOOST_TEST(one.price == 2.5);
    auto const b = converted<book<order_1>>(filled(order_2{1, 2.5, 3, {"x"}}));
    BOOST_TEST(is_whole(b));
}

BOOST_AUTO_TEST_CASE(a_newer_version_finds_its_default_member_initialisers)
{
    auto const b = converted<book<order_2>>(filled(order_1{1, 2.5}));
    BOOST_TEST(is_whole(b));
    for (order_2 const* o : {&b.best, &b.orders[0], &b.pairs[1][0], &b.by_name.at("a"), &*b.last, &std::get<1>(b.either)})
        BOOST_TEST((o->quantity == 7 && o->notes == std::vector<std::string>{"none"}));
}

// The object that is received into may hold another message.
BOOST_AUTO_TEST_CASE(members_that_did_not_come_are_reset)
{
    order_3 o{9, 9, 9, {"x", "y"}, {5, 6}, "away"};
    BOOST_TEST(!decode(encoded(order_2{1, 2.5, 3, {"z"}}), o));
    BOOST_TEST((o.number == 1 && o.cost == 2.5 && o.amount == 3 && o.notes == std::vector<std::string>{"z"}));
    BOOST_TEST((o.levels[0] == 3 && o.levels[1] == 4 && o.venue == "home"));
    o.levels[1] = 8;
    BOOST_TEST(!decode(encoded(order_1{1, 2.5}), o));
    BOOST_TEST((o.amount == 7 && o.notes == std::vector<std::string>{"none"} && o.levels[1] == 4));
}

BOOST_AUTO_TEST_CASE(extensible_types_within_each_other_grow_apart)
{
    envelope_2<order_1> sent{{1, 2.5}, {2, 3.5}, "note"};
    auto const one = converted<envelope_1<order_2>>(sent);
    BOOST_TEST((one.inner.id == 1 && one.inner.quantity == 7));
    auto const two = converted<envelope_2<order_2>>(sent);
    BOOST_TEST((two.second.id == 2 && two.second.quantity == 7 && two.note == "note"));
    auto const back = converted<envelope_2<order_1>>(envelope_1<order_2>{{1, 2.5, 3, {}}});
    BOOST_TEST((back.inner.id == 1 && back.note == "no note"));
}

BOOST_AUTO_TEST_CASE(a_version_may_become_recursive)
{
    tree_2 const sent{"root", {{1, 2}}, {{"leaf", {}, {}}}};
    tree_1 const old = converted<tree_1>(sent);
    BOOST_TEST((old.name == "root" && old.rows.size() == 1));
    tree_2 const again = converted<tree_2>(sent);
    BOOST_TEST((again.children.size() == 1 && again.children[0].name == "leaf"));
    list_2 const list = converted<list_2>(list_1{{{}, {{{}}}}});
    BOOST_TEST((list.next.size() == 2 && list.next[1].next.size() == 1 && list.next[1].next[0].value == 5));
    tree_2 deep{};
    for (int i = 0; i != 70; ++i) {
        tree_2 outer{};
        outer.children.push_back(std::move(deep));
        deep = std::move(outer);
    }
    BOOST_TEST(codec<tree_2>::size(deep) == strait::detail::unencodable);
}

BOOST_AUTO_TEST_CASE(the_bytes_are_a_size_and_the_members)
{
    auto const bytes = encoded(order_1{1, 0});
    std::vector<std::byte> expected(20);
    expected[0] = std::byte{16};
    expected[4] = std::byte{1};
    BOOST_CHECK(bytes == expected);
    BOOST_TEST(encoded(std::vector<order_1>(2)).size() == 44U);
}

BOOST_AUTO_TEST_CASE(each_cut_is_malformed)
{
    for (auto const& whole : {encoded(filled(order_1{1, 2.5})), encoded(filled(order_3{1, 2.5, 3, {"x"}, {5, 6}, "away"}))})
        for (std::size_t size = 0; size != whole.size(); ++size) {
            book<order_2> b;
            BOOST_CHECK(decode({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}, b) == errc::malformed_message);
        }
}

// A size that is less than that of the first members, or ends within a later one, or says more than is there.
BOOST_AUTO_TEST_CASE(a_size_that_lies_is_malformed)
{
    auto const right = encoded(order_2{1, 2.5, 3, {"x"}});
    for (std::size_t size = 0; size != 100; ++size) {
        auto bytes = right;
        bytes[0] = std::byte(size);
        bytes.resize(std::min(right.size(), 4 + size));
        order_2 two{};
        bool const whole = size == 16 || size == 20 || size == right.size() - 4;
        BOOST_TEST((decode(bytes, two) == (whole ? strait::error_code() : make_error_code(errc::malformed_message))), "size " << size);
        order_1 one{};
        bool const enough = size >= 16 && size <= right.size() - 4;
        BOOST_TEST((decode(bytes, one) == (enough ? strait::error_code() : make_error_code(errc::malformed_message))), "size " << size);
        if (size < right.size() - 4) {  // bytes of one element that another one has
            auto longer = encoded(std::vector<order_2>{{1, 2.5, 3, {"x"}}});
            longer[4] = std::byte(size);
            std::vector<order_1> all;
            BOOST_TEST((decode(longer, all) == errc::malformed_message), "size " << size);
        }
    }
}

// Elements that were announced cannot be announced again by what an older version skips, or within an element's own bytes.
BOOST_AUTO_TEST_CASE(a_count_beyond_the_bytes_of_its_type_is_malformed)
{
    auto bytes = encoded(std::vector<tree_1>{{"a", {{1}, {2}}}, {"b", {}}, {"c", {}}});
    std::size_t const rows = 4 + 4 + 5;  // behind the count, the size, and the name of the first
    BOOST_REQUIRE((bytes[rows] == std::byte{2}));
    for (int count : {0, 1, 3, 4, 5, 100, 255}) {
        bytes[rows] = std::byte(count);
        std::vector<tree_2> all;
        BOOST_TEST((decode(bytes, all) == errc::malformed_message), "count " << count);
    }
}

BOOST_AUTO_TEST_CASE(schemas_of_versions_are_compatible)
{
    BOOST_TEST((difference<order_1, order_3>()) == "");
    BOOST_TEST((difference<order_3, order_1>()) == "");
    BOOST_TEST((difference<book<order_3>, book<order_2>>()) == "");
    BOOST_TEST((difference<envelope_1<order_3>, envelope_2<order_1>>()) == "");
    BOOST_TEST((difference<tree_1, tree_2>()) == "");
    BOOST_TEST((difference<list_2, list_1>()) == "");
    BOOST_TEST((describes<order_1>() && describes<order_3>() && describes<book<order_2>>() && describes<tree_1>() && describes<tree_2>()));
    BOOST_TEST((describes<list_1>() && describes<list_2>() && describes<envelope_2<book<order_3>>>()));
}

BOOST_AUTO_TEST_CASE(what_differs_otherwise_is_named)
{
    std::string const here = "serialization_extensible::order_2 there, serialization_extensible::";
    BOOST_TEST((difference<order_2, other_quantity>()) == here + "other_quantity here, member 3 (quantity): u32 there, f64 here");
    BOOST_TEST((difference<order_2, other_price>()) == here + "other_price here, member 2 (price): f64 there, f32 here");
    BOOST_TEST((difference<order_2, reordered>()) == here + "reordered here, member 1 (id there, price here): u64 there, f64 here");
    BOOST_TEST((difference<order_2, not_extensible>()).starts_with(here + "not_extensible here: 4 parts there, 2 here"));
    BOOST_TEST((difference<order_1, not_extensible>()) ==
               "serialization_extensible::order_1 there, serialization_extensible::not_extensible here: extensible, with 2 members in the "
               "first version there, not extensible here");
    BOOST_TEST((difference<order_1, of_one>()) ==
               "serialization_extensible::order_1 there, serialization_extensible::of_one here: extensible, with 2 members in the first "
               "version there, extensible, with 1 members in the first version here");
    BOOST_TEST((difference<std::vector<order_2>, std::vector<other_quantity>>()) == here + "other_quantity here, member 3 (quantity): u32 there, f64 here");
}

BOOST_AUTO_TEST_CASE(the_text_says_what_is_extensible)
{
    BOOST_TEST(schema::of<order_2>().text() == "struct serialization_extensible::order_2 {  // extensible: 2 members in the first version\n"
                                               "    u64 id;\n"
                                               "    f64 price;\n"
                                               "    u32 quantity;\n"
                                               "    sequence<string> notes;\n"
                                               "};\n"
                                               "// message: serialization_extensible::order_2, sent in the portable encoding\n");
}

BOOST_AUTO_TEST_CASE(a_schema_that_lies_about_its_first_version_is_refused)
{
    std::string const whole(reinterpret_cast<char const*>(schema::of<order_2>().bytes().data()), schema::of<order_2>().bytes().size());
    std::size_t const at = strait::detail::schema_header + 1;  // behind the kind
    BOOST_REQUIRE(whole[at] == 2);
    for (int const first : {0, 1, 3, 4, 5, 127}) {
        std::string other = whole;
        other[at] = static_cast<char>(first);
        BOOST_CHECK(schema::parse(std::as_bytes(std::span(other))).error() == errc::malformed_message);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

}  // namespace serialization_extensible
