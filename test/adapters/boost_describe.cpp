// Distributed under the Boost Software License, Version 1.0.
#include <strait/schema.hpp>
#include <strait/serialization/boost_describe.hpp>

#include "adapters.hpp"

#include <boost/describe/class.hpp>

#include <array>
#include <map>
#include <optional>

using namespace adapters;
using strait::detail::codec;

namespace {

class identified {
public:
    identified() = default;
    explicit identified(std::uint64_t id) : id_(id) {}
    std::uint64_t id() const { return id_; }

private:
    std::uint64_t id_ = 0;
    BOOST_DESCRIBE_CLASS(identified, (), (), (), (id_))
};

class account : public identified {
public:
    account() = default;
    account(std::uint64_t id, std::string owner, std::vector<int> entries)
        : identified(id), owner_(std::move(owner)), entries_(std::move(entries))
    {
    }
    std::string const& owner() const { return owner_; }
    bool operator==(account const& other) const
    {
        return id() == other.id() && owner_ == other.owner_ && entries_ == other.entries_ && limits == other.limits;
    }

    std::map<std::string, double> limits;

private:
    std::string owner_;
    std::vector<int> entries_;
    BOOST_DESCRIBE_CLASS(account, (identified), (limits), (), (owner_, entries_))
};

class point {  // of fixed size
public:
    point() = default;
    point(std::int16_t x, std::int32_t y) : x_(x), y_(y) {}
    bool operator==(point const&) const = default;

private:
    std::int16_t x_ = 0;
    std::int32_t y_ = 0;
    BOOST_DESCRIBE_CLASS(point, (), (), (), (x_, y_))
};

class other_point {
    std::int32_t x_ = 0;
    std::int32_t y_ = 0;
    BOOST_DESCRIBE_CLASS(other_point, (), (), (), (x_, y_))
};

class shelf {  // a few bytes of a message become a MiB
public:
    shelf() = default;
    explicit shelf(std::size_t places) : places_(places) {}

private:
    struct place {
        std::optional<std::array<char, 1 << 20>> content;
    };
    std::vector<place> places_;
    BOOST_DESCRIBE_CLASS(shelf, (), (), (), (places_))
};

class ticket_1 {
public:
    ticket_1() = default;
    explicit ticket_1(int number) : number_(number) {}
    int number() const { return number_; }

private:
    int number_ = 0;
    BOOST_DESCRIBE_CLASS(ticket_1, (), (), (), (number_))
};
class ticket_2 {
public:
    ticket_2() = default;
    ticket_2(int number, std::string note) : number_(number), note_(std::move(note)) {}
    bool operator==(ticket_2 const&) const = default;

private:
    int number_ = 0;
    std::string note_ = "none";
    std::array<int, 2> marks_{1, 2};
    BOOST_DESCRIBE_CLASS(ticket_2, (), (), (), (number_, note_, marks_))
};
class other_ticket {
    int number_ = 0;
    double note_ = 0;
    BOOST_DESCRIBE_CLASS(other_ticket, (), (), (), (number_, note_))
};

struct bank {
    std::vector<account> accounts;
    std::vector<point> places;
    bool operator==(bank const&) const = default;
};

account sample()
{
    account a(7, "Ada", {1, -2, 3});
    a.limits = {{"day", 100}, {"month", 1000.5}};
    return a;
}

}  // namespace

template <>
struct strait::serializer<account> : strait::described<account> {};
template <>
struct strait::serializer<point> : strait::described<point> {};
template <>
inline constexpr std::size_t strait::extensible<ticket_1> = 1;
template <>
inline constexpr std::size_t strait::extensible<ticket_2> = 1;
template <>
inline constexpr std::size_t strait::extensible<other_ticket> = 1;
template <>
struct strait::serializer<ticket_1> : strait::described<ticket_1> {};
template <>
struct strait::serializer<ticket_2> : strait::described<ticket_2> {};
template <>
struct strait::serializer<other_ticket> : strait::described<other_ticket> {};
template <>
struct strait::serializer<shelf> : strait::described<shelf> {};
template <>
struct strait::serializer<other_point> : strait::described<other_point> {};

