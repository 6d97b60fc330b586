// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_PORTABLE_READER_HPP
#define STRAIT_DETAIL_CODEC_PORTABLE_READER_HPP

#include <strait/detail/codec/portable_container_reader.hpp>
#include <strait/detail/codec/portable_source.hpp>
#include <strait/detail/codec/portable_writer.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace strait::detail {

template <class T>
bool load_optional(checked_source& source, T& out)
{
    bool engaged = false;
    if (!load_fixed(source, engaged)) [[unlikely]]
        return false;
    if (!engaged) {
        out.reset();
        return true;
    }
    if (!out.has_value())
        out.emplace();
    return load(source, *out);
}

template <class T>
bool load_variant(checked_source& source, T& out)
{
    std::uint8_t index = 0;
    if (!load_fixed(source, index) || index >= parts_of<T>::size) [[unlikely]]
        return false;
    if (out.index() != index)
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (void)((index == I && (out.template emplace<I>(), true)) || ...);
        }(std::make_index_sequence<parts_of<T>::size>{});
    bool loaded = false;
    with_alternative(out, [&](auto& held) { loaded = load(source, held); });
    return loaded;
}

template <class Source, class T>
bool load_custom(Source& source, T& out)
{
    std::size_t size = custom_fixed_size<T>();
    if constexpr (custom_fixed_size<T>() == 0) {
        wire_count n = 0;
        if (!load_fixed(source, n)) [[unlikely]]
            return false;
        size = n;
    }
    if (!source.has(size)) [[unlikely]]
        return false;
    std::span<std::byte const> const bytes{source.at, size};
    source.at += size;
    if constexpr (requires { { serializer<T>::decode(bytes, out) } -> std::same_as<error_code>; })
        return !serializer<T>::decode(bytes, out);
    else {
        result<T> value = serializer<T>::decode(bytes);
        if (!value) [[unlikely]]
            return false;
        out = std::move(*value);
        return true;
    }
}

template <std::endian Native = std::endian::native, class Number>
void load_numbers(std::byte const* from, Number* to, std::size_t count)
{
    std::memcpy(to, from, count * sizeof(Number));
    std::byte* const bytes = reinterpret_cast<std::byte*>(to);
    if constexpr (Native == std::endian::big)
        reverse_each<sizeof(Number)>(bytes, bytes + count * sizeof(Number));
}

/// Reads the encoding of a T into `out`, whose memory is reused. False means malformed.
template <class Source, class T>
bool load(Source& source, T& out)
{
    constexpr shape kind = shape_of<T>;
    if constexpr (bounds_of<T>.fixed && std::same_as<Source, checked_source>)
        return load_fixed(source, out);
    else if constexpr (same_in_memory<T>) {
        std::byte const* const from = source.at;
        source.at += sizeof(T);
        return copy_objects(from, std::addressof(out));
    }
    else if constexpr (kind == shape::scalar) {
        using number = unit_t<T>;
        load_numbers(source.at, reinterpret_cast<number*>(std::addressof(out)), sizeof(T) / sizeof(number));
        source.at += sizeof(T);
        return true;
    }
    else if constexpr (kind == shape::custom)
        return load_custom(source, out);
    else if constexpr (kind == shape::array) {
        bool loaded = true;
        for (std::size_t i = 0; loaded && i != array_traits<T>::size; ++i)
            loaded = load(source, array_data(out)[i]);
        return loaded;
    }
    else if constexpr (kind == shape::optional)
        return load_optional(source, out);
    else if constexpr (kind == shape::variant)
        return load_variant(source, out);
    else if constexpr (kind == shape::sequence)
        return load_sequence(source, out);
    else if constexpr (kind == shape::set || kind == shape::map)
        return load_associative(source, out);
    else {
        if constexpr (recursive<T>)
            if (++source.depth > nesting_limit) [[unlikely]]
                return false;
        bool const loaded = every_part(out, [&](auto& part) { return load(source, part); });
        if constexpr (recursive<T>)
            --source.depth;
        return loaded;
    }
}

}  // namespace strait::detail

#endif
