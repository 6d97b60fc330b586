// Distributed under the Boost Software License, Version 1.0.
#include "samples.hpp"

#include <boost/container/flat_map.hpp>
#include <boost/container/static_vector.hpp>
#include <boost/optional.hpp>
#include <boost/test/unit_test.hpp>

namespace serialization_portable {

using namespace samples;
using strait::errc;
using strait::detail::codec;
using strait::detail::unencodable;

namespace {

everything full()
{
    return {-1,
            2,
            -3,
            4,
            5.5F,
            -6.25,
            true,
            side::sell,
            flag::on,
            std::byte{0xAB},
            u'\x20AC',
            "some text that is too long for the small string",
            u"wide",
            {"a", "", "ccc"},
            {true, false, true, true},
            {{1, 2.5, 3, side::buy}, {4, 5.5, 6, side::sell}},
            {1, -2, 3},
            {"x", "y"},
            {"first", "second"},
            "there",
            "chosen",
            {{"one", {1}}, {"two", {1, 2}}, {"none", {}}},
            {{1, "one"}, {-2, "two"}},
            {"p", "q", "r"},
            {5, 6, -7},
            {{1, 1}, {1, 2}, {0, 3}},
            {4, 4, 2},
            {4, 4, 2},
            {8, "pair"},
            {9, 1.5F, "tuple"},
            std::chrono::milliseconds{1234},
            std::chrono::system_clock::time_point{std::chrono::seconds{99}},
            {1.5, -2.5},
            {"array", {{1, 2, 3}, {4, 5, 6}}},
            {"root", {{"left", {}}, {"right", {{"leaf", {}}}}}},
            {}};
}

node chain(unsigned length)
{
    node deepest{"x", {}};
    for (unsigned i = 1; i < length; ++i)
        deepest = node{"x", {std::move(deepest)}};
    return deepest;
}

struct claims_3_gib {
    bool operator==(claims_3_gib const&) const = default;
};

struct claims_5_gib : std::string {
    std::size_t size() const { return std::size_t{5} << 30; }
};

struct never_a_map {
    operator std::map<int, int>() const { throw 1; }
};

}  // namespace

}  // namespace serialization_portable

template <>
struct strait::serializer<serialization_portable::claims_3_gib> {
    static constexpr std::uint64_t fingerprint = 1;
    static std::size_t size(serialization_portable::claims_3_gib const&) { return std::size_t{3} << 30; }
    static void encode(serialization_portable::claims_3_gib const&, std::span<std::byte>) {}
    static result<serialization_portable::claims_3_gib> decode(std::span<std::byte const>) { return serialization_portable::claims_3_gib{}; }
};

