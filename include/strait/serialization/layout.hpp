// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_LAYOUT_HPP
#define STRAIT_SERIALIZATION_LAYOUT_HPP

#include <strait/version.hpp>  // first: it says what compiler is needed

#include <cstddef>
#include <cstdint>

namespace strait {

/// What a transport knows of a message type, at compile time. Thread safe.
///
/// It can be a template argument. Two types with equal layouts could be mistaken for each other, so every channel compares the
/// fingerprints of both ends before the first message is delivered.
struct message_layout {
    std::size_t fixed_size;     ///< how many bytes every message has; 0 when they vary
    std::size_t alignment;      ///< of the first byte of a message, in bytes
    std::uint64_t fingerprint;  ///< serializer<T>::fingerprint, by default a hash of the encoding
    bool handles = false;       ///< whether messages have descriptors beside their bytes

    bool operator==(message_layout const&) const = default;
};

}  // namespace strait

#endif
