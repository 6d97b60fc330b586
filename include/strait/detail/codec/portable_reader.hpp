// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_PORTABLE_READER_HPP
#define STRAIT_DETAIL_CODEC_PORTABLE_READER_HPP

#include <strait/detail/codec/flat.hpp>
#include <strait/detail/codec/handles.hpp>
#include <strait/detail/codec/portable_writer.hpp>
#include <strait/detail/codec/wire.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

// Reads the encoding that codec/wire.hpp draws, from any peer: every length is compared with the bytes that are left before
// anything is allocated. Each function returns false for a message that is refused; the object is then valid, with an
// unspecified value.
namespace strait::detail {

/// Bytes that may be too few: each part asks whether there are enough. It holds the budgets of one message.
//
// Elements that were announced and not yet read have claimed their least bytes: these lie behind `end`, where elements
// hold containers that announce elements themselves. So containers within each other cannot announce the same bytes,
// and all that a message makes the reader allocate is in proportion to its bytes, however deep it is nested. Containers
// of `lavish` elements draw from `memory` besides.
struct checked_source {
    std::byte const* at;
    std::byte const* end;
    unsigned depth = 0;
    std::uint64_t memory = memory_allowance(static_cast<std::size_t>(end - at));  // bytes that may still be allocated
    // How many keys that lie in the same buckets may still be met while hash containers are filled. Few are with any
    // hash; a hostile peer chooses keys that all fall into one, where inserting n of them takes n * n / 2.
    std::uint64_t collisions = (std::uint64_t{1} << 20) + 8 * static_cast<std::uint64_t>(end - at);
    bool exhausted = false;  // the message was refused for want of memory

    bool has(std::uint64_t n) const { return n <= static_cast<std::size_t>(end - at); }

    bool draw(std::uint64_t bytes)
    {
        exhausted = bytes > memory;
        memory -= exhausted ? 0 : bytes;
        return !exhausted;
    }

    /// What decoding a whole message returns, once load() has returned `loaded`.
    error_code verdict(bool loaded) const
    {
        if (loaded && at == end) [[likely]]
            return {};
        return exhausted ? errc::out_of_memory : errc::malformed_message;
    }
};

/// Bytes of which the caller has made sure that they are enough for a part of a fixed size.
struct counted_source {
    std::byte const* at;

