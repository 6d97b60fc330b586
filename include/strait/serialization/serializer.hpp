// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_SERIALIZER_HPP
#define STRAIT_SERIALIZATION_SERIALIZER_HPP

#include <strait/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace strait {

namespace detail {

template <class T>
consteval std::uint64_t structural_fingerprint();

}  // namespace detail

/// The encoding that strait chooses by itself. Derive a specialisation from it to give a type another fingerprint only:
///
///     template <>
///     struct strait::serializer<order> : strait::builtin_serializer<order> {
///         static constexpr std::uint64_t fingerprint = 2;  // version 2: `quantity` counts lots, no longer shares
///     };
template <class T>
struct builtin_serializer {
    /// A hash of the structure of T: of kinds, sizes and order. It is equal from every compiler.
    static constexpr std::uint64_t fingerprint = detail::structural_fingerprint<T>();
};

/// How `T` becomes bytes: specialise it to encode `T` in a way of your own. A specialisation is preferred to every built-in
/// encoding, also where `T` is part of another message. It has these static members:
///
///     std::uint64_t fingerprint                        constexpr; ends with different ones refuse each other
///     std::size_t size(T const&)                       bytes that encode() will write
///     void encode(T const&, std::span<std::byte>)      fills the whole span, which has size() bytes
///     result<T> decode(std::span<std::byte const>)     must return errc::malformed_message for bytes that encode() never writes
///
/// and, if wanted,
///
///     error_code decode(std::span<std::byte const>, T&)   decodes into a T whose memory is reused
///     std::size_t fixed_size, alignment                   constexpr; as in message_layout; default 0 and 1
///     view_type view(std::span<std::byte const>)          what borrow() shows, with the type `view_type`
///     error_code validate(std::span<std::byte const>)     is called before view(); without it, any bytes are viewed
///     char const* encoding                                constexpr; what the format is called, for schemas
///     bool reads_shared_memory                            constexpr; true: decode(), view() and what it returns do no harm when
///                                                         a hostile peer changes the bytes meanwhile
///
/// Over transports with guarantees.zero_copy a message lies in memory that its sender can write to. The library copies it
/// before it calls decode() or view(), unless reads_shared_memory is true.
///
/// std::bad_alloc that decode(), validate() or view() throws is errc::out_of_memory; what else they throw goes to the
/// caller of the receiver. The message is discarded in both cases.
///
/// These functions must not use the end that calls them: its operations are errc::busy then.
///
/// `alignment` holds for whole messages only: as a part of another message a T can lie at any address. Thread safety:
/// the functions are called from every thread that has an end of a channel.
template <class T>
struct serializer : builtin_serializer<T> {
    /// A specialisation does not inherit this, so that it can be told from the default.
    using strait_primary = void;
};

/// Set it to true for a trivially copyable class that strait cannot look into (private members, a union, a base class) to have
/// its bytes copied as they are. You promise what cannot be checked: every bit pattern is a valid value, since a hostile peer
/// may send any, and there is no pointer inside. Only its size and alignment go into its fingerprint.
template <class T>
inline constexpr bool enable_bitwise = false;

/// Set it, for an aggregate to which members will be appended, to the number of members that its first version has:
///
///     struct order {
///         std::uint64_t id;
///         double price;
///         std::uint32_t quantity = 1;  // appended in the second version
///     };
///     template <>
///     inline constexpr std::size_t strait::extensible<order> = 2;
///
/// Programs with different versions of it then understand each other: an older one skips the members that it does not know, and a
/// newer one leaves those that did not come at their default member initialisers. The number never changes. Members may be renamed;
/// to remove, reorder or retype one is refused as another type is (`type_mismatch`), of appended ones where both schemas are known.
/// It is sent in the portable encoding, with four bytes more. Neither it nor what holds it can be the key of a set or map, and
/// descriptors cannot be appended. For classes of Boost.Describe it counts the described members.
template <class T>
inline constexpr std::size_t extensible = 0;

/// Set it to true for a hash container that does not show its buckets (boost::unordered_flat_map and the like), if its
/// senders are trusted: a hostile one can choose keys that make filling it take a time quadratic in their number. Of
/// containers with buckets, such as std::unordered_map, the library counts the collisions and refuses such a message.
template <class T>
inline constexpr bool trusted_hash_container = false;

namespace detail {

template <class T>
concept custom = !std::derived_from<serializer<T>, builtin_serializer<T>>;

// The user derived from builtin_serializer<T>, to replace the fingerprint.
template <class T>
concept refingerprinted = !custom<T> && !requires { typename serializer<T>::strait_primary; };

template <class T>
concept complete_custom =
    custom<T> && requires(T const& value, std::span<std::byte> out, std::span<std::byte const> in) {
        { serializer<T>::fingerprint } -> std::convertible_to<std::uint64_t>;
        { serializer<T>::size(value) } -> std::convertible_to<std::size_t>;
        serializer<T>::encode(value, out);
        { serializer<T>::decode(in) } -> std::same_as<result<T>>;
    };

// Written out, since T may be an error code itself.
template <class T>
result<T> malformed()
{
    return result<T>{unexpect, make_error_code(errc::malformed_message)};
}

// Returns one variable, so that no T is moved.
template <class Codec, class T>
result<T> decode_new(std::span<std::byte const> in)
{
    result<T> value{std::in_place};
    if (error_code const e = Codec::decode(in, *value)) [[unlikely]] {
        if constexpr (std::is_move_assignable_v<T>)
            value = result<T>{unexpect, e};
        else
            return result<T>{unexpect, e};
    }
    return value;
}

template <class T>
consteval std::size_t custom_fixed_size()
{
    if constexpr (requires { serializer<T>::fixed_size; })
        return serializer<T>::fixed_size;
    else
        return 0;
}

}  // namespace detail
}  // namespace strait

#endif
