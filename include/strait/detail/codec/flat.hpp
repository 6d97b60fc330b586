// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_FLAT_HPP
#define STRAIT_DETAIL_CODEC_FLAT_HPP

#include <strait/detail/codec/bitwise.hpp>
#include <strait/detail/codec/wire.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

// The second built-in tier: one block of bitwise elements. The message is the elements, without a length.
namespace strait::detail {

/// std::string, std::vector<U> and containers like them. Elements are aligned to at most 8 bytes: for more, a byte stream would
/// have to pad.
template <class T>
concept flat = shape_of<T> == shape::sequence && contiguous_like<T> && bitwise<typename T::value_type> &&
               alignof(typename T::value_type) <= 8 && std::default_initializable<typename T::value_type> &&
               std::default_initializable<T>;

template <class T>
struct flat_view {
    using type = std::span<typename T::value_type const>;
};
template <class T>
    requires requires { typename std::basic_string_view<typename T::value_type, typename T::traits_type>; }
struct flat_view<T> {
    using type = std::basic_string_view<typename T::value_type, typename T::traits_type>;
};

// Replaces the content of a contiguous container by `count` objects that lie at any address; at most max_size().
template <class T>
bool assign_few_objects(T& out, std::byte const* from, std::size_t count)
{
    using element = typename T::value_type;
    auto const* const first = reinterpret_cast<element const*>(from);
    // assign() does not fill memory that is overwritten at once. It may copy element by element, so it must not meet an
    // invalid bool.
    if constexpr (!has_bool<element> && requires { out.assign(first, first); }) {
        if (alignof(element) == 1 || reinterpret_cast<std::uintptr_t>(from) % alignof(element) == 0) {
            out.assign(first, first + count);
            return true;
        }
    }
    out.resize(count);
    return copy_objects(from, out.data(), count);
}

// Replaces the content of a contiguous container by `count` objects that lie at any address.
template <class T>
bool assign_objects(T& out, std::byte const* from, std::size_t count)
{
    return count <= out.max_size() && assign_few_objects(out, from, count);
}

/// The codec<T> of the second tier.
template <flat T>
struct flat_codec {
    using element_type = typename T::value_type;
    using view_type = typename flat_view<T>::type;
    static constexpr message_layout layout{0, alignof(element_type), serializer<T>::fingerprint};
    static constexpr bool bitwise = false;
    static constexpr bool flat = true;
    static constexpr bool views_in_place = true;

    static constexpr std::size_t size(T const& value) noexcept
    {
        std::size_t const bytes = value.size() * sizeof(element_type);
        return bytes <= message_limit ? bytes : unencodable;
    }

    static void encode(T const& value, std::span<std::byte> out) noexcept
    {
        if (!out.empty())
            std::memcpy(out.data(), value.data(), out.size());
    }

    static error_code decode(std::span<std::byte const> in, T& out)
    {
        if (in.size() % sizeof(element_type) == 0 &&
            assign_objects(out, in.data(), in.size() / sizeof(element_type))) [[likely]]
            return {};
        return errc::malformed_message;
    }

    static result<T> decode(std::span<std::byte const> in) { return decode_new<flat_codec, T>(in); }

    // Decodes without allocating. False: that is not possible, and out may have changed.
    static bool decode_fitting(std::span<std::byte const> in, T& out)
    {
        std::size_t const count = in.size() / sizeof(element_type);
        return in.size() % sizeof(element_type) == 0 && count <= out.capacity() && assign_few_objects(out, in.data(), count);
    }

    static error_code validate(std::span<std::byte const> in) noexcept
    {
        if (in.size() % sizeof(element_type) == 0 &&
            valid_objects<element_type>(in.data(), in.size() / sizeof(element_type))) [[likely]]
            return {};
        return errc::malformed_message;
    }

    static view_type view(std::span<std::byte const> in) noexcept
    {
        return view_type{reinterpret_cast<element_type const*>(in.data()), in.size() / sizeof(element_type)};
    }
};

}  // namespace strait::detail

#endif
