// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_BOOST_DESCRIBE_HPP
#define STRAIT_SERIALIZATION_BOOST_DESCRIBE_HPP

#include <strait/detail/codec/custom.hpp>
#include <strait/detail/codec/fingerprint.hpp>
#include <strait/detail/codec/portable.hpp>

#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace strait {

namespace detail {

template <class T>
using described_members = boost::describe::describe_members<T, boost::describe::mod_any_access | boost::describe::mod_inherited>;

template <class T, template <class...> class List, class... Member>
auto types_of_members(List<Member...>) -> types<std::remove_reference_t<decltype(std::declval<T&>().*Member::pointer)>...>;

template <class T>
using described_types = decltype(types_of_members<T>(described_members<T>{}));

template <class T, template <class...> class List, class... Member, class Use>
constexpr bool every_described(T& value, List<Member...>, Use use)
{
    return (use(value.*Member::pointer) && ...);
}

template <class List>
struct described_names_of;
template <template <class...> class List, class... Member>
struct described_names_of<List<Member...>> {
    static constexpr char const* value[] = {Member::name..., nullptr};
};

template <class... Member>
consteval bool require_each(types<Member...>)
{
    return (require_serializable<Member>() && ...);
}

template <class... Member>
consteval bool none_needs_steady_bytes(types<Member...>)
{
    return (!needs_steady_bytes<Member> && ...);
}

template <class... Member>
consteval std::uint64_t hash_described(types<Member...> members)
{
    return hash_words(kind::portable_message, hash_parts<void, types<>>(kind::product, sizeof...(Member), members));
}

}  // namespace detail

/// A serializer for classes that Boost.Describe knows: it encodes member by member in the portable encoding, private and
/// inherited members, too. Describe the class and opt in:
///
///     class account {
///         ...
///         BOOST_DESCRIBE_CLASS(account, (), (), (), (owner_, balance_))
///     };
///     template <>
///     struct strait::serializer<account> : strait::described<account> {};
///
/// Whatever invariant the class keeps is not checked when a peer's message is decoded. Needs a default constructor, and
/// members that can be sent; a class cannot be a part of itself. The fingerprint is that of an aggregate of the same
/// members as a part of another message; names are not in it. Thread safe.
template <class T>
struct described {
    static_assert(boost::describe::has_describe_members<T>::value,
                  "strait: this class is not described: use BOOST_DESCRIBE_CLASS in it, or BOOST_DESCRIBE_STRUCT after it");
    static_assert(detail::require_each(detail::described_types<T>{}));

    /// Whether a message may be decoded where its sender can still write to it: what all members' types promise.
    static constexpr bool reads_shared_memory = detail::none_needs_steady_bytes(detail::described_types<T>{});
    static constexpr std::uint64_t fingerprint = detail::hash_described(detail::described_types<T>{});
    /// For the library: what the schema says of a T.
    using described_parts = detail::described_types<T>;
    /// For the library: the names of the members.
    static constexpr auto const& described_names = detail::described_names_of<detail::described_members<T>>::value;
    /// For the library: what the schema says of the format.
    static constexpr char const* encoding = "Boost.Describe";
    static constexpr std::size_t fixed_size = [] {
        constexpr auto bounds = detail::bounds_in_row(detail::described_types<T>{});
        return bounds.fixed ? bounds.least : 0;
    }();

    static constexpr std::size_t size(T const& value)
    {
        detail::measurement all;
        measure_parts(all, value);
        return all.size();
    }

    /// For the library: adds the size of a T within another message.
    static constexpr void measure_parts(detail::measurement& all, T const& value)
    {
        detail::every_described(value, detail::described_members<T>{}, [&](auto const& member) {
            all.add(member);
            return true;
        });
    }
    /// For the library: reads a T within another message, from whose budget of memory it draws.
    static bool load_parts(detail::checked_source& source, T& out)
    {
        return detail::every_described(out, detail::described_members<T>{},
                                       [&](auto& member) { return detail::load(source, member); });
    }

    static void encode(T const& value, std::span<std::byte> out)
    {
        std::byte* to = out.data();
        detail::every_described(value, detail::described_members<T>{}, [&](auto const& member) {
            to = detail::store(to, member);
            return true;
        });
    }

    static error_code decode(std::span<std::byte const> in, T& out)
    {
        detail::checked_source source{in.data(), in.data() + in.size()};
        bool const loaded = load_parts(source, out);
        return source.verdict(loaded);
    }

    static result<T> decode(std::span<std::byte const> in) { return detail::decode_new<described, T>(in); }
};

}  // namespace strait

#endif
