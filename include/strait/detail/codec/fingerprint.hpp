// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_FINGERPRINT_HPP
#define STRAIT_DETAIL_CODEC_FINGERPRINT_HPP

#include <strait/detail/schema/description.hpp>
#include <strait/serialization/concept.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

// A hash of the structure of a type: of kinds, sizes and order, and never of names, which compilers spell differently. Of an
// extensible aggregate only the members of its first version are in it, so all versions have one fingerprint.
namespace strait::detail {

template <class T>
consteval kind kind_of_integer()
{
    // Whether these are signed depends on the platform, and does not change how they are encoded.
    if constexpr (std::is_same_v<T, char> || std::is_same_v<T, wchar_t> || std::is_same_v<T, char8_t> ||
                  std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>)
        return kind::character;
    else
        return std::is_signed_v<T> ? kind::signed_number : kind::unsigned_number;
}

template <class T>
consteval std::uint64_t hash_scalar()
{
    using number = unit_t<T>;
    if constexpr (std::is_enum_v<T>)
        return hash_words(kind::enumeration, hash_scalar<number>());
    else if constexpr (duration_like<T>)
        return hash_words(kind::duration, T::period::num, T::period::den, hash_scalar<number>());
    else if constexpr (time_point_like<T>)
        return hash_words(T::clock::is_steady ? kind::steady_time : kind::other_time,
                          hash_scalar<typename T::duration>());
    else if constexpr (complex_like<T>)
        return hash_words(kind::complex, hash_scalar<number>());
    else if constexpr (std::is_same_v<T, bool>)
        return hash_words(kind::boolean);
    else if constexpr (std::is_floating_point_v<T>)
        return hash_words(kind::floating, sizeof(T), std::numeric_limits<T>::digits);
    else
        return hash_words(kind_of_integer<T>(), sizeof(T));
}

inline constexpr bool little_endian = std::endian::native == std::endian::little;

// The results are variables, because compilers evaluate a variable once and a function again for each use.
template <class T>
consteval std::uint64_t hash_in_memory();

template <class T>
inline constexpr std::uint64_t memory_hash = hash_in_memory<T>();

template <class T, class... Member, std::size_t... I>
consteval std::uint64_t hash_object(types<Member...>, std::index_sequence<I...>)
{
    return hash_words(kind::object, sizeof(T), alignof(T), sizeof...(Member),
                      hash_words(member_offsets<T>[I], memory_hash<std::remove_const_t<Member>>)...);
}

// The hash of T without the fingerprint that the user may have given to T itself.
template <class T>
consteval std::uint64_t hash_structure_in_memory()
{
    if constexpr (shape_of<T> == shape::scalar)
        return hash_scalar<T>();
    else if constexpr (shape_of<T> == shape::opaque)
        return hash_words(kind::opaque, sizeof(T), alignof(T));
    else if constexpr (shape_of<T> == shape::array)
        return hash_words(kind::array, array_traits<T>::size,
                          memory_hash<std::remove_const_t<typename array_traits<T>::element>>);
    else
        return hash_object<T>(member_types<T>{}, std::make_index_sequence<member_types<T>::size>{});
}

/// The hash of how T lies in memory. It includes offsets, so hosts of another ABI have another one.
template <class T>
consteval std::uint64_t hash_in_memory()
{
    if constexpr (refingerprinted<T>)
        return hash_words(kind::custom, sizeof(T), serializer<T>::fingerprint);
    else
        return hash_structure_in_memory<T>();
}

template <class T>
consteval kind kind_of_container()
{
    if constexpr (shape_of<T> == shape::sequence)
        return kind::sequence;
    else if constexpr (shape_of<T> == shape::set)
        return unique_keys<T> ? kind::set : kind::multiset;
    else
        return unique_keys<T> ? kind::map : kind::multimap;
}

template <class T, class Up>
consteval std::uint64_t hash_encoding();

template <class T, class Up>
inline constexpr std::uint64_t encoding_hash = hash_encoding<T, Up>();

template <class T, class... Up>
consteval types<T, Up...> prepended(types<Up...>)
{
    return {};
}

template <class T, class... Up>
consteval std::size_t levels_up(types<Up...>)
{
    std::size_t level = 0;
    (void)((std::is_same_v<T, Up> || (++level, false)) || ...);
    return level;
}

// The recursive types that a part lies in, nearest first; each is hashed as its distance. A part that cannot lead back to one
// of them is hashed without them, and only once.
template <class T, class Up, class Part>
consteval auto levels_for_part()
{
    if constexpr (parts_of<Part>::size == 0 || (shape_of<Part> == shape::aggregate && !recursive_at_first<Part>))
        return types<>{};
    else if constexpr (recursive_at_first<T>)
        return prepended<T>(Up{});
    else
        return Up{};
}

template <class T, class Up, class... Part>
consteval std::uint64_t hash_parts(kind what, std::size_t count, types<Part...>)
{
    return hash_words(what, count, encoding_hash<Part, decltype(levels_for_part<T, Up, Part>())>...);
}

// The hash of T without the fingerprint that the user may have given to T itself.
template <class T, class Up>
consteval std::uint64_t hash_structure_of_encoding()
{
    constexpr shape here = shape_of<T>;
    using parts = parts_of<T>;
    if constexpr (here == shape::scalar)
        return hash_scalar<T>();
    else if constexpr (here == shape::opaque)
        return hash_words(kind::opaque, sizeof(T), alignof(T), little_endian);
    else if constexpr (here == shape::array)
        return hash_parts<T, Up>(kind::array, array_traits<T>::size, parts{});
    else if constexpr (here == shape::optional)
        return hash_parts<T, Up>(kind::optional, 1, parts{});
    else if constexpr (here == shape::variant)
        return hash_parts<T, Up>(kind::variant, parts::size, parts{});
    else if constexpr (growing<T>)
        return hash_parts<T, Up>(kind::extensible, extensible<T>, first_parts_of<T>{});
    else if constexpr (here == shape::tuple || here == shape::aggregate)
        return hash_parts<T, Up>(kind::product, parts::size, parts{});
    else
        return hash_parts<T, Up>(kind_of_container<T>(), 1, parts{});
}

/// The hash of how the portable tier encodes T.
template <class T, class Up>
consteval std::uint64_t hash_encoding()
{
    if constexpr (is_among<T>(Up{}))
        return hash_words(kind::recursion, levels_up<T>(Up{}));
    else if constexpr (shape_of<T> == shape::custom || refingerprinted<T>)
        return hash_words(kind::custom, custom_fixed_size<T>(), serializer<T>::fingerprint);
    else
        return hash_structure_of_encoding<T, Up>();
}

// The value of serializer<T>::fingerprint unless the user gives another one.
template <class T>
consteval std::uint64_t structural_fingerprint()
{
    static_assert(require_serializable<T>());
    if constexpr (tier_of<T> == tier::bitwise)
        return hash_words(kind::bitwise_message, little_endian, sizeof(T), alignof(T), hash_structure_in_memory<T>());
    else if constexpr (tier_of<T> == tier::flat)
        return hash_words(kind::flat_message, little_endian, memory_hash<typename T::value_type>);
    else
        return hash_words(kind::portable_message, hash_structure_of_encoding<T, types<>>());
}

}  // namespace strait::detail

#endif
