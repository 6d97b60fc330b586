// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_ORDER_HPP
#define STRAIT_BENCHMARK_ORDER_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace benchmark {

/// The aggregate that is serialised: an order as a trading system writes it to its log.
struct order {
    std::uint64_t id;
    std::int64_t time;
    double price;
    std::int32_t quantity;
    std::uint32_t flags;
    std::string symbol;             // always short
    std::string account;            // on both sides of what a std::string holds without memory of its own
    std::string note;               // a line of text
    std::vector<std::string> tags;  // short
    std::vector<double> fills;

    bool operator==(order const&) const = default;
};

/// What is said to be its size; the strings vary, and so does what the libraries make of it.
inline constexpr std::size_t order_size = 256;

/// How many of them are encoded before they are decoded: few enough for the first cache, and no message is read while
/// it still is on its way there.
inline constexpr std::size_t orders_in_a_row = 16;

/// The same for the same seed, in every program and every run.
inline order make_order(std::uint64_t seed)
{
    std::uint64_t state = seed;
    auto const next = [&state] {  // splitmix64
        std::uint64_t z = state += 0x9e37'79b9'7f4a'7c15;
        z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
        z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
        return z ^ (z >> 31);
    };
    auto const between = [&next](std::size_t least, std::size_t most) {
        return least + static_cast<std::size_t>(next() % (most - least + 1));
    };
    auto const text = [&](std::size_t least, std::size_t most) {
        std::string s(between(least, most), ' ');
        for (char& c : s)
            c = static_cast<char>('a' + next() % 26);
        return s;
    };
    order o;
    o.id = next();
    o.time = static_cast<std::int64_t>(next());
    o.price = static_cast<double>(between(1, 1'000'000)) / 100;
    o.quantity = static_cast<std::int32_t>(next());
    o.flags = static_cast<std::uint32_t>(next());
    o.symbol = text(3, 6);
    o.account = text(12, 20);
    o.note = text(72, 88);
    o.tags.resize(between(2, 4));
    for (std::string& tag : o.tags)
        tag = text(4, 12);
    o.fills.resize(between(6, 10));
    for (double& fill : o.fills)
        fill = static_cast<double>(next() % 1'000'000) / 100;
    return o;
}

inline std::vector<order> make_orders()
{
    std::vector<order> all;
    for (std::size_t i = 0; i != orders_in_a_row; ++i)
        all.push_back(make_order(i));
    return all;
}

/// The members of which two orders differ, for an error; empty: none.
inline std::string differences(order const& a, order const& b)
{
    std::string found;
    auto const compare = [&found](char const* name, bool equal) {
        if (!equal)
            found += (found.empty() ? "" : ", ") + std::string(name);
    };
    compare("id", a.id == b.id);
    compare("time", a.time == b.time);
    compare("price", a.price == b.price);
    compare("quantity", a.quantity == b.quantity);
    compare("flags", a.flags == b.flags);
    compare("symbol", a.symbol == b.symbol);
    compare("account", a.account == b.account);
    compare("note", a.note == b.note);
    compare("tags", a.tags == b.tags);
    compare("fills", a.fills == b.fills);
    return found;
}

}  // namespace benchmark

#endif