namespace serialization_portable {

BOOST_AUTO_TEST_SUITE(portable)

BOOST_AUTO_TEST_CASE(every_kind_of_member_round_trips)
{
    BOOST_TEST(round_trips(full()));
    BOOST_TEST(round_trips(everything{}));
    BOOST_TEST(round_trips(full(), full()));
    BOOST_TEST(round_trips(everything{}, full()));
}

BOOST_AUTO_TEST_CASE(every_kind_is_a_message_by_itself)
{
    everything const value = full();
    strait::detail::with_members(value, [](auto const&... member) {
        auto const try_one = [](auto const& one) {
            if constexpr (!std::is_array_v<std::remove_reference_t<decltype(one)>>)
                BOOST_TEST(round_trips(one));
        };
        (try_one(member), ...);
    });
}

BOOST_AUTO_TEST_CASE(kinds_nest_in_each_other)
{
    using pairs = std::list<std::pair<int, std::string>>;
    using deep = std::map<std::string, std::vector<std::optional<std::variant<pairs, trade>>>>;
    BOOST_TEST(round_trips(deep{{"a", {{}, {trade{1, 2, 3, side::buy}}, {pairs{{1, "x"}}}}}}));
    BOOST_TEST((round_trips(std::vector<std::vector<std::vector<int>>>{{{1}, {}}, {}, {{2, 3}}},
                            std::vector<std::vector<std::vector<int>>>{{{9, 9}, {9}, {9}}})));
    BOOST_TEST((round_trips(std::optional<std::optional<std::string>>{std::optional<std::string>{}})));
    using composite_keys = std::map<std::pair<int, std::string>, std::set<std::vector<int>>>;
    BOOST_TEST(round_trips(composite_keys{{{1, "a"}, {{1}, {1, 2}}}}));
    BOOST_TEST((round_trips(std::array<std::map<int, node>, 2>{{{{1, {"n", {}}}}, {}}})));
}

BOOST_AUTO_TEST_CASE(c_arrays_round_trip)
{
    BOOST_TEST(round_trips(named_arrays{"label", {"name", {{1, 2, 3}, {4, 5, 6}}}, {"first", "second"}}));
}

BOOST_AUTO_TEST_CASE(containers_of_boost_round_trip)
{
    BOOST_TEST((round_trips(boost::container::flat_map<std::string, int>{{"a", 1}, {"b", 2}})));
    BOOST_TEST((round_trips(boost::container::static_vector<std::string, 3>{"a", "b"})));
    BOOST_TEST((refused<boost::container::static_vector<std::string, 3>>(
        encoded(std::vector<std::string>{"a", "b", "c", "d"}))));
    BOOST_TEST(round_trips(boost::optional<std::string>{"a"}));
}

BOOST_AUTO_TEST_CASE(a_recursive_type_round_trips)
{
    std::map<std::string, json> object{{"a", {1.5}}, {"b", {true}}};
    BOOST_TEST(round_trips(json{std::vector<json>{{}, {"text"}, {object}, {std::vector<json>{{object}}}}}));
}

BOOST_AUTO_TEST_CASE(nesting_has_a_limit_at_both_ends)
{
    constexpr unsigned limit = strait::detail::nesting_limit;
    BOOST_TEST(round_trips(chain(limit)));
    BOOST_TEST(codec<node>::size(chain(limit + 1)) == unencodable);
    BOOST_TEST(round_trips(node{"wide", std::vector<node>(200, chain(limit - 1))}));

    // A chain of 10000, written by hand: each is "", then one child.
    bytes message;
    for (int i = 0; i != 10000; ++i)
        for (int byte : {0, 0, 0, 0, 1, 0, 0, 0})
            message.push_back(static_cast<std::byte>(byte));
    message.resize(message.size() + 8);
    BOOST_TEST(refused<node>(message));
}

BOOST_AUTO_TEST_CASE(a_variant_without_a_value_has_no_encoding)
{
    using variant = std::variant<int, std::map<int, int>>;
    std::pair<variant, std::vector<variant>> message{1, {2, std::map<int, int>{{1, 2}}}};
    BOOST_TEST(round_trips(message));
    BOOST_CHECK_THROW(message.second[0].emplace<1>(never_a_map{}), int);
    BOOST_TEST(message.second[0].valueless_by_exception());
    BOOST_TEST(codec<decltype(message)>::size(message) == unencodable);
}

BOOST_AUTO_TEST_CASE(more_than_4_gib_has_no_encoding)
{
    using claims = std::vector<claims_3_gib>;
    BOOST_TEST(codec<claims>::size(claims(1)) == 8 + (std::size_t{3} << 30));
    BOOST_TEST(codec<claims>::size(claims(2)) == unencodable);
    BOOST_TEST(codec<claims_5_gib>::size({}) == unencodable);
}

BOOST_AUTO_TEST_CASE(a_borrowed_message_is_a_decoded_copy)
{
    static_assert(!codec<node>::views_in_place && !codec<node>::bitwise && !codec<node>::flat);
    static_assert(std::is_same_v<codec<node>::view_type, node>);
    bytes const message = encoded(chain(3));
    BOOST_TEST(!codec<node>::validate(message));
    BOOST_TEST((codec<node>::view(message) == chain(3)));
    BOOST_TEST((codec<node>::validate(raw({1})) == errc::malformed_message));
}

BOOST_AUTO_TEST_CASE(decoding_reuses_memory)
{
    named_arrays value{std::string(100, 'x'), {}, {}};
    char const* const before = value.label.data();
    BOOST_TEST(!codec<named_arrays>::decode(encoded(named_arrays{"short", {}, {}}), value));
    BOOST_TEST((value.label.data() == before));
    std::vector<std::string> texts{std::string(100, 'x'), "y"};
    char const* const text = texts[0].data();
    BOOST_TEST(!codec<std::vector<std::string>>::decode(encoded(std::vector<std::string>{"a"}), texts));
    BOOST_TEST((texts[0].data() == text));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace serialization_portable
