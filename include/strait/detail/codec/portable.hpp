// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_PORTABLE_HPP
#define STRAIT_DETAIL_CODEC_PORTABLE_HPP

#include <strait/detail/codec/handles.hpp>
#include <strait/detail/codec/portable_reader.hpp>
#include <strait/detail/codec/portable_writer.hpp>
#include <strait/serialization/layout.hpp>

#include <cassert>
#include <cstddef>
#include <span>

// The third built-in tier: the encoding that codec/wire.hpp draws.
namespace strait::detail {

/// The codec<T> of the third tier.
template <portable T>
struct portable_codec {
    static constexpr message_layout layout{bounds_of<T>.fixed ? bounds_of<T>.least : 0, 1, serializer<T>::fingerprint, has_handles<T>};
    static constexpr bool bitwise = false;
    static constexpr bool flat = false;
    static constexpr bool views_in_place = false;
    using element_type = void;
    using view_type = T;

    static constexpr std::size_t size(T const& value)
    {
        measurement all;
        all.add(value);
        return all.size();
    }

    static void encode(T const& value, std::span<std::byte> out)
    {
        [[maybe_unused]] std::byte const* const end = store(out.data(), value);
        assert(end == out.data() + out.size());
    }

    static error_code decode(std::span<std::byte const> in, T& out)
    {
        checked_source source{in.data(), in.data() + in.size()};
        bool const loaded = load(source, out);
        return source.verdict(loaded);
    }

    static result<T> decode(std::span<std::byte const> in) { return decode_new<portable_codec, T>(in); }

    // Nothing can be shown in place: this decodes, and view() decodes again.
    static error_code validate(std::span<std::byte const> in) { return decode(in).error(); }

    static view_type view(std::span<std::byte const> in) { return decode(in).value(); }
};

}  // namespace strait::detail

#endif
