// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_PORTABLE_WRITER_HPP
#define STRAIT_DETAIL_CODEC_PORTABLE_WRITER_HPP

#include <strait/detail/codec/wire.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

// Writes the encoding that codec/wire.hpp draws in two passes: it measures, then stores without checking bounds.
namespace strait::detail {

/// Calls use(part) for the members of an aggregate or elements of a tuple until one returns false. Returns whether all returned
/// true.
// Always inlined: otherwise what `use` captures lies in memory, and the compiler must assume that each stored byte changes it.
template <class T, class Use>
[[gnu::always_inline]] inline constexpr bool every_part(T& value, Use&& use)
{
    if constexpr (shape_of<std::remove_const_t<T>> == shape::aggregate)
        return with_members(value, [&](auto&... part) __attribute__((always_inline)) { return (use(part) && ...); });
    else
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return (use(tuple_get<T, I>(value)) && ...);
        }(std::make_index_sequence<std::tuple_size<T>::value>{});
}

/// Calls use(part) for all members of an aggregate or elements of a tuple.
template <class T, class Use>
[[gnu::always_inline]] inline constexpr void for_each_part(T& value, Use&& use)
{
    (void)every_part(value, [&](auto& part) {
        use(part);
        return true;
    });
}

/// Calls use(alternative) with the one that the variant holds.
template <class T, class Use>
constexpr void with_alternative(T& value, Use&& use)
{
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (void)((value.index() == I && (use(*get_if<I>(std::addressof(value))), true)) || ...);
    }(std::make_index_sequence<parts_of<std::remove_const_t<T>>::size>{});
}

class measurement {
public:
    template <class T>
    constexpr void add(T const& value)
    {
        constexpr shape kind = shape_of<T>;
        if constexpr (bounds_of<T>.fixed)
            bytes_ += bounds_of<T>.least;
        else if constexpr (kind == shape::custom && requires { serializer<T>::measure_parts(*this, value); }) {
            bytes_ += sizeof(wire_count);
            serializer<T>::measure_parts(*this, value);
        }
        else if constexpr (kind == shape::custom)
            add_custom(serializer<T>::size(value));
        else if constexpr (kind == shape::array)
            for (std::size_t i = 0; i != array_traits<T>::size; ++i)
                add(array_data(value)[i]);
        else if constexpr (kind == shape::optional) {
            bytes_ += 1;
            if (value.has_value())
                add(*value);
        }
        else if constexpr (kind == shape::variant) {
            bytes_ += 1;
            refused_ = refused_ || value.valueless_by_exception();
            with_alternative(value, [this](auto const& held) { this->add(held); });
        }
        else if constexpr (kind == shape::sequence || kind == shape::set || kind == shape::map)
            add_container(value);
        else
            add_parts(value);
    }

    // The receiver would refuse what takes more memory than it allows.
    constexpr std::size_t size() const
    {
        bool const refused = refused_ || bytes_ > message_limit || memory_ > memory_allowance(bytes_);
        return refused ? unencodable : bytes_;
    }

private:
    constexpr void add_custom(std::size_t size)
    {
        refused_ = refused_ || size > message_limit;
        bytes_ += sizeof(wire_count) + (size & message_limit);
    }

    template <class T>
    constexpr void add_parts(T const& value)
    {
        if constexpr (growing<T>)
            bytes_ += sizeof(wire_count);
        if constexpr (!recursive<T>)
            for_each_part(value, [this](auto const& part) { this->add(part); });
        else if (depth_ == nesting_limit)
            refused_ = true;
        else {
            ++depth_;
            for_each_part(value, [this](auto const& part) { this->add(part); });
            --depth_;
        }
    }

    template <class T>
    constexpr void add_container(T const& container)
    {
        bytes_ += sizeof(wire_count);
        if constexpr (lavish<T>)
            memory_ += container.size() * element_memory<T>;
        if constexpr (element_bounds<T>.fixed)
            bytes_ += container.size() * least_element<T>;
        else if constexpr (shape_of<T> == shape::map)
            for (auto const& element : container) {
                add(element.first);
                add(element.second);
            }
        else
            for (auto const& element : container)
                add(element);
    }

