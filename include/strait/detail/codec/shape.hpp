// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_SHAPE_HPP
#define STRAIT_DETAIL_CODEC_SHAPE_HPP

#include <strait/serialization/serializer.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

// Types are recognised by what they offer, never by name: who uses no std::map does not compile <map>, and the containers of
// Boost work without an adapter.
namespace strait::detail {

enum class shape : unsigned char {
    none,
    custom,     // the user has specialised serializer<T>
    opaque,     // enable_bitwise<T>
    scalar,     // one or two numbers: arithmetic, enumeration, duration, time point, complex
    array,      // T[N], std::array
    tuple,      // std::pair, std::tuple
    optional,
    variant,
    sequence,   // string, vector, deque, list
    set,
    map,
    aggregate,
};

template <class... T>
struct types {
    static constexpr std::size_t size = sizeof...(T);
};

// An enumeration without a fixed underlying type has bit patterns that must not be loaded, and C++ cannot say which.
template <class T>
concept fixed_enum = std::is_enum_v<T> && requires { T{std::underlying_type_t<T>{}}; };

template <class T>
concept duration_like = std::is_trivially_copyable_v<T> && requires(T const& value) {
    typename T::rep;
    T::period::num;
    T::period::den;
    value.count();
    requires std::is_arithmetic_v<typename T::rep> && !std::same_as<typename T::rep, bool>;
    requires sizeof(T) == sizeof(typename T::rep);
};

template <class T>
concept time_point_like = std::is_trivially_copyable_v<T> && requires(T const& value) {
    T::clock::is_steady;
    value.time_since_epoch();
    requires duration_like<typename T::duration>;
    requires sizeof(T) == sizeof(typename T::duration);
};

template <class T>
concept complex_like = std::is_trivially_copyable_v<T> && requires(T const& value) {
    requires std::is_floating_point_v<typename T::value_type>;
    value.real();
    value.imag();
    requires sizeof(T) == 2 * sizeof(typename T::value_type);
};

template <class T>
struct unit {
    using type = T;
};
template <fixed_enum T>
struct unit<T> : std::underlying_type<T> {};
template <duration_like T>
struct unit<T> {
    using type = typename T::rep;
};
template <time_point_like T>
struct unit<T> {
    using type = typename T::duration::rep;
};
template <complex_like T>
struct unit<T> {
    using type = typename T::value_type;
};

/// The number that a scalar is made of: sizeof(T) / sizeof(unit_t<T>) of them.
template <class T>
using unit_t = typename unit<T>::type;

template <class T>
concept scalar_like =
    std::is_arithmetic_v<T> || fixed_enum<T> || duration_like<T> || time_point_like<T> || complex_like<T>;

template <class T>
struct array_traits {
    static constexpr bool is_array = false;
};
template <class T, std::size_t N>
struct array_traits<T[N]> {
    static constexpr bool is_array = true;
    static constexpr std::size_t size = N;
    using element = T;
};
template <class T, std::size_t N>
struct array_traits<std::array<T, N>> : array_traits<T[N]> {};
template <class T>
struct array_traits<std::array<T, 0>> {
    static constexpr bool is_array = true;
    static constexpr std::size_t size = 0;
    using element = T;
};

template <class T>
constexpr auto* array_data(T& value)
{
    if constexpr (std::is_array_v<T>)
        return +value;
    else
        return value.data();
}

namespace element_access {

using std::get;

template <class T, std::size_t I>
concept has_element = requires(T& value) {
    { get<I>(value) } -> std::same_as<std::tuple_element_t<I, T>&>;
};

template <class T, std::size_t I>
constexpr auto& tuple_get(T& value)
{
    return get<I>(value);
}

}  // namespace element_access

using element_access::tuple_get;

template <class T>
concept has_tuple_size = requires { std::tuple_size<T>::value; };

template <class T, std::size_t... I>
consteval bool has_elements(std::index_sequence<I...>)
{
    return (element_access::has_element<T, I> && ...);
}

template <class T>
concept tuple_like = has_tuple_size<T> && has_elements<T>(std::make_index_sequence<std::tuple_size<T>::value>{});

template <class T, class = std::make_index_sequence<std::tuple_size<T>::value>>
struct tuple_elements;
template <class T, std::size_t... I>
struct tuple_elements<T, std::index_sequence<I...>> {
    using type = types<std::tuple_element_t<I, T>...>;
};

template <class T>
concept optional_like = requires(T& value, T const& constant) {
    { constant.has_value() } -> std::same_as<bool>;
    { *constant } -> std::same_as<typename T::value_type const&>;
    value.emplace();
    value.reset();
};

template <class T>
struct variant_alternatives {
    using type = types<>;
};
template <template <class...> class V, class... T>
struct variant_alternatives<V<T...>> {
    using type = types<T...>;
};

template <class T>
concept variant_like = requires(T& value, T const& constant) {
    constant.index();
    constant.valueless_by_exception();
    value.template emplace<0>();
} && variant_alternatives<T>::type::size != 0;

template <class T>
concept container_like = requires(T& value, T const& constant) {
    typename T::value_type;
    constant.begin() != constant.end();
    { constant.size() } -> std::convertible_to<std::size_t>;
    value.clear();
};

template <class T>
concept sequence_like = container_like<T> && requires(T& value, typename T::value_type element) {
    value.push_back(std::move(element));
    value.resize(std::size_t{});
};

template <class T>
concept associative_like = container_like<T> && requires(T& value) {
    typename T::key_type;
    value.emplace_hint(value.end());
};

template <class T>
concept hashed = associative_like<T> && requires { typename T::hasher; };

// A hash container that shows its buckets, so that a reader can count the keys in them.
template <class T>
concept bucketed = hashed<T> && requires(T const& container, typename T::key_type const& key) {
    container.begin(container.bucket(key)) != container.end(container.bucket(key));
    container.bucket_count();
    container.key_eq();
};

// Whether a set or map holds a key once: emplace() of a multiset or multimap does not return whether it has inserted.
template <class T>
concept unique_keys = requires(T& value) { value.emplace().second; };

// A container of one block of memory that can be resized and filled: std::vector and strings, but not std::vector<bool>.
template <class T>
concept contiguous_like = sequence_like<T> && requires(T& value) {
    { value.data() } -> std::same_as<typename T::value_type*>;
};

template <class T>
consteval shape find_shape()
{
    if constexpr (!std::is_object_v<T> || std::is_const_v<T> || std::is_volatile_v<T> || std::is_pointer_v<T>)
        return shape::none;
    else if constexpr (array_traits<T>::is_array && std::is_array_v<T>)
        return shape::array;
    else if constexpr (custom<T>)
        return shape::custom;
    else if constexpr (enable_bitwise<T>) {
        static_assert(extensible<T> == 0, "strait: a type that is extensible cannot be sent as it lies in memory: it has enable_bitwise");
        return std::is_trivially_copyable_v<T> ? shape::opaque : shape::none;
    }
    else if constexpr (scalar_like<T>)
        return shape::scalar;
    else if constexpr (!std::is_class_v<T>)
        return shape::none;
    else if constexpr (array_traits<T>::is_array)
        return shape::array;
    else if constexpr (has_tuple_size<T>)
        return tuple_like<T> ? shape::tuple : shape::none;
    else if constexpr (optional_like<T>)
        return shape::optional;
    else if constexpr (variant_like<T>)
        return shape::variant;
    else if constexpr (hashed<T> && !bucketed<T> && !trusted_hash_container<T>)
        return shape::none;
    else if constexpr (associative_like<T>)
        return requires { typename T::mapped_type; } ? shape::map : shape::set;
    else if constexpr (sequence_like<T>)
        return shape::sequence;
    else
        return std::is_aggregate_v<T> ? shape::aggregate : shape::none;
}

template <class T>
inline constexpr shape shape_of = find_shape<T>();

/// An aggregate to which members may be appended.
template <class T>
concept growing = extensible<T> != 0 && shape_of<T> == shape::aggregate;

}  // namespace strait::detail

#endif