BOOST_AUTO_TEST_SUITE(adapter_boost_describe)

BOOST_AUTO_TEST_CASE(private_and_inherited_members_arrive) { BOOST_TEST((sent(sample()) == sample())); }

BOOST_AUTO_TEST_CASE(a_described_class_is_part_of_other_messages)
{
    bank const b{{sample(), account(), sample()}, {point(1, 2), point(-3, 4)}};
    BOOST_TEST((sent(b) == b));
}

BOOST_AUTO_TEST_CASE(members_of_fixed_size_make_messages_of_fixed_size)
{
    static_assert(codec<point>::layout.fixed_size == 6);
    static_assert(codec<account>::layout.fixed_size == 0);
    BOOST_TEST((sent(point(-5, 1 << 20)) == point(-5, 1 << 20)));
}

BOOST_AUTO_TEST_CASE(the_encoding_is_that_of_the_members)
{
    BOOST_TEST((encoded(point(0x0102, 0x03040506)) == bytes{std::byte{2}, std::byte{1}, std::byte{6}, std::byte{5}, std::byte{4}, std::byte{3}}));
}

BOOST_AUTO_TEST_CASE(other_members_have_another_fingerprint)
{
    static_assert(codec<point>::layout.fingerprint != codec<other_point>::layout.fingerprint);
}

BOOST_AUTO_TEST_CASE(damage_is_malformed_and_harmless)
{
    check_damage(sample());
    check_damage(point(1, 2));
    bytes longer = encoded(sample());
    longer.push_back(std::byte{0});
    BOOST_TEST(is_malformed<account>(longer));
}

BOOST_AUTO_TEST_CASE(parts_of_a_message_draw_from_one_budget_of_memory)
{
    std::vector<shelf> const many(200, shelf(1));
    BOOST_TEST(codec<std::vector<shelf>>::size(many) == strait::detail::unencodable);
    bytes message(4 + 200 * 9);
    message[0] = std::byte{200};
    for (std::size_t i = 0; i != 200; ++i) {
        message[4 + 9 * i] = std::byte{5};      // its bytes
        message[4 + 9 * i + 4] = std::byte{1};  // its places
    }
    auto const decoded = codec<std::vector<shelf>>::decode(message);
    BOOST_TEST((!decoded && decoded.error() == strait::errc::out_of_memory));
}

template <class There, class Here>
std::string difference()
{
    return strait::schema::difference(strait::schema::of<There>(), strait::schema::of<Here>());
}

BOOST_AUTO_TEST_CASE(a_described_class_may_grow)
{
    static_assert(codec<ticket_1>::layout == codec<ticket_2>::layout && codec<ticket_1>::layout.fixed_size == 0);
    static_assert(strait::detail::message_description_of<std::vector<ticket_1>>.grows);
    ticket_2 used(9, "old");
    BOOST_TEST(!codec<ticket_2>::decode(encoded(ticket_1(7)), used));
    BOOST_TEST((used == ticket_2(7, "none")));
    std::vector<ticket_1> older;
    BOOST_TEST(!codec<std::vector<ticket_1>>::decode(encoded(std::vector<ticket_2>{{7, "x"}, {8, "y"}}), older));
    BOOST_TEST((older.size() == 2 && older[1].number() == 8));
    check_damage(ticket_1(7));
    BOOST_TEST((difference<std::vector<ticket_1>, std::vector<ticket_2>>()) == "");
    BOOST_TEST((difference<ticket_2, other_ticket>().ends_with("member 2 (note_): string there, f64 here")), (difference<ticket_2, other_ticket>()));
    BOOST_TEST((strait::schema::of<ticket_2>().text().find("Boost.Describe, extensible: 1 members in the first version") != std::string::npos));
}

BOOST_AUTO_TEST_SUITE_END()