    static constexpr bool has(std::uint64_t) { return true; }
};

template <class Source, class T>
bool load(Source& source, T& out);

// Reads a part of a fixed size, whose bytes are counted once and not for each of its parts.
template <class T>
bool load_fixed(checked_source& source, T& out)
{
    if (!source.has(bounds_of<T>.least)) [[unlikely]]
        return false;
    counted_source inside{source.at};
    source.at += bounds_of<T>.least;
    return load(inside, out);
}

// From here on `number` is what was read, once: without this a compiler may read it again where the bytes lie, which
// may be memory that a hostile peer changes between the check and the use.
template <class Number>
void fix_value(Number& number)
{
    asm("" : "+r"(number));
}

// Reads how many elements follow. More than the bytes that are left can hold is malformed.
template <class T>
bool load_count(checked_source& source, std::size_t& count)
{
    wire_count n = 0;
    if (!load_fixed(source, n)) [[unlikely]]
        return false;
    fix_value(n);
    count = n;
    return source.has(std::uint64_t{n} * least_element<T>);
}

// Elements may take far more memory than their encoding has bytes (a std::vector of large optional values without a value). Up
// to this factor their memory is allocated at once, as the count is at most what the bytes can hold. Above it, memory is
// allocated while the elements are read: first this much, then each time as much again as has been filled.
inline constexpr std::size_t memory_per_byte = 64;
inline constexpr std::size_t first_memory = 65536;

template <class T>
constexpr std::size_t sized_so_far(std::size_t count, std::size_t done)
{
    constexpr std::size_t size = element_memory<T>;
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

// Grows a sequence of which `done` elements were read, and draws the memory of its elements. False: there is no more.
template <class Source, class T>
bool grow(Source& source, T& out, std::size_t count, std::size_t done)
{
    std::size_t const size = sized_so_far<T>(count, done);
    if constexpr (lavish<T>)
        if (!source.draw((size - done) * element_memory<T>)) [[unlikely]]
            return false;
    out.resize(size);
    return true;
}

template <class Source, class T>
bool load_elements(Source& source, T& out, std::size_t count)
{
    using element = typename T::value_type;
    if (!grow(source, out, count, 0)) [[unlikely]]
        return false;
    auto next = out.begin();
    for (std::size_t done = 0; done != count; ++done, ++next) {
        if constexpr (sized_so_far<T>(SIZE_MAX, 0) != SIZE_MAX)
            if (done == out.size()) {
                if (!grow(source, out, count, done)) [[unlikely]]
                    return false;
                next = std::next(out.begin(), static_cast<std::ptrdiff_t>(done));
            }
        if constexpr (std::same_as<Source, checked_source> && announces_within<T>)
            source.end += least_element<T>;  // claimed when the element was announced
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

// Sequences, sets and maps: a count, then the elements.
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
    else if constexpr (element_bounds<T>.fixed && !lavish<T>) {
        counted_source inside{source.at};
        source.at += count * least_element<T>;
        return load_elements(inside, out, count);
    }
    else {
        if constexpr (announces_within<T>)
            source.end -= count * least_element<T>;
        return load_elements(source, out, count);
    }
}

template <class T>
consteval bool never_nan()
{
    if constexpr (contiguous_like<T>)
        return std::is_integral_v<typename T::value_type>;
    else
        return std::is_integral_v<T> || std::is_enum_v<T>;
}

// A key that is not equal to itself (NaN) cannot be ordered.
template <class T, class Key>
bool has_place([[maybe_unused]] Key const& key)
{
    if constexpr (requires { typename T::key_compare; } && std::equality_comparable<Key> && !never_nan<Key>())
        return key == key;
    else
        return true;
}

// Looks for the key in its bucket, as inserting it will do, and counts the keys that it meets. False: there are too
// many of them.
template <class T>
bool has_short_bucket(checked_source& source, T const& container, typename T::key_type const& key)
{
    if (container.bucket_count() == 0)
        return true;
    auto const bucket = container.bucket(key);
    auto const equal = container.key_eq();
    for (auto at = container.begin(bucket); at != container.end(bucket); ++at) {
        if (source.collisions == 0) [[unlikely]]
            return false;
        --source.collisions;
        if constexpr (shape_of<T> == shape::map) {
            if (equal(at->first, key))
                break;
        }
        else if (equal(*at, key))
            break;
    }
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
    if constexpr (announces_within<T>)
        source.end -= count * least_element<T>;
    for (std::size_t done = 0; done != count; ++done) {
        if constexpr (announces_within<T>)
            source.end += least_element<T>;  // claimed when the element was announced
        if constexpr (lavish<T>)
            if (!source.draw(element_memory<T>)) [[unlikely]]
                return false;
        if constexpr (element_bounds<T>.least == 0)
            if (!load_empty(source)) [[unlikely]]
                return false;
        typename T::key_type key{};
        if (!load(source, key) || !has_place<T>(key)) [[unlikely]]
            return false;
        if constexpr (bucketed<T>)
            if (!has_short_bucket(source, out, key)) [[unlikely]]
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
    if (!load_fixed(source, index)) [[unlikely]]
        return false;
    fix_value(index);
    if (index >= parts_of<T>::size) [[unlikely]]
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
        fix_value(n);
        size = n;
    }
    if (!source.has(size)) [[unlikely]]
        return false;
    std::span<std::byte const> const bytes{source.at, size};
    source.at += size;
    if constexpr (!bounds_of<T>.fixed && requires { serializer<T>::load_parts(source, out); }) {
        checked_source inside = source;  // one message has one budget
        inside.at = bytes.data();
        inside.end = bytes.data() + size;
        bool const loaded = serializer<T>::load_parts(inside, out);
        source.memory = inside.memory;
        source.collisions = inside.collisions;
        source.exhausted = inside.exhausted;
        return loaded && inside.at == inside.end;
    }
    else if constexpr (requires { { serializer<T>::decode(bytes, out) } -> std::same_as<error_code>; })
        return !serializer<T>::decode(bytes, out);
    else {
        result<T> value = serializer<T>::decode(bytes);
        if (!value) [[unlikely]]
            return false;
        out = std::move(*value);
        return true;
    }
}

template <class M>
void replace_by(M& to, M& from)
{
    if constexpr (std::is_array_v<M>)
        for (std::size_t i = 0; i != std::size(to); ++i)
            replace_by(to[i], from[i]);
    else
        to = std::move(from);
}

// Reads members up to the end of the source, which may come before any that the first version did not have, and skips what is
// behind them. `each` calls what it gets for each member until that returns false. Members from number `read` on did not come.
template <std::size_t First, class Each>
bool load_members(checked_source& source, Each each, std::size_t& read)
{
    bool missing = false;
    read = 0;
    bool const loaded = each([&](auto& member) {
        missing = read >= First && source.at == source.end;
        if (missing)
            return false;
        ++read;
        return load(source, member);
    });
    source.at = source.end;
    return loaded || missing;
}

// Gives the members of an aggregate from this number on what their default member initialisers say.
template <class T>
[[gnu::noinline, gnu::cold]] void reset_members(T& out, std::size_t from)
{
    static_assert(requires { T{}; }, "strait: an extensible aggregate needs an initialiser for each member that has no default");
    auto const initial = std::make_unique<T>();
    with_members(out, [&](auto&... to) {
        with_members(*initial, [&](auto&... fresh) {
            std::size_t i = 0;
            ((i++ >= from ? replace_by(to, fresh) : void()), ...);
        });
    });
}

template <std::size_t First, class... Member>
consteval bool any_handle_behind(types<Member...>)
{
    std::size_t i = 0;
    return ((i++ >= First && has_handles<Member>) || ...);
}

template <class T>
bool load_extensible(checked_source& source, T& out)
{
    static_assert(!any_handle_behind<extensible<T>>(parts_of<T>{}), "strait: a descriptor cannot be appended to an extensible aggregate");
    wire_count size = 0;
    if (!load_fixed(source, size)) [[unlikely]]
        return false;
    fix_value(size);
    if (!source.has(size)) [[unlikely]]
        return false;
    std::byte const* const end = std::exchange(source.end, source.at + size);
    std::size_t read = 0;
    if (!load_members<extensible<T>>(source, [&](auto use) { return every_part(out, use); }, read)) [[unlikely]]
        return false;
    if (read != parts_of<T>::size) [[unlikely]]
        reset_members(out, read);
    source.end = end;
    return true;
}

template <std::endian Native = std::endian::native, class Number>
void load_numbers(std::byte const* from, Number* to, std::size_t count)
{
    std::memcpy(to, from, count * sizeof(Number));
    std::byte* const bytes = reinterpret_cast<std::byte*>(to);
    if constexpr (Native == std::endian::big)
        reverse_each<sizeof(Number)>(bytes, bytes + count * sizeof(Number));
}

/// Reads the encoding of a T into `out`, whose memory is reused. False means that the message is refused.
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
        bool loaded = false;
        if constexpr (growing<T>)
            loaded = load_extensible(source, out);
        else
            loaded = every_part(out, [&](auto& part) { return load(source, part); });
        if constexpr (recursive<T>)
            --source.depth;
        return loaded;
    }
}

}  // namespace strait::detail

#endif
