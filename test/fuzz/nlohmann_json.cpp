// Distributed under the Boost Software License, Version 1.0.
// JSON: documents, classes of the library, and both within other messages.
#include <strait/serialization/nlohmann_json.hpp>

#include "codecs.hpp"

using namespace fuzz;
using nlohmann::json;

namespace {

struct person {
    std::string name;
    int age = 0;
    std::vector<std::string> friends;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(person, name, age, friends)

struct envelope {
    std::uint32_t number = 0;
    person about;
    nlohmann::ordered_json rest;
};

}  // namespace

template <>
struct strait::serializer<person> : strait::as_json<person> {};

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    switch (in.byte() % 4) {
    case 0: return check_decoding<person, false>(in.rest());
    case 1: return check_decoding<envelope, false>(in.rest());
    case 2: return check_decoding<nlohmann::ordered_json, false>(in.rest());
    default: return check_decoding<json, false>(in.rest());
    }
}

std::vector<bytes> fuzz::harness::seeds()
{
    person const ada{"Ada", 36, {"Grace \"\\\" Hopper"}};
    json const all = {{"list", {1, -2, 3.5, nullptr, true}}, {"text", "\u00e9 \" \\ \n"}, {"empty", json::object()}, {"big", UINT64_MAX}};
    return {seed_of(0, ada), seed_of(1, envelope{5, ada, {{"a", {1, 2}}}}), seed_of(2, nlohmann::ordered_json{{"z", 1}, {"a", 2}}),
            seed_of(3, all)};
}
