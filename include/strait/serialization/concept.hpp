// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_CONCEPT_HPP
#define STRAIT_SERIALIZATION_CONCEPT_HPP

#include <strait/detail/codec/bitwise.hpp>
#include <strait/detail/codec/flat.hpp>
#include <strait/detail/codec/wire.hpp>

#include <concepts>
#include <type_traits>

namespace strait {

namespace detail {

enum class tier : unsigned char { none, custom, bitwise, flat, portable };

template <class T>
concept message_object = std::is_object_v<T> && !std::is_array_v<T> && std::same_as<T, std::remove_cv_t<T>> &&
                         std::move_constructible<T>;

// Returns the first tier that T fits.
template <class T>
consteval tier find_tier()
{
    if constexpr (!message_object<T>)
        return tier::none;
    else if constexpr (custom<T>)
        return complete_custom<T> ? tier::custom : tier::none;
    else if constexpr (detail::bitwise<T>)
        return tier::bitwise;
    else if constexpr (detail::flat<T>)
        return tier::flat;
    else
        return detail::portable<T> ? tier::portable : tier::none;
}

template <class T>
inline constexpr tier tier_of = find_tier<T>();

}  // namespace detail

/// A T that can be a message: it has a serializer<T> written by the user, or is a trivially copyable object without pointers, a
/// string or vector of such objects, or an aggregate, container, optional, variant or tuple of all these.
template <class T>
concept serializable = detail::tier_of<T> != detail::tier::none;

namespace detail {

// Compilers name its arguments below the error: the part that cannot be sent, and the message that it is a part of.
template <class Part, class Message>
struct cannot_be_sent {
    static_assert(
        serializable<Message>,
        "strait cannot send this type: specialise strait::serializer for it, make it an aggregate of supported members "
        "(default-constructible, at most 64, no pointers, no base class), set strait::enable_bitwise if it is "
        "trivially copyable and safe to copy byte by byte, strait::trusted_hash_container if it is a hash container without "
        "buckets, or include an adapter from strait/serialization/");
};

template <class T>
consteval auto find_part_to_blame()
{
    if constexpr (!message_object<T> || custom<T>)
        return std::type_identity<T>{};
    else if constexpr (std::is_void_v<culprit_of<T>>)
        return std::type_identity<T>{};
    else
        return std::type_identity<culprit_of<T>>{};
}

/// `static_assert(require_serializable<T>());` ends the compilation with one readable sentence unless serializable<T>.
// It is a class, because for a function Clang adds a second error, that a function with an error is not constant.
template <class T>
struct require_serializable : cannot_be_sent<typename decltype(find_part_to_blame<T>())::type, T> {
    constexpr operator bool() const { return true; }
};
template <serializable T>
struct require_serializable<T> : std::true_type {};

}  // namespace detail
}  // namespace strait

#endif