    std::uint64_t bytes_ = 0;
    std::uint64_t memory_ = 0;  // of lavish elements
    unsigned depth_ = 0;
    bool refused_ = false;
};

template <std::size_t Size>
constexpr void reverse_each(std::byte* from, std::byte* end)
{
    for (; from != end; from += Size)
        for (std::size_t i = 0; i != Size / 2; ++i)
            std::swap(from[i], from[Size - 1 - i]);
}

template <std::endian Native = std::endian::native, class Number>
std::byte* store_numbers(std::byte* to, Number const* from, std::size_t count)
{
    if (count != 0)
        std::memcpy(to, from, count * sizeof(Number));
    std::byte* const end = to + count * sizeof(Number);
    if constexpr (Native == std::endian::big)
        reverse_each<sizeof(Number)>(to, end);
    return end;
}

inline std::byte* store_count(std::byte* to, std::size_t count)
{
    wire_count const n = static_cast<wire_count>(count);
    return store_numbers(to, &n, 1);
}

/// Writes the encoding of `value`, of as many bytes as bounds_of or measurement say, and returns its end.
template <class T>
std::byte* store(std::byte* to, T const& value);

template <class T>
std::byte* store_container(std::byte* to, T const& container)
{
    to = store_count(to, container.size());
    if constexpr (element_bounds<T>.least == 0 && element_bounds<T>.fixed) {
        if (container.size() != 0)
            std::memset(to, 0, container.size());
        return to + container.size();
    }
    else if constexpr (shape_of<T> == shape::map) {
        for (auto const& element : container) {
            to = store(to, element.first);
            to = store(to, element.second);
        }
        return to;
    }
    else {
        using element = typename T::value_type;
        if constexpr (contiguous_like<T> && same_in_memory<element>) {
            if (container.size() != 0)
                std::memcpy(to, container.data(), container.size() * sizeof(element));
            return to + container.size() * sizeof(element);
        }
        else {
            for (element const& one : container)  // of std::vector<bool>, a copy
                to = store(to, one);
            return to;
        }
    }
}

template <class T>
std::byte* store(std::byte* to, T const& value)
{
    constexpr shape kind = shape_of<T>;
    if constexpr (same_in_memory<T>) {
        std::memcpy(to, std::addressof(value), sizeof(T));
        return to + sizeof(T);
    }
    else if constexpr (kind == shape::scalar)
        return store_numbers(to, reinterpret_cast<unit_t<T> const*>(std::addressof(value)),
                             sizeof(T) / sizeof(unit_t<T>));
    else if constexpr (kind == shape::custom) {
        std::size_t size = custom_fixed_size<T>();
        if (size == 0) {
            size = serializer<T>::size(value);
            to = store_count(to, size);
        }
        serializer<T>::encode(value, std::span<std::byte>(to, size));
        return to + size;
    }
    else if constexpr (kind == shape::array) {
        for (std::size_t i = 0; i != array_traits<T>::size; ++i)
            to = store(to, array_data(value)[i]);
        return to;
    }
    else if constexpr (kind == shape::optional) {
        *to++ = static_cast<std::byte>(value.has_value());
        return value.has_value() ? store(to, *value) : to;
    }
    else if constexpr (kind == shape::variant) {
        *to++ = static_cast<std::byte>(value.index());
        with_alternative(value, [&to](auto const& held) { to = store(to, held); });
        return to;
    }
    else if constexpr (kind == shape::sequence || kind == shape::set || kind == shape::map)
        return store_container(to, value);
    else if constexpr (growing<T>) {
        std::byte* const size = to;
        to += sizeof(wire_count);
        for_each_part(value, [&to](auto const& part) { to = store(to, part); });
        store_count(size, static_cast<std::size_t>(to - size) - sizeof(wire_count));
        return to;
    }
    else {
        for_each_part(value, [&to](auto const& part) { to = store(to, part); });
        return to;
    }
}

}  // namespace strait::detail

#endif
