// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_WIRE_HPP
#define STRAIT_DETAIL_CODEC_WIRE_HPP

#include <strait/detail/codec/bitwise.hpp>
#include <strait/detail/codec/parts.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

// The portable encoding: packed, little-endian, in the order of declaration.
//
//     scalar                 its bytes (long, wchar_t and long double have as many as on the host; the fingerprint differs
//                            between hosts where these do)
//     array, tuple, struct   the parts, one after the other
//     extensible struct      u32: how many bytes follow, then the parts of this version; a reader knows more or fewer of them
//     optional               u8: 0, or 1 and the value
//     variant                u8: the index, then the alternative
//     container              u32: how many, then the elements (of a map: key, value)
//     element of a container that would take no byte: one zero byte, so that a count never exceeds the bytes that are left
//     user's serializer<T>   its bytes, after a u32 with their number unless it has a fixed_size
//     enable_bitwise<T>      the bytes of the object
//
// A message has at most 4 GiB - 1 bytes.
namespace strait::detail {

static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559);

using wire_count = std::uint32_t;

/// The largest encoding of a message, in bytes.
inline constexpr std::size_t message_limit = UINT32_MAX;

/// How many aggregates of a recursive type can lie within each other.
inline constexpr unsigned nesting_limit = 64;

/// What size() returns for a value that cannot be sent: it is too large, nested too deep, or a variant without a value.
inline constexpr std::size_t unencodable = SIZE_MAX;

struct wire_bounds {
    std::size_t least;  // bytes of the shortest encoding
    bool fixed;         // every encoding has this size

    constexpr wire_bounds then(wire_bounds next) const { return {least + next.least, fixed && next.fixed}; }
};

template <class T>
consteval wire_bounds find_bounds();

// A variable, because compilers evaluate it once and a function again for each use.
template <class T>
inline constexpr wire_bounds bounds_of = find_bounds<T>();

template <class... T>
consteval wire_bounds bounds_in_row(types<T...>)
{
    wire_bounds all{0, true};
    ((all = all.then(bounds_of<T>)), ...);
    return all;
}

template <class... T>
consteval std::size_t least_of(types<T...>)
{
    std::size_t least = SIZE_MAX;
    ((least = bounds_of<T>.least < least ? bounds_of<T>.least : least), ...);
    return least;
}

template <class T>
consteval wire_bounds find_bounds()
{
    constexpr shape kind = shape_of<T>;
    if constexpr (kind == shape::scalar || kind == shape::opaque)
        return {sizeof(T), true};
    else if constexpr (kind == shape::custom)
        return custom_fixed_size<T>() != 0 ? wire_bounds{custom_fixed_size<T>(), true}
                                           : wire_bounds{sizeof(wire_count), false};
    else if constexpr (kind == shape::array) {
        constexpr wire_bounds element = bounds_of<typename array_traits<T>::element>;
        return {array_traits<T>::size * element.least, element.fixed || array_traits<T>::size == 0};
    }
    else if constexpr (growing<T>)
        return {sizeof(wire_count) + bounds_in_row(first_parts_of<T>{}).least, false};
    else if constexpr (kind == shape::tuple || kind == shape::aggregate)
        return bounds_in_row(parts_of<T>{});
    else if constexpr (kind == shape::variant)
        return {1 + least_of(parts_of<T>{}), false};  // never of a fixed size: it may be without a value
    else
        return {kind == shape::optional ? 1 : sizeof(wire_count), false};
}

template <class T>
consteval bool find_growth()
{
    if constexpr (bitwise<T>)
        return false;
    else if constexpr (shape_of<T> == shape::sequence)
        return find_growth<typename T::value_type>();
    else
        return holds_extensible<T>;
}

/// holds_extensible<T>, which for a type of which nothing can be extensible is not computed.
template <class T>
inline constexpr bool grows = find_growth<T>();

/// The bounds of one element of a container; an element of a map is a key and a value.
template <class T>
inline constexpr wire_bounds element_bounds = bounds_in_row(parts_of<T>{});

template <class T>
inline constexpr std::size_t least_element = element_bounds<T>.least == 0 ? 1 : element_bounds<T>.least;

// How many bytes an object without a value has allocated: a std::deque has a block from the beginning.
template <class T>
consteval std::size_t find_memory_at_rest();

template <class... T>
consteval std::size_t memory_at_rest(types<T...>)
{
    return (find_memory_at_rest<T>() + ... + 0);
}

template <class T>
consteval std::size_t find_memory_at_rest()
{
    constexpr shape kind = shape_of<T>;
    if constexpr (kind == shape::array)
        return array_traits<T>::size * find_memory_at_rest<typename array_traits<T>::element>();
    else if constexpr (kind == shape::tuple || kind == shape::aggregate)
        return memory_at_rest(parts_of<T>{});
    else if constexpr (kind == shape::sequence && !contiguous_like<T>)
        return requires(T& value) { value[std::size_t{}]; value.push_front(std::move(value[0])); } ? 640 : 0;
    else
        return 0;
}

/// How many bytes an element of a container takes in memory: the object, what it allocates by itself, and a node where
/// the container has nodes.
template <class T>
inline constexpr std::size_t element_memory =
    sizeof(typename T::value_type) + find_memory_at_rest<typename T::value_type>() + (contiguous_like<T> ? 0 : 48);

/// What the elements of all containers of a message may take in memory, for a message of so many bytes.
inline constexpr std::size_t memory_in_proportion = 256;
constexpr std::uint64_t memory_allowance(std::size_t message)
{
    return (std::uint64_t{64} << 20) + std::uint64_t{memory_in_proportion} * message;
}

/// Whether a container of elements that have few bytes in a message may take more memory than that. The elements of
/// others need no account: there are never more of them than bytes.
template <class T>
inline constexpr bool lavish = element_memory<T> > memory_in_proportion * least_element<T>;

template <class T>
consteval bool is_announced()
{
    constexpr shape kind = shape_of<T>;
    if constexpr (kind == shape::sequence || kind == shape::set || kind == shape::map)
        return !element_bounds<T>.fixed;
    else
        return false;
}

template <class... Inside>
consteval bool any_announced(types<Inside...>)
{
    return (is_announced<Inside>() || ...);
}

/// Whether the elements of a container hold, at any depth, containers whose elements are announced before their bytes
/// are read.
template <class T>
inline constexpr bool announces_within = any_announced(inside<T>{});

template <class T>
consteval bool find_same_in_memory();

template <class T>
inline constexpr bool same_in_memory = find_same_in_memory<T>();

template <class... T>
consteval bool all_same_in_memory(types<T...>)
{
    return (same_in_memory<T> && ...);
}

// Whether the bytes of the object are its encoding, so that whole arrays are copied at once.
template <class T>
consteval bool find_same_in_memory()
{
    if constexpr (!bitwise<T>)
        return false;
    else if constexpr (shape_of<T> == shape::scalar)
        return std::endian::native == std::endian::little || sizeof(unit_t<T>) == 1;
    else if constexpr (shape_of<T> == shape::opaque)
        return true;
    else
        return bounds_of<T>.least == sizeof(T) && all_same_in_memory(parts_of<T>{});  // no padding
}

}  // namespace strait::detail

#endif
