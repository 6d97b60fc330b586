// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_LARGE_MESSAGE_HPP
#define SUPPORT_LARGE_MESSAGE_HPP

#include <support/messages.hpp>

#include <array>
#include <cstdint>
#include <memory>

namespace support {

/// A message whose copy takes a while, and in which a copy of two messages shows.
struct large_message {
    std::array<std::uint64_t, std::size_t{25'000}> words;

    friend bool operator==(large_message const&, large_message const&) = default;
};

inline std::unique_ptr<large_message> make_large(std::uint64_t sequence)
{
    std::unique_ptr<large_message> m(new large_message);
    for (auto& word : m->words)
        word = mixed(sequence) + static_cast<std::uint64_t>(&word - m->words.data());
    return m;
}

}  // namespace support

#endif
