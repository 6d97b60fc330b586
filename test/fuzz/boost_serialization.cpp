// Distributed under the Boost Software License, Version 1.0.
// Archives of Boost.Serialization. That library believes the lengths that it reads, so its adapter is for peers that trust
// each other, and what is tried here are values: each arrives, and an archive that is too short or too long is refused.
#include <strait/serialization/boost_serialization.hpp>

#include "codecs.hpp"

#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

using namespace fuzz;

namespace {

struct order {
    std::uint64_t id = 0;
    std::vector<std::string> items;
    std::map<std::string, double> prices;
    bool operator==(order const&) const = default;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & id & items & prices;
    }
};

struct basket {
    std::uint8_t number = 0;
    std::vector<order> orders;
    bool operator==(basket const&) const = default;
};

}  // namespace

template <>
struct strait::serializer<order> : strait::archived<order> {};

namespace {

std::string text_of(input& in)
{
    auto const some = in.take_bytes(in.byte() % 40);
    return {reinterpret_cast<char const*>(some.data()), some.size()};
}

order order_of(input& in)
{
    order o;
    o.id = in.take<std::uint64_t>();
    for (unsigned n = in.byte() % 6; n != 0; --n)
        o.items.push_back(text_of(in));
    for (unsigned n = in.byte() % 4; n != 0; --n)
        o.prices[text_of(in)] = in.byte();
    return o;
}

template <class T>
void check(T const& value, input& in)
{
    bytes whole = encoded(value);
    auto const got = codec<T>::decode(std::span<std::byte const>(whole));
    require(got && *got == value, "what is sent arrives");
    std::size_t const cut = in.take<std::uint16_t>() % whole.size();
    auto const beginning = exactly(std::span(whole).first(cut));
    require(!codec<T>::decode(std::span<std::byte const>(beginning.get(), cut)), "a beginning is malformed");
    whole.push_back(in.take<std::byte>());
    require(!codec<T>::decode(std::span<std::byte const>(whole)), "a byte more is malformed");
}

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    if (in.byte() % 4 != 0)
        return check(order_of(in), in);
    basket b{in.byte(), {}};
    for (unsigned n = in.byte() % 3; n != 0; --n)
        b.orders.push_back(order_of(in));
    check(b, in);
}

std::vector<bytes> fuzz::harness::seeds()
{
    return {output().byte(1).add(std::uint64_t{7}).byte(2).byte(1).byte('t').byte(0).byte(1).byte(1).byte('p').byte(9).byte(3).byte(0),
            output().byte(0).byte(3).byte(2).add(std::uint64_t{7}).byte(1).byte(2).byte('t').byte('u').byte(0).add(std::uint64_t{8})};
}
