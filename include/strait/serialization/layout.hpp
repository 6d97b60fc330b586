// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_LAYOUT_HPP
#define STRAIT_SERIALIZATION_LAYOUT_HPP

#include <strait/version.hpp>  // first: it says what compiler is needed

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace strait {

namespace detail {

struct message_description;

}  // namespace detail

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

/// What a transport is told of a message type when an end is opened, for people and for peers with another type: the name of
/// the type, and what its schema is made of. It converts from and to the name alone, which a transport of your own can take
/// instead. Distinct objects: safe. Shared objects: safe to read.
class message_type {
public:
    /// A type of which only the name is known.
    message_type(std::string name) : name_(std::move(name)) {}
    /// A type of which only the name is known.
    message_type(std::string_view name) : name_(name) {}
    /// A type of which only the name is known.
    message_type(char const* name) : name_(name) {}
    /// For the library: a type with a description.
    message_type(std::string name, detail::message_description const* description)
        : name_(std::move(name)), description_(description)
    {
    }

    /// The name of the type, as the compiler spells it.
    std::string_view name() const noexcept { return name_; }
    /// The name of the type.
    operator std::string_view() const noexcept { return name_; }
    /// For the library: null where only the name is known.
    detail::message_description const* description() const noexcept { return description_; }

private:
    std::string name_;
    detail::message_description const* description_ = nullptr;
};

}  // namespace strait

#endif
