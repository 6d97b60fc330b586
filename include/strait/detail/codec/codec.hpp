// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_CODEC_HPP
#define STRAIT_DETAIL_CODEC_CODEC_HPP

#include <strait/detail/codec/bitwise.hpp>
#include <strait/detail/codec/custom.hpp>
#include <strait/detail/codec/fingerprint.hpp>
#include <strait/detail/codec/flat.hpp>
#include <strait/detail/codec/portable.hpp>
#include <strait/serialization/concept.hpp>

namespace strait::detail {

template <class T, tier = tier_of<T>>
struct codec_of_tier;
template <class T>
struct codec_of_tier<T, tier::custom> : custom_codec<T> {};
template <class T>
struct codec_of_tier<T, tier::bitwise> : bitwise_codec<T> {};
template <class T>
struct codec_of_tier<T, tier::flat> : flat_codec<T> {};
template <class T>
struct codec_of_tier<T, tier::portable> : portable_codec<T> {};

/// How a T becomes bytes and back, whatever its tier. Channels use nothing else of serialization:
///
///     layout                          what the transport needs to know of the type
///     bitwise, flat                   whether it is of the first or second tier; the second has an element_type
///     views_in_place                  whether view() points into its argument
///     size(value)                     how many bytes the encoding has, or `unencodable`, which no transport takes
///     encode(value, out)              fills `out`, of exactly size(value) bytes
///     decode(in), decode(in, value)   the value, or errc::malformed_message; the second one reuses the memory of `value`
///     validate(in), view(in)          the message where it lies, at layout.alignment; if views_in_place, validate() comes first
///
/// All of them are static. Thread safe if the user's serializer<T> is.
template <serializable T>
struct codec : codec_of_tier<T> {};

}  // namespace strait::detail

#endif
