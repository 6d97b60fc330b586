// Distributed under the Boost Software License, Version 1.0.
#ifndef RINGS_TYPES_HPP
#define RINGS_TYPES_HPP

#include <array>
#include <cstddef>
#include <cstdint>

// Messages of alignments and sizes that the other ones do not have.
namespace rings {

struct alignas(64) lined {
    std::uint64_t value;
};
struct alignas(4096) paged {
    std::uint64_t value;
};
struct large {
    std::array<std::byte, 1 << 20> bytes;
};
struct seven_words {
    std::uint64_t words[7];
};
struct tagged {
    std::uint64_t sender;
    std::uint64_t sequence;
};

}  // namespace rings

#endif
