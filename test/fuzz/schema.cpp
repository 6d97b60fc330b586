// Distributed under the Boost Software License, Version 1.0.
// The schema of a channel's messages as a peer may have written it: it is read, said in words, and compared with one of ours.
#include "fuzz.hpp"

#include <strait/detail/channel/ends.hpp>
#include <strait/detail/schema/mismatch.hpp>

using namespace fuzz;
using strait::error_note;
using strait::message_type;
using strait::detail::bounded_text;
using strait::detail::foreign_schema;
using strait::detail::message_description_of;
using strait::detail::noted_type_mismatch;
using strait::detail::schema_bytes;
using strait::detail::schema_limit;
using strait::detail::schema_versions;
using strait::detail::schema_writer;

namespace {

enum class side : char { buy = 'b', sell = 's' };

struct trade {
    std::uint64_t id;
    double price;
    ::side side;
    char place[8];
};

struct node {
    std::string name;
    std::vector<node> children;
};

struct order {
    std::optional<trade> first;
    std::map<std::string, std::vector<trade>> all;
    std::variant<std::monostate, std::string, std::tuple<int, bool>> rest;
    std::chrono::milliseconds since;
    std::set<std::uint16_t> numbers;
};

struct grown {
    std::string name;
    trade first;
    std::vector<grown> inner;
};

}  // namespace

template <>
inline constexpr std::size_t strait::extensible<grown> = 2;

namespace {

template <class T>
message_type const& type()
{
    static message_type const t("fuzz", &message_description_of<T>);
    return t;
}

std::array<message_type const*, 5> const types{&type<trade>(), &type<node>(), &type<order>(), &type<std::string>(), &type<grown>()};

std::string_view written(message_type const& t, schema_bytes& to)
{
    schema_writer::write(t.description(), to);
    return to.view();
}

// Whatever a text is made of, it ends, and has nothing that a terminal obeys.
void check_text(std::string_view text)
{
    for (char const c : text)
        require(static_cast<unsigned char>(c) >= 32 && c != 127, "a text has no control characters");
}

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    unsigned const choice = in.byte();
    message_type const& here = *types[choice % types.size()];
    static schema_bytes own;
    std::string bytes;
    if (choice / 64 % 4 != 0) {  // one of ours, changed here and there
        bytes = written(*types[choice / 4 % types.size()], own);
        while (!in.empty() && !bytes.empty()) {
            std::size_t const at = in.take<std::uint16_t>() % bytes.size();
            switch (unsigned const how = in.byte(); how % 4) {
            case 0: bytes[at] = static_cast<char>(in.byte()); break;
            case 1: bytes[at] = static_cast<char>(bytes[at] + static_cast<int>(how / 4)); break;
            case 2: bytes.insert(at, bytes.substr(in.take<std::uint16_t>() % bytes.size(), how / 4)); break;
            default: bytes.erase(at, 1 + how / 16);
            }
        }
        if (choice / 16 % 4 != 0 && bytes.size() >= 6) {  // it says how long it is
            bytes[4] = static_cast<char>(bytes.size());
            bytes[5] = static_cast<char>(bytes.size() >> 8);
        }
    } else {
        auto const rest = in.rest();
        bytes.assign(reinterpret_cast<char const*>(rest.data()), rest.size());
    }
    auto const memory = exactly(std::as_bytes(std::span(bytes)));
    std::string_view const there(reinterpret_cast<char const*>(memory.get()), bytes.size());
    foreign_schema const read(there);
    if (read.is_right())
        require(bytes.size() <= schema_limit, "a schema has its largest size");
    auto const e = noted_type_mismatch((choice & 1) != 0 ? std::string_view() : "peer", there, &here);
    require(e == strait::errc::type_mismatch, "a mismatch is one");
    std::string_view const said = error_note(e);
    require(!said.empty(), "a mismatch is explained");
    check_text(said);
    bool newer = false;
    auto const versions = schema_versions(there, here.description(), newer);
    require(!versions || versions == strait::errc::type_mismatch, "two versions fit together or do not");
    if (bytes == written(here, own)) {
        require(read.is_right(), "what is ours is right");
        require(!versions && !newer, "a version fits itself");
    }
}

std::vector<bytes> fuzz::harness::seeds()
{
    std::vector<bytes> all;
    for (unsigned choice = 0; choice < 256; choice += 5)
        all.push_back(output().byte(choice).add(std::uint16_t{40}).byte(1 + 4).add(std::uint16_t{60}).byte(0).byte(9));
    for (unsigned i = 0; i != types.size(); ++i) {
        static schema_bytes own;
        auto const raw = written(*types[i], own);
        all.push_back(output().byte(i).add_bytes(std::as_bytes(std::span(raw))));
    }
    return all;
}
