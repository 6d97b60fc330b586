// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_PARTS_HPP
#define STRAIT_DETAIL_CODEC_PARTS_HPP

#include <strait/detail/codec/members.hpp>
#include <strait/detail/codec/shape.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>

// What a type is made of, at any depth. Each type is visited once: a walk along every path to it would take exponential
// time for types that share parts, and would not end for types that contain themselves.
namespace strait::detail {

template <class T>
consteval auto find_parts()
{
    if constexpr (shape_of<T> == shape::array)
        return types<typename array_traits<T>::element>{};
    else if constexpr (shape_of<T> == shape::tuple)
        return typename tuple_elements<T>::type{};
    else if constexpr (shape_of<T> == shape::variant)
        return typename variant_alternatives<T>::type{};
    else if constexpr (shape_of<T> == shape::optional || shape_of<T> == shape::sequence)
        return types<typename T::value_type>{};
    else if constexpr (shape_of<T> == shape::set)
        return types<typename T::key_type>{};
    else if constexpr (shape_of<T> == shape::map)
        return types<typename T::key_type, typename T::mapped_type>{};
    else if constexpr (shape_of<T> == shape::aggregate && inspectable<T>)
        return member_types<T>{};
    else
        return types<>{};
}

/// The types that T is directly made of.
template <class T>
using parts_of = decltype(find_parts<T>());

template <std::size_t N, class Taken, class... Rest>
struct first_of {
    using type = Taken;
};
template <std::size_t N, class... Taken, class First, class... Rest>
    requires(N != 0)
struct first_of<N, types<Taken...>, First, Rest...> : first_of<N - 1, types<Taken..., First>, Rest...> {};

template <class T, class... Part>
consteval auto find_first_parts(types<Part...> all)
{
    if constexpr (growing<T>) {
        static_assert(extensible<T> <= sizeof...(Part), "strait: extensible says more members than this aggregate has");
        return typename first_of<extensible<T>, types<>, Part...>::type{};
    } else
        return all;
}

/// The types that the first version of T was directly made of.
template <class T>
using first_parts_of = decltype(find_first_parts<T>(parts_of<T>{}));

template <class T, class... Among>
consteval bool is_among(types<Among...>)
{
    return (std::is_same_v<T, Among> || ...);
}

struct all_parts {
    template <class T>
    using of = parts_of<T>;
};

struct parts_of_first_versions {
    template <class T>
    using of = first_parts_of<T>;
};

struct parts_without_aggregates {
    template <class T>
    using of = std::conditional_t<shape_of<T> == shape::aggregate, types<>, parts_of<T>>;
};

template <class Parts, class T>
struct visit {};

template <class Parts, class... Seen, class... Part>
consteval auto visit_all(types<Seen...> seen, types<Part...>)
{
    return (seen | ... | visit<Parts, Part>{});
}

// Adds T and the types that it is made of, unless they are in the list. A type without parts is left out.
template <class Parts, class... Seen, class T>
consteval auto operator|(types<Seen...> seen, visit<Parts, T>)
{
    if constexpr (Parts::template of<T>::size == 0 || is_among<T>(types<Seen...>{}))
        return seen;
    else
        return visit_all<Parts>(types<Seen..., T>{}, typename Parts::template of<T>{});
}

// All types with parts that T is made of, at any depth; T too if it is a part of itself.
template <class T, class Parts = all_parts>
using inside = decltype(visit_all<Parts>(types<>{}, typename Parts::template of<T>{}));

template <class T>
consteval bool find_recursive()
{
    if constexpr (shape_of<T> == shape::aggregate)
        return is_among<T>(inside<T>{});
    else
        return false;
}

/// Whether T is an aggregate that can lie within another T. Nesting is counted in such types.
template <class T>
inline constexpr bool recursive = find_recursive<T>();

// Whether this type is extensible, or its serializer says that something in it is.
template <class T>
consteval bool is_extensible_itself()
{
    if constexpr (requires { serializer<T>::holds_extensible; })
        return serializer<T>::holds_extensible;
    else
        return growing<T>;
}

template <class... Part>
consteval bool any_extensible(types<Part...>)
{
    return (is_extensible_itself<std::remove_const_t<Part>>() || ...);
}

template <class T, class... Inside>
consteval bool find_extensible(types<Inside...>)
{
    return is_extensible_itself<T>() || any_extensible(parts_of<T>{}) || (any_extensible(parts_of<Inside>{}) || ...);
}

/// Whether T is extensible, or something inside of it is.
template <class T>
inline constexpr bool holds_extensible = find_extensible<T>(inside<T>{});

template <class T>
consteval bool find_recursive_at_first()
{
    if constexpr (recursive<T> && holds_extensible<T>)
        return is_among<T>(inside<T, parts_of_first_versions>{});
    else
        return recursive<T>;
}

/// Whether T could lie within another T when all extensible types were in their first versions.
template <class T>
inline constexpr bool recursive_at_first = find_recursive_at_first<T>();

// Whether T lies within itself without an aggregate on the way: how deep a peer nests it could not be counted.
template <class T>
inline constexpr bool endless = is_among<T>(inside<T, parts_without_aggregates>{});

// Whether T has a portable encoding if its parts have one.
template <class T>
consteval bool encodable_by_itself()
{
    constexpr shape kind = shape_of<T>;
    if constexpr (kind == shape::none)
        return false;
    else if constexpr (kind == shape::aggregate)
        return inspectable<T>;
    else if constexpr (kind == shape::custom)
        return complete_custom<T> && std::default_initializable<T> && std::is_move_assignable_v<T>;
    else if constexpr (kind == shape::variant && variant_alternatives<T>::type::size > 255)
        return false;
    else if constexpr (kind == shape::set || kind == shape::map)  // a key without what an older version skips may be there twice
        return std::default_initializable<T> && !endless<T> && !holds_extensible<typename T::key_type>;
    else
        return (std::is_array_v<T> || std::default_initializable<T>) && !endless<T>;
}

template <class... Found>
struct first_type : std::type_identity<void> {};
template <class First, class... Rest>
struct first_type<First, Rest...> : std::type_identity<First> {};
template <class... Rest>
struct first_type<void, Rest...> : first_type<Rest...> {};

template <class... T>
using first_not_encodable = typename first_type<std::conditional_t<encodable_by_itself<T>(), void, T>...>::type;

template <class... T>
consteval auto find_culprit_in(types<T...>)
{
    return std::type_identity<first_not_encodable<T...>>{};
}

template <class T, class... Inside>
consteval auto find_culprit(types<Inside...>)
{
    return first_type<first_not_encodable<T>, typename decltype(find_culprit_in(parts_of<T>{}))::type,
                      typename decltype(find_culprit_in(parts_of<Inside>{}))::type...>{};
}

/// The first part of T, or T itself, that has no portable encoding; void if there is none.
template <class T>
using culprit_of = typename decltype(find_culprit<T>(inside<T>{}))::type;

/// A type that has a portable encoding, as everything inside of it has.
template <class T>
concept portable = std::is_void_v<culprit_of<T>>;

}  // namespace strait::detail

#endif
