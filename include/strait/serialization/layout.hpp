// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_LAYOUT_HPP
#define STRAIT_SERIALIZATION_LAYOUT_HPP

#include <strait/version.hpp>  // first: it says what compiler is needed

#include <cstddef>
#include <cstdint>

namespace strait {

/// All that a transport knows of a message type, at compile time. Thread safe.
///
/// Structural, so that it can be a template argument. Two types with equal layouts can be taken for each other on the
/// wire, so every channel compares the fingerprints of both ends before the first message is delivered.
struct message_layout {
    std::size_t fixed_size;     ///< bytes of every message; 0 when they vary
    std::size_t alignment;      ///< what the first byte of a message must be aligned to, in bytes
    std::uint64_t fingerprint;  ///< a hash of the encoding, or what serializer<T>::fingerprint says
    bool handles = false;       ///< descriptors travel beside the bytes

    bool operator==(message_layout const&) const = default;
};

}  // namespace strait

#endif
