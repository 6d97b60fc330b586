// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_CUSTOM_HPP
#define STRAIT_DETAIL_CODEC_CUSTOM_HPP

#include <strait/detail/codec/handles.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/serialization/serializer.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <utility>

namespace strait::detail {

template <class T>
consteval std::size_t custom_alignment()
{
    if constexpr (requires { serializer<T>::alignment; })
        return serializer<T>::alignment;
    else
        return 1;
}

template <class T>
concept custom_view = requires(std::span<std::byte const> in) {
    { serializer<T>::view(in) } -> std::same_as<typename serializer<T>::view_type>;
};

template <class T>
struct custom_view_type {
    using type = T;
};
template <custom_view T>
struct custom_view_type<T> {
    using type = typename serializer<T>::view_type;
};

// Whether the serializer of a T that the user has written must not read bytes that a peer may change meanwhile.
template <class T>
consteval bool looks_again()
{
    if constexpr (!custom<T>)
        return false;
    else if constexpr (requires { serializer<T>::reads_shared_memory; })
        return !serializer<T>::reads_shared_memory;
    else
        return true;
}

struct finds_second_looks {
    template <class T>
    static constexpr bool in = looks_again<T>();
};
struct finds_foreign_code {
    template <class T>
    static constexpr bool in = custom<T>;
};

template <class Find, class... Part>
consteval bool found_in_any(types<Part...>)
{
    return (Find::template in<Part> || ...);
}

template <class Find, class T, class... Inside>
consteval bool found_in(types<Inside...>)
{
    return Find::template in<T> || found_in_any<Find>(parts_of<T>{}) || (found_in_any<Find>(parts_of<Inside>{}) || ...);
}

/// Whether T, or something inside of it, is decoded by a serializer of the user's, or of another library's, that may
/// look at bytes, trust what it saw, and look again. The built-in encodings copy first and check the copy.
template <class T>
inline constexpr bool needs_steady_bytes = found_in<finds_second_looks, T>(inside<T>{});

/// Whether encoding and decoding a T calls a serializer that is not the library's own, which may do anything.
template <class T>
inline constexpr bool has_foreign_serializer = found_in<finds_foreign_code, T>(inside<T>{});

/// The codec<T> of a T whose serializer the user has written.
template <complete_custom T>
struct custom_codec {
    static constexpr message_layout layout{custom_fixed_size<T>(), custom_alignment<T>(), serializer<T>::fingerprint, handle<T>};
    static constexpr bool bitwise = false;
    static constexpr bool flat = false;
    static constexpr bool views_in_place = custom_view<T>;
    using element_type = void;
    using view_type = typename custom_view_type<T>::type;

    static constexpr std::size_t size(T const& value) { return serializer<T>::size(value); }

    static void encode(T const& value, std::span<std::byte> out) { serializer<T>::encode(value, out); }

    static error_code decode(std::span<std::byte const> in, T& out)
    {
        if (!fits(in)) [[unlikely]]
            return errc::malformed_message;
        if constexpr (requires { { serializer<T>::decode(in, out) } -> std::same_as<error_code>; })
            return serializer<T>::decode(in, out);
        else {
            result<T> value = serializer<T>::decode(in);
            if (!value)
                return value.error();
            out = std::move(*value);
            return {};
        }
    }

    static result<T> decode(std::span<std::byte const> in)
    {
        if (!fits(in)) [[unlikely]]
            return malformed<T>();
        return serializer<T>::decode(in);
    }

    static error_code validate(std::span<std::byte const> in)
    {
        if (!fits(in)) [[unlikely]]
            return errc::malformed_message;
        if constexpr (requires { { serializer<T>::validate(in) } -> std::same_as<error_code>; })
            return serializer<T>::validate(in);
        else if constexpr (!custom_view<T>)
            return serializer<T>::decode(in).error();
        else
            return {};
    }

    static view_type view(std::span<std::byte const> in)
    {
        if constexpr (custom_view<T>)
            return serializer<T>::view(in);
        else
            return decode(in).value();
    }

private:
    static constexpr bool fits(std::span<std::byte const> in)
    {
        return layout.fixed_size == 0 || in.size() == layout.fixed_size;
    }
};

}  // namespace strait::detail

#endif
