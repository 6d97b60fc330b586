// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_PORTABLE_CONTAINER_READER_HPP
#define STRAIT_DETAIL_CODEC_PORTABLE_CONTAINER_READER_HPP

#include <strait/detail/codec/flat.hpp>
#include <strait/detail/codec/portable_source.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

// Reads what has a count: sequences, sets and maps.
namespace strait::detail {

// A std::vector of large optional values justifies more memory by far than it has bytes: such memory is asked for while
// the elements are read, each time no more than what has been read, and is bounded by this factor where they are small.
inline constexpr std::size_t memory_per_byte = 64;
inline constexpr std::size_t first_memory = 65536;

template <class T>
constexpr std::size_t sized_so_far(std::size_t count, std::size_t done)
{
    constexpr std::size_t size = sizeof(typename T::value_type);
    if constexpr (size <= memory_per_byte * least_element<T>)
        return count;
    else {
        std::size_t const next = done == 0 ? first_memory / size + 1 : 2 * done;
        return next < count ? next : count;
    }
}

template <class Source>
bool load_empty(Source& source)
{
    return source.has(1) && *source.at++ == std::byte{0};
}

template <class Source, class T>
bool load_elements(Source& source, T& out, std::size_t count)
{
    using element = typename T::value_type;
    out.resize(sized_so_far<T>(count, 0));
    auto next = out.begin();
    for (std::size_t done = 0; done != count; ++done, ++next) {
        if constexpr (sized_so_far<T>(SIZE_MAX, 0) != SIZE_MAX)
            if (done == out.size()) {
                out.resize(sized_so_far<T>(count, done));
                next = std::next(out.begin(), static_cast<std::ptrdiff_t>(done));
            }
        if constexpr (element_bounds<T>.least == 0) {
            if (!load_empty(source)) [[unlikely]]
                return false;
        }
        else if constexpr (std::same_as<decltype(*next), element&>) {
            if (!load(source, *next)) [[unlikely]]
                return false;
        }
        else {  // std::vector<bool>
            element one{};
            if (!load(source, one)) [[unlikely]]
                return false;
            *next = one;
        }
    }
    return true;
}

template <class T>
bool load_sequence(checked_source& source, T& out)
{
    using element = typename T::value_type;
    std::size_t count = 0;
    if (!load_count<T>(source, count) || count > out.max_size()) [[unlikely]]
        return false;
    if constexpr (contiguous_like<T> && same_in_memory<element>) {
        std::byte const* const from = source.at;
        source.at += count * sizeof(element);
        return assign_objects(out, from, count);
    }
    else if constexpr (element_bounds<T>.fixed) {
        counted_source inside{source.at};
        source.at += count * least_element<T>;
        return load_elements(inside, out, count);
    }
    else
        return load_elements(source, out, count);
}

template <class T>
consteval bool never_nan()
{
    if constexpr (contiguous_like<T>)
        return std::is_integral_v<typename T::value_type>;
    else
        return std::is_integral_v<T> || std::is_enum_v<T>;
}

// A key unequal to itself (NaN) has no place in an order.
template <class T, class Key>
bool has_place([[maybe_unused]] Key const& key)
{
    if constexpr (requires { typename T::key_compare; } && std::equality_comparable<Key> && !never_nan<Key>())
        return key == key;
    else
        return true;
}

template <class T>
bool load_associative(checked_source& source, T& out)
{
    std::size_t count = 0;
    out.clear();
    if (!load_count<T>(source, count) || count > out.max_size()) [[unlikely]]
        return false;
    if constexpr (requires { out.reserve(count); })
        out.reserve(sized_so_far<T>(count, 0));
    for (std::size_t done = 0; done != count; ++done) {
        if constexpr (element_bounds<T>.least == 0)
            if (!load_empty(source)) [[unlikely]]
                return false;
        typename T::key_type key{};
        if (!load(source, key) || !has_place<T>(key)) [[unlikely]]
            return false;
        if constexpr (shape_of<T> == shape::map) {
            typename T::mapped_type mapped{};
            if (!load(source, mapped)) [[unlikely]]
                return false;
            out.emplace_hint(out.end(), std::move(key), std::move(mapped));
        }
        else
            out.emplace_hint(out.end(), std::move(key));
        if constexpr (unique_keys<T>)
            if (out.size() != done + 1) [[unlikely]]
                return false;
    }
    return true;
}

}  // namespace strait::detail

#endif
