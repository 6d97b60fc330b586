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

/// One face over all tiers, and the only one that a channel uses:
///
///     layout                          what the transport is told
///     bitwise, flat, views_in_place   which tier; element_type of a flat one; does view() point into its argument
///     size(value)                     exact bytes of the encoding, or `unencodable`, which no transport takes
///     encode(value, out)              fills `out`, of exactly size(value) bytes
///     decode(in), decode(in, value)   errc::malformed_message, or the value; the second reuses its memory
///     validate(in), view(in)          the message where it lies, at layout.alignment; validate first if views_in_place
///
/// All static. Thread safe, if a serializer<T> of the user is.
template <serializable T>
struct codec : codec_of_tier<T> {};

}  // namespace strait::detail

#endif
