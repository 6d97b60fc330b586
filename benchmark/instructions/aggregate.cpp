// Distributed under the Boost Software License, Version 1.0.
#include "loop.hpp"

#include <strait/serialization.hpp>

#include <span>
#include <string>
#include <vector>

namespace {

struct order {
    std::uint64_t id;
    double price;
    std::string symbol;
    std::string note;
    std::vector<std::string> tags;
    std::vector<double> fills;
};

}  // namespace

// An aggregate with strings, encoded into memory that is reused and decoded into an object that is: no channel.
int main(int argc, char** argv)
{
    using codec = strait::detail::codec<order>;
    order sent{1, 99.5, "STRT", std::string(80, 'x'), {"urgent", "closing"}, {1, 2, 3, 4, 5, 6, 7, 8}};
    order received{};
    std::vector<std::byte> bytes(codec::size(sent) + 64);
    return loop(argc, argv, [&](std::uint64_t i) {
        sent.id = i;
        std::span<std::byte> const out = std::span(bytes).first(codec::size(sent));
        codec::encode(sent, out);
        return !codec::decode(out, received) && received.id == i;
    });
}
