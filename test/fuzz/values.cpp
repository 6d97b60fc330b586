// Distributed under the Boost Software License, Version 1.0.
// The built-in encodings of types of every shape, decoded and shown in place.
#include "codecs.hpp"

#include <complex>
#include <list>
#include <unordered_map>
#include <unordered_set>

using namespace fuzz;

namespace {

enum class flag : bool { off, on };
enum class side : char { buy = 'b', sell = 's' };

struct trade {
    std::uint64_t id;
    double price;
    std::uint32_t quantity;
    ::side side;
};

struct checked {  // of its bytes not all mean something
    std::int32_t a;
    bool b;
    std::array<flag, 3> c;
};

void require_values(checked const& c)
{
    auto const raw = std::as_bytes(std::span(&c, 1));
    for (std::byte const b : raw.subspan(4))
        require(b <= std::byte{1}, "a bool has one of its two values");
}

struct node {
    std::string name;
    std::vector<node> children;
};

struct tree {
    std::variant<std::monostate, bool, double, std::string, std::vector<tree>, std::map<std::string, tree>> value;
};

struct nothing {
    auto operator<=>(nothing const&) const = default;
};

struct everything {
    std::int8_t a;
    float b;
    bool c;
    flag d;
    char16_t e;
    std::u16string f;
    std::vector<bool> g;
    std::vector<trade> h;
    std::deque<std::int16_t> i;
    std::list<std::string> j;
    std::array<std::string, 2> k;
    std::optional<std::string> l;
    std::set<std::string> m;
    std::multimap<std::int32_t, std::int32_t> n;
    std::tuple<std::int32_t, float, std::string> o;
    std::chrono::milliseconds p;
    std::complex<double> q;
    char r[16];
    std::string s[2];
    checked t;
    nothing u;
};

struct hashed {
    std::unordered_map<std::int32_t, std::string> a;
    std::unordered_set<std::string> b;
    std::unordered_multiset<std::int16_t> c;
};

struct grown {
    std::string name;
    std::int32_t number;
    std::vector<grown> inner;
    std::optional<std::string> late = "late";
    std::vector<std::string> all{"one"};
};

}  // namespace

template <>
inline constexpr std::size_t strait::extensible<grown> = 2;

namespace {

using either = std::vector<std::variant<std::uint8_t, std::string, bool, std::optional<std::string>>>;
using nested = std::vector<std::vector<std::vector<std::string>>>;
using spare = std::vector<std::optional<std::array<char, 4096>>>;  // a few bytes of a message become many of memory

void check(unsigned kind, std::span<std::byte const> some)
{
    switch (kind) {
    case 0: return check_decoding<everything>(some);
    case 1: return check_decoding<tree>(some);
    case 2: return check_decoding<node, true, true, true>(some);
    case 3: return check_decoding<nested, true, true, true>(some);
    case 4: return check_decoding<hashed, true, false>(some);
    case 5: return check_decoding<spare, true, true, true>(some);
    case 6: return check_decoding<std::map<std::string, std::set<std::uint16_t>>>(some);
    case 7: return check_decoding<std::vector<nothing>>(some);
    case 8: return check_view<trade>(some, [](trade const& t) { read_all(std::as_bytes(std::span(&t, 1))); });
    case 9:
        return check_view<checked>(some, [](checked const& c) { require_values(c); });
    case 10: return check_view<std::string>(some, [](std::string_view s) { read_all(std::as_bytes(std::span(s))); });
    case 11:
        return check_view<std::vector<checked>>(some, [](std::span<checked const> all) {
            for (checked const& c : all)
                require_values(c);
        });
    case 12: return check_decoding<either, true, true, true>(some);
    case 14: return check_decoding<std::vector<grown>, false>(some);  // what a newer version has appended is skipped
    case 13: return check_decoding<std::vector<std::optional<node>>, true, true, true>(some);
    default: return check_view<std::u16string>(some, [](std::u16string_view s) { read_all(std::as_bytes(std::span(s))); });
    }
}

tree leaf(double d)
{
    tree t;
    t.value = d;
    return t;
}

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    unsigned const kind = in.byte() % 16;
    check(kind, in.rest());
}

std::vector<bytes> fuzz::harness::seeds()
{
    everything e{};
    e.f = u"text";
    e.g = {true, false, true};
    e.h = {{1, 2.5, 3, side::sell}};
    e.i = {-1, 2};
    e.j = {"", "list"};
    e.l = "some";
    e.m = {"a", "b"};
    e.n = {{1, 2}, {1, 3}};
    tree t;
    t.value = std::vector<tree>{leaf(1.5), {}, {}};
    tree u;
    u.value = std::map<std::string, tree>{{"key", t}, {"other", leaf(2)}};
    return {seed_of(0, e),
            seed_of(0, everything{}),
            seed_of(1, u),
            seed_of(2, node{"root", {{"left", {}}, {"right", {{"leaf", {}}}}}}),
            seed_of(3, nested{{{"a", ""}, {}}, {}, {{"b"}}}),
            seed_of(4, hashed{{{1, "one"}, {2, "two"}}, {"x"}, {7, 7}}),
            seed_of(5, spare{std::nullopt, std::nullopt}),
            seed_of(6, std::map<std::string, std::set<std::uint16_t>>{{"k", {1, 2}}, {"l", {}}}),
            seed_of(7, std::vector<nothing>(3)),
            seed_of(8, trade{1, 2, 3, side::buy}),
            seed_of(9, checked{1, true, {flag::on, flag::off, flag::on}}),
            seed_of(10, std::string("text")),
            seed_of(11, std::vector<checked>(2)),
            seed_of(12, either{std::uint8_t{1}, std::string("text"), true, std::optional<std::string>("more")}),
            seed_of(13, std::vector<std::optional<node>>{node{"leaf", {}}, std::nullopt}),
            seed_of(14, std::vector<grown>{{"outer", 1, {{"inner", 2, {}}}}}),
            seed_of(15, std::u16string(u"text"))};
}
