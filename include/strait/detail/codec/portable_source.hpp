// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_PORTABLE_SOURCE_HPP
#define STRAIT_DETAIL_CODEC_PORTABLE_SOURCE_HPP

#include <strait/detail/codec/wire.hpp>

#include <cstddef>
#include <cstdint>

// Reads the encoding that codec/wire.hpp draws, from anybody: every length is compared with the bytes that are left before
// anything is allocated. False means malformed; the object is then valid, with an unspecified value.
namespace strait::detail {

/// Bytes that may end too early.
struct checked_source {
    std::byte const* at;
    std::byte const* end;
    unsigned depth = 0;

    bool has(std::uint64_t n) const { return n <= static_cast<std::size_t>(end - at); }
};

/// Bytes that have been counted for the whole of a part.
struct counted_source {
    std::byte const* at;

    static constexpr bool has(std::uint64_t) { return true; }
};

template <class Source, class T>
bool load(Source& source, T& out);

// A part whose size is fixed is checked once, not part by part.
template <class T>
bool load_fixed(checked_source& source, T& out)
{
    if (!source.has(bounds_of<T>.least)) [[unlikely]]
        return false;
    counted_source inside{source.at};
    source.at += bounds_of<T>.least;
    return load(inside, out);
}

// How many elements follow: never more than the bytes that are left can hold.
template <class T>
bool load_count(checked_source& source, std::size_t& count)
{
    wire_count n = 0;
    if (!load_fixed(source, n)) [[unlikely]]
        return false;
    count = n;
    return source.has(std::uint64_t{n} * least_element<T>);
}

}  // namespace strait::detail

#endif
