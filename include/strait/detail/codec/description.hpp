// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_DESCRIPTION_HPP
#define STRAIT_DETAIL_CODEC_DESCRIPTION_HPP

#include <strait/detail/codec/class_name.hpp>
#include <strait/detail/codec/codec.hpp>
#include <strait/detail/codec/fingerprint.hpp>
#include <strait/detail/codec/parts.hpp>
#include <strait/detail/schema/description.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <type_traits>

// Describes types as constants, for schemas. It instantiates two small templates for each type and nothing for each member.
namespace strait::detail {

/// The description of T as it lies in memory, or as the portable tier encodes it.
template <class T, bool InMemory>
struct description_of {
    static type_description const value;
};

template <bool InMemory, class... Part>
struct description_of_parts {
    static constexpr type_description const* value[] = {&description_of<std::remove_const_t<Part>, InMemory>::value...};
};

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-internal"
#pragma clang diagnostic ignored "-Wundefined-var-template"
#endif

// In rows, since Clang prints no more than ten elements of an array.
template <std::size_t Rows>
struct member_addresses {
    void const* rows[Rows][8];
};

struct collect_addresses {
    template <class... Member>
    constexpr member_addresses<(sizeof...(Member) + 7) / 8> operator()(Member const&... member) const
    {
        void const* const all[] = {std::addressof(member)...};
        member_addresses<(sizeof...(Member) + 7) / 8> in_rows{};
        for (std::size_t i = 0; i != sizeof...(Member); ++i)
            in_rows.rows[i / 8][i % 8] = all[i];
        return in_rows;
    }
};

// What the compiler calls the addresses of all members; member_name() finds their names in it.
template <member_addresses A>
consteval std::string_view names_of_addresses()
{
    std::string_view const text = __PRETTY_FUNCTION__;
    return text.substr(text.find("A = "));
}

template <class T>
consteval std::string_view compiled_member_names()
{
    return names_of_addresses<bind_members<member_count<T>()>(static_cast<T const&>(imagined<T>::object.value), collect_addresses{})>();
}

#ifdef __clang__
#pragma clang diagnostic pop
#endif

// Variables, because GCC 12 takes the address of a function whose result initialises a member.
template <class T>
inline constexpr std::string_view class_name_of = class_name<T>();
template <class T>
inline constexpr std::string_view member_names_of = compiled_member_names<T>();

// A type whose parts its serializer knows: described_parts is a types<...>, and described_names, if it is there, has a name for each.
template <class T>
concept self_described = requires { typename serializer<T>::described_parts; };

template <class T>
consteval std::string_view encoding_name()
{
    if constexpr (requires { serializer<T>::encoding; })
        return serializer<T>::encoding;
    else
        return {};
}

template <class T>
inline constexpr std::string_view encoding_name_of = encoding_name<T>();

template <bool InMemory, class... Part>
consteval void add_parts(type_description& d, types<Part...>)
{
    d.parts = sizeof...(Part);
    if constexpr (sizeof...(Part) != 0)
        d.part = description_of_parts<InMemory, Part...>::value;
}

template <class T, bool InMemory>
consteval type_description describe_scalar()
{
    if constexpr (std::is_enum_v<T> || complex_like<T>) {
        type_description d{.what = std::is_enum_v<T> ? kind::enumeration : kind::complex};
        add_parts<InMemory>(d, types<unit_t<T>>{});
        if constexpr (std::is_enum_v<T>)
            d.name = class_name_of<T>;
        return d;
    } else if constexpr (duration_like<T>) {
        type_description d{.what = kind::duration};
        d.numerator = T::period::num;
        d.denominator = T::period::den;
        add_parts<InMemory>(d, types<unit_t<T>>{});
        return d;
    } else if constexpr (time_point_like<T>) {
        type_description d{.what = T::clock::is_steady ? kind::steady_time : kind::other_time};
        add_parts<InMemory>(d, types<typename T::duration>{});
        return d;
    } else if constexpr (std::is_same_v<T, bool>) {
        return {.what = kind::boolean};
    } else if constexpr (std::is_floating_point_v<T>) {
        return {.what = kind::floating, .size = sizeof(T), .alignment = std::numeric_limits<T>::digits};
    } else {
        return {.what = kind_of_integer<T>(), .size = sizeof(T)};
    }
}

template <class T, bool InMemory>
consteval type_description describe_structure()
{
    constexpr shape here = shape_of<T>;
    if constexpr (here == shape::scalar)
        return describe_scalar<T, InMemory>();
    else if constexpr (here == shape::opaque)
        return {.what = kind::opaque, .size = sizeof(T), .alignment = alignof(T), .name = class_name_of<T>};
    else if constexpr (here == shape::aggregate) {
        type_description d{.what = InMemory ? kind::object : kind::product, .name = class_name_of<T>};
        if constexpr (growing<T>) {
            d.what = kind::extensible;
            d.size = extensible<T>;
        }
        add_parts<InMemory>(d, member_types<T>{});
        if constexpr (InMemory) {
            d.size = sizeof(T);
            d.alignment = alignof(T);
            d.offset = member_offsets<T>.data();
        }
        if constexpr (member_types<T>::size != 0)
            d.compiled_names = member_names_of<T>;
        return d;
    } else {
        type_description d{.what = kind::array};
        if constexpr (here == shape::array)
            d.size = array_traits<T>::size;
        else if constexpr (here == shape::tuple) {
            d.what = kind::product;
            d.is_tuple = true;
        } else if constexpr (here == shape::optional || here == shape::variant)
            d.what = here == shape::optional ? kind::optional : kind::variant;
        else
            d.what = kind_of_container<T>();
        add_parts<InMemory>(d, parts_of<T>{});
        return d;
    }
}

// The description of a T whose fingerprint stands for its structure, which is only shown to people.
template <class T, bool InMemory>
consteval type_description describe_custom()
{
    type_description d{.what = kind::custom, .fingerprint = serializer<T>::fingerprint, .name = class_name_of<T>, .encoding = encoding_name_of<T>};
    d.size = InMemory ? sizeof(T) : custom_fixed_size<T>();
    if constexpr (requires { requires serializer<T>::holds_extensible; })
        d.alignment = 1 + extensible<T>;
    if constexpr (self_described<T>) {
        add_parts<false>(d, typename serializer<T>::described_parts{});
        if constexpr (requires { serializer<T>::described_names; })
            d.names = serializer<T>::described_names;
    } else if constexpr (refingerprinted<T>) {
        type_description const inner = describe_structure<T, InMemory>();
        d.parts = inner.parts;
        d.part = inner.part;
        d.compiled_names = inner.compiled_names;
    }
    return d;
}

template <class T, bool InMemory>
consteval type_description describe()
{
    if constexpr (custom<T> || refingerprinted<T>)
        return describe_custom<T, InMemory>();
    else
        return describe_structure<T, InMemory>();
}

template <class T, bool InMemory>
constinit type_description const description_of<T, InMemory>::value = describe<T, InMemory>();

// A message whose fingerprint was given is described by its structure, unless its serializer describes it.
template <class T>
struct root_description {
    static constexpr type_description value = describe_structure<T, tier_of<T> == tier::bitwise || tier_of<T> == tier::flat>();
};

template <class T>
consteval type_description const* root_of()
{
    if constexpr (refingerprinted<T> && !self_described<T>)
        return &root_description<T>::value;
    else
        return &description_of<T, tier_of<T> == tier::bitwise || tier_of<T> == tier::flat>::value;
}

template <class T>
consteval message_description describe_message()
{
    message_layout const layout = codec<T>::layout;
    kind what = kind::portable_message;
    if (tier_of<T> == tier::custom || self_described<T>)
        what = kind::custom;
    else if (tier_of<T> == tier::bitwise)
        what = kind::bitwise_message;
    else if (tier_of<T> == tier::flat)
        what = kind::flat_message;
    return {what, refingerprinted<T> && !self_described<T>, layout.fingerprint, layout.fixed_size, layout.alignment, root_of<T>(), grows<T>};
}

/// The description of T as a message.
template <serializable T>
inline constexpr message_description message_description_of = describe_message<T>();

}  // namespace strait::detail

#endif
