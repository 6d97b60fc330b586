// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_BITWISE_HPP
#define STRAIT_DETAIL_CODEC_BITWISE_HPP

#include <strait/detail/codec/members.hpp>
#include <strait/serialization/layout.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

// The first built-in tier: objects whose bytes are the message, for peers of the same ABI.
namespace strait::detail {

template <class T>
consteval bool find_bitwise();

/// A type that is trivially copyable, has no pointer or reference inside at any depth, and is either an aggregate whose members
/// strait can see or one for which the user has set enable_bitwise. Nothing in it
/// is extensible.
template <class T>
concept bitwise = find_bitwise<T>();

template <class... T>
consteval bool all_bitwise(types<T...>)
{
    return (bitwise<std::remove_const_t<T>> && ...);
}

template <class T>
consteval bool find_bitwise()
{
    constexpr shape kind = shape_of<T>;
    if constexpr (!std::is_trivially_copyable_v<T>)
        return false;
    else if constexpr (kind == shape::scalar || kind == shape::opaque)
        return true;
    else if constexpr (kind == shape::array)
        return bitwise<std::remove_const_t<typename array_traits<T>::element>>;
    else if constexpr (kind == shape::aggregate) {
        if constexpr (inspectable<T> && !growing<T>)
            return all_bitwise(member_types<T>{});
        else
            return false;
    }
    else
        return false;
}

template <bitwise T>
consteval bool find_bool();

/// Whether a T has a bool inside, at any depth.
template <class T>
inline constexpr bool has_bool = find_bool<T>();

template <class... T>
consteval bool any_has_bool(types<T...>)
{
    return (has_bool<std::remove_const_t<T>> || ...);
}

// bool is the one scalar that does not take every bit pattern (an enumeration can be made of it).
template <bitwise T>
consteval bool find_bool()
{
    if constexpr (shape_of<T> == shape::scalar)
        return std::is_same_v<unit_t<T>, bool>;
    else if constexpr (shape_of<T> == shape::array)
        return array_traits<T>::size != 0 && has_bool<std::remove_const_t<typename array_traits<T>::element>>;
    else if constexpr (shape_of<T> == shape::aggregate)
        return any_has_bool(member_types<T>{});
    else
        return false;
}

template <class T>
constexpr unsigned bool_bits(std::byte const* object);

template <class T, std::size_t Offset>
constexpr unsigned bool_bits_at(std::byte const* object)
{
    if constexpr (has_bool<T>)
        return bool_bits<T>(object + Offset);
    else
        return 0;
}

template <class T, class... Member, std::size_t... I>
constexpr unsigned bool_bits_of_members(std::byte const* object, types<Member...>, std::index_sequence<I...>)
{
    return (bool_bits_at<std::remove_const_t<Member>, member_offsets<T>[I]>(object) | ... | 0U);
}

// All bytes that hold a bool, or-ed together: more than 1 when one of them is invalid. Read as bytes, since reading
// such a bool is undefined; or-ed rather than compared one by one, so that loops become vector instructions.
template <class T>
constexpr unsigned bool_bits(std::byte const* object)
{
    if constexpr (shape_of<T> == shape::scalar)
        return std::to_integer<unsigned>(*object);
    else if constexpr (shape_of<T> == shape::array) {
        using element = std::remove_const_t<typename array_traits<T>::element>;
        unsigned bits = 0;
        for (std::size_t i = 0; i != array_traits<T>::size; ++i)
            bits |= bool_bits<element>(object + i * sizeof(element));
        return bits;
    }
    else
        return bool_bits_of_members<T>(object, member_types<T>{}, std::make_index_sequence<member_types<T>::size>{});
}

/// Whether these bytes, at any address, are `count` valid objects. For a T without bool this is true and costs nothing.
template <bitwise T>
constexpr bool valid_objects([[maybe_unused]] std::byte const* objects, [[maybe_unused]] std::size_t count = 1)
{
    if constexpr (has_bool<T>) {
        static_assert(sizeof(bool) == 1);
        unsigned bits = 0;
        for (std::size_t i = 0; i != count; ++i)
            bits |= bool_bits<T>(objects + i * sizeof(T));
        return bits <= 1;
    }
    else
        return true;
}

// Copies first and checks the copy, because the bytes may lie in memory that a hostile peer can still write to. A copy that is
// refused is overwritten, since an invalid bool must not stay in an object.
template <bitwise T>
bool copy_objects(std::byte const* from, T* to, std::size_t count = 1)
{
    if (count == 0)
        return true;
    std::memcpy(static_cast<void*>(to), from, count * sizeof(T));
    if (valid_objects<T>(reinterpret_cast<std::byte const*>(to), count)) [[likely]]
        return true;
    std::memset(static_cast<void*>(to), 0, count * sizeof(T));
    return false;
}

/// The codec<T> of the first tier.
template <bitwise T>
struct bitwise_codec {
    static constexpr message_layout layout{sizeof(T), alignof(T), serializer<T>::fingerprint};
    static constexpr bool bitwise = true;
    static constexpr bool flat = false;
    static constexpr bool views_in_place = true;
    using element_type = void;
    using view_type = T const&;

    static constexpr std::size_t size(T const&) noexcept { return sizeof(T); }

    static void encode(T const& value, std::span<std::byte> out) noexcept
    {
        std::memcpy(out.data(), std::addressof(value), sizeof(T));
    }

    static error_code decode(std::span<std::byte const> in, T& out) noexcept
    {
        if (in.size() == sizeof(T) && copy_objects(in.data(), std::addressof(out))) [[likely]]
            return {};
        return errc::malformed_message;
    }

    static result<T> decode(std::span<std::byte const> in)
    {
        if constexpr (std::default_initializable<T>)
            return decode_new<bitwise_codec, T>(in);
        else {
            std::array<std::byte, sizeof(T)> bytes;
            if (in.size() != sizeof(T)) [[unlikely]]
                return malformed<T>();
            std::memcpy(bytes.data(), in.data(), sizeof(T));
            if (!valid_objects<T>(bytes.data())) [[unlikely]]
                return malformed<T>();
            return result<T>{std::in_place, std::bit_cast<T>(bytes)};
        }
    }

    static error_code validate(std::span<std::byte const> in) noexcept
    {
        if (in.size() == sizeof(T) && valid_objects<T>(in.data())) [[likely]]
            return {};
        return errc::malformed_message;
    }

    // The object was written by the peer; a trivially copyable type lets its lifetime begin by that.
    static view_type view(std::span<std::byte const> in) noexcept
    {
        return *std::launder(reinterpret_cast<T const*>(in.data()));
    }
};

}  // namespace strait::detail

#endif
