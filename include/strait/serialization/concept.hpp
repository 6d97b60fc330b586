// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_CONCEPT_HPP
#define STRAIT_SERIALIZATION_CONCEPT_HPP

#include <strait/detail/codec/bitwise.hpp>
#include <strait/detail/codec/flat.hpp>
#include <strait/detail/codec/wire.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
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

// Compilers name its arguments beside the error: the part that cannot be sent, the message that it is a part of, and the member that
// has this type, or a container or the like of it.
template <class Part, class Message, auto... Member>
struct cannot_be_sent {
    static_assert(
        serializable<Message>,
        "strait cannot send this type: specialise strait::serializer for it, make it an aggregate of supported members "
        "(default-constructible, at most 64, no pointers, no base class), set strait::enable_bitwise if it is "
        "trivially copyable and safe to copy byte by byte, strait::trusted_hash_container if it is a hash container without "
        "buckets, include an adapter from strait/serialization/, or leave extensible types out of the keys of sets and maps");
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

template <class Part, class M, class... Inside>
consteval bool holds(types<Inside...>)
{
    return std::is_same_v<Part, M> || (shape_of<M> != shape::aggregate && is_among<Part>(parts_of<M>{})) ||
           (is_among<Part>(parts_of<Inside>{}) || ...);
}

// The number of the first member that is a Part, or a container or the like of it.
template <class Part, class... Member>
consteval std::size_t member_to_blame(types<Member...>)
{
    std::size_t i = 0;
    (void)((holds<Part, Member>(inside<Member, parts_without_aggregates>{}) || (++i, false)) || ...);
    return i;
}

template <class Part, class Owner>
consteval bool has_member_to_blame()
{
    if constexpr (shape_of<Owner> == shape::aggregate)
        return member_to_blame<Part>(parts_of<Owner>{}) != parts_of<Owner>::size;
    else
        return false;
}

// The first of these types that is an aggregate with such a member; void: none is.
template <class Part, class... Owner>
consteval auto find_owner(types<Owner...>)
{
    return first_type<std::conditional_t<has_member_to_blame<Part, Owner>(), Owner, void>...>{};
}

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-internal"
#pragma clang diagnostic ignored "-Wundefined-var-template"
#endif

// A member, as a template argument that compilers print with its name.
template <class M>
struct the_member {
    M const* address;
};

template <std::size_t I>
struct pick_member {
    template <class First, class... Rest>
    constexpr auto operator()(First const& first, Rest const&... rest) const
    {
        if constexpr (I == 0)
            return the_member<First>{std::addressof(first)};
        else
            return pick_member<I - 1>{}(rest...);
    }
};

template <class Part, class Message, class Owner>
consteval auto name_member()
{
    if constexpr (std::is_void_v<Owner>)
        return std::type_identity<cannot_be_sent<Part, Message>>{};
    else {
        constexpr pick_member<member_to_blame<Part>(parts_of<Owner>{})> pick;
        return std::type_identity<cannot_be_sent<Part, Message, bind_members<member_count<Owner>()>(static_cast<Owner const&>(imagined<Owner>::object.value), pick)>>{};
    }
}

#ifdef __clang__
#pragma clang diagnostic pop
#endif

template <class Part, class Message, class... Inside>
consteval auto find_member_to_blame(types<Inside...>)
{
    return name_member<Part, Message, typename decltype(find_owner<Part>(types<Message, Inside...>{}))::type>();
}

template <class Message>
consteval auto find_blame()
{
    using part = typename decltype(find_part_to_blame<Message>())::type;
    if constexpr (std::is_same_v<part, Message> || !message_object<Message> || custom<Message>)
        return std::type_identity<cannot_be_sent<part, Message>>{};
    else
        return find_member_to_blame<part, Message>(inside<Message>{});
}

/// `static_assert(require_serializable<T>());` ends the compilation with one readable sentence unless serializable<T>.
// It is a class, because for a function Clang adds a second error, that a function with an error is not constant.
template <class T>
struct require_serializable : decltype(find_blame<T>())::type {
    constexpr operator bool() const { return true; }
};
template <serializable T>
struct require_serializable<T> : std::true_type {};

}  // namespace detail
}  // namespace strait

#endif
