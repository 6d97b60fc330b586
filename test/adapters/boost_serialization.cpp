// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization/boost_serialization.hpp>

#include "adapters.hpp"

#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/vector.hpp>

using namespace adapters;
using strait::detail::codec;

namespace library {

class order {
public:
    order() = default;
    order(std::uint64_t id, std::vector<std::string> items) : id_(id), items_(std::move(items)) {}
    std::map<std::string, double> prices;
    bool operator==(order const&) const = default;

private:
    friend class boost::serialization::access;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & id_ & items_ & prices;
    }

    std::uint64_t id_ = 0;
    std::vector<std::string> items_;
};

struct node {  // what no other tier sends: a list of its own kind, by pointers
    int value = 0;
    std::unique_ptr<node> next;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & value & next;
    }
};

struct basket {
    std::vector<order> orders;
    bool operator==(basket const&) const = default;
};

}  // namespace library

using namespace library;

template <>
struct strait::serializer<order> : strait::archived<order> {};
template <>
struct strait::serializer<node> : strait::archived<node> {};

namespace {

order sample()
{
    order o(7, {"tea", "", std::string(300, 'x')});
    o.prices = {{"tea", 1.5}};
    return o;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(adapter_boost_serialization)

BOOST_AUTO_TEST_CASE(what_the_library_serialises_arrives) { BOOST_TEST((sent(sample()) == sample())); }

BOOST_AUTO_TEST_CASE(pointers_arrive)
{
    node list;
    list.value = 1;
    list.next = std::make_unique<node>();
    list.next->value = 2;
    node const got = sent(list);
    BOOST_TEST(got.value == 1);
    BOOST_REQUIRE(got.next);
    BOOST_TEST(got.next->value == 2);
    BOOST_TEST(!got.next->next);
}

BOOST_AUTO_TEST_CASE(it_is_part_of_other_messages)
{
    basket const b{{sample(), order(), sample()}};
    BOOST_TEST((sent(b) == b));
}

BOOST_AUTO_TEST_CASE(classes_have_fingerprints_of_their_own)
{
    static_assert(codec<order>::layout.fingerprint != codec<node>::layout.fingerprint);
}

BOOST_AUTO_TEST_CASE(what_ends_too_early_or_too_late_is_malformed)
{
    bytes whole = encoded(sample());
    for (std::size_t n = 0; n != whole.size(); ++n)
        BOOST_TEST(is_malformed<order>(std::span(whole).first(n)), "the first " << n << " bytes pass");
    whole.push_back(std::byte{0});
    BOOST_TEST(is_malformed<order>(whole));
}

BOOST_AUTO_TEST_SUITE_END()
