// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization/nlohmann_json.hpp>

#include "adapters.hpp"

using namespace adapters;
using nlohmann::json;

namespace {

struct person {
    std::string name;
    int age = 0;
    std::vector<std::string> friends;
    bool operator==(person const&) const = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(person, name, age, friends)

// Not all of it need be there.
struct setting {
    int level = 3;
};
void to_json(json& j, setting const& s) { j = json{{"level", s.level}}; }
void from_json(json const& j, setting& s)
{
    if (j.contains("level"))
        j["level"].get_to(s.level);
}

struct envelope {
    std::uint32_t number = 0;
    person about;
    json rest;
    bool operator==(envelope const&) const = default;
};

bytes text(std::string_view s)
{
    auto const raw = std::as_bytes(std::span(s));
    return {raw.begin(), raw.end()};
}

}  // namespace

template <>
struct strait::serializer<person> : strait::as_json<person> {};
template <>
struct strait::serializer<setting> : strait::as_json<setting> {};

BOOST_AUTO_TEST_SUITE(adapter_nlohmann_json)

BOOST_AUTO_TEST_CASE(json_arrives)
{
    json const j = {{"list", {1, -2, 3.5, nullptr, true}}, {"text", "\u00e9 \" \\ \n"}, {"empty", json::object()}, {"big", UINT64_MAX}};
    BOOST_TEST((sent(j) == j));
    BOOST_TEST((sent(nlohmann::ordered_json{{"z", 1}, {"a", 2}}).dump() == R"({"z":1,"a":2})"));
}

BOOST_AUTO_TEST_CASE(a_class_of_the_library_arrives_when_it_opts_in)
{
    person const ada{"Ada", 36, {"Grace", "Barbara"}};
    BOOST_TEST((sent(ada) == ada));
    BOOST_TEST((encoded(ada) == text(R"({"age":36,"friends":["Grace","Barbara"],"name":"Ada"})")));
}

BOOST_AUTO_TEST_CASE(it_is_part_of_other_messages)
{
    envelope const e{5, {"Ada", 36, {}}, {{"a", {1, 2}}}};
    BOOST_TEST((sent(e) == e));
}

BOOST_AUTO_TEST_CASE(what_an_old_message_held_is_not_left_in_the_next)
{
    auto [out, in] = strait::channel<setting, strait::shm_ring<>>::make_pair().split();
    out.send({9});
    setting s;
    BOOST_TEST(in.receive(s));
    BOOST_TEST(s.level == 9);
    BOOST_TEST(!strait::serializer<setting>::decode(text("{}"), s));
    BOOST_TEST(s.level == 3);
}

BOOST_AUTO_TEST_CASE(damage_is_malformed_and_harmless)
{
    check_damage(person{"Ada", 36, {"Grace \"\\\" Hopper"}});
    for (char const* bad : {"", "[", "nul", "{\"name\":1}", "[1] 2", "\xff", "{\"name\":\"A\",\"age\":\"x\",\"friends\":[]}"})
        BOOST_TEST(is_malformed<person>(text(bad)), "passes: " << bad);
}

BOOST_AUTO_TEST_CASE(nesting_is_limited_in_arrays_and_objects_and_not_in_strings)
{
    auto const nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    BOOST_TEST(!is_malformed<json>(text(nested(512))));
    BOOST_TEST(is_malformed<json>(text(nested(513))));
    BOOST_TEST(is_malformed<json>(text(nested(1'000'000))));
    json const quoted = "\"" + nested(2000) + "\\";
    BOOST_TEST((sent(quoted) == quoted));
}

BOOST_AUTO_TEST_CASE(text_that_is_not_utf8_is_not_sent)
{
    auto [out, in] = strait::channel<json, strait::shm_ring<>>::make_pair().split();
    BOOST_CHECK_THROW(out.send("\xff"), json::type_error);
    out.send("good");
    BOOST_TEST((in.receive().value() == json("good")));
}

BOOST_AUTO_TEST_CASE(an_ordered_object_of_too_many_names_is_malformed)
{
    using ordered = nlohmann::ordered_json;
    auto const object = [](int names) {
        std::string text = "{";
        for (int i = 0; i != names; ++i)
            text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":[1,2,{\"a\":1}]";
        text += "}";
        auto const all = std::as_bytes(std::span(text));
        return bytes(all.begin(), all.end());
    };
    BOOST_TEST(!is_malformed<ordered>(object(2000)));
    BOOST_TEST(is_malformed<ordered>(object(20000)));
    BOOST_TEST(!is_malformed<nlohmann::json>(object(20000)));
}

BOOST_AUTO_TEST_SUITE_END()
