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
#include <memory>
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
consteval bool any_holds_extensible(types<Member...>)
{
    return (grows<Member> || ...);
}

template <class... Member>
consteval bool none_needs_steady_bytes(types<Member...>)
{
    return (!needs_steady_bytes<Member> && ...);
}

template <std::size_t First, class... Member>
consteval std::uint64_t hash_described(types<Member...> members)
{
    static_assert(First <= sizeof...(Member), "strait: extensible says more members than this class has");
    using first = typename first_of<First, types<>, Member...>::type;
    if constexpr (First != 0)
        return hash_words(kind::portable_message, hash_parts<void, types<>>(kind::extensible, First, first{}));
    else
        return hash_words(kind::portable_message, hash_parts<void, types<>>(kind::product, sizeof...(Member), members));
}

// Gives the members of a class from this number on what a new object has.
template <class T, template <class...> class List, class... Member>
void reset_described(T& out, List<Member...>, std::size_t from)
{
    auto const initial = std::make_unique<T>();
    std::size_t i = 0;
    ((i++ >= from ? replace_by(out.*Member::pointer, (*initial).*Member::pointer) : void()), ...);
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
/// members as a part of another message; names are not in it. With strait::extensible<T> members may be appended to those that are
/// described, which stand in the order of Boost.Describe: inherited ones first. Thread safe.
template <class T>
struct described {
    static_assert(boost::describe::has_describe_members<T>::value,
                  "strait: this class is not described: use BOOST_DESCRIBE_CLASS in it, or BOOST_DESCRIBE_STRUCT after it");
    static_assert(detail::require_each(detail::described_types<T>{}));

    /// Whether a message may be decoded where its sender can still write to it: what all members' types promise.
    static constexpr bool reads_shared_memory = detail::none_needs_steady_bytes(detail::described_types<T>{});
    static constexpr std::uint64_t fingerprint = detail::hash_described<extensible<T>>(detail::described_types<T>{});
    /// For the library: whether peers with this fingerprint may have another version of T, or of a type in it.
    static constexpr bool holds_extensible = extensible<T> != 0 || detail::any_holds_extensible(detail::described_types<T>{});
    /// For the library: what the schema says of a T.
    using described_parts = detail::described_types<T>;
    /// For the library: the names of the members.
    static constexpr auto const& described_names = detail::described_names_of<detail::described_members<T>>::value;
    /// For the library: what the schema says of the format.
    static constexpr char const* encoding = "Boost.Describe";
    static constexpr std::size_t fixed_size = [] {
        constexpr auto bounds = detail::bounds_in_row(detail::described_types<T>{});
        return bounds.fixed && extensible<T> == 0 ? bounds.least : 0;
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
        if constexpr (extensible<T> != 0) {
            static_assert(!detail::any_handle_behind<extensible<T>>(described_parts{}), "strait: a descriptor cannot be appended to an extensible class");
            std::size_t read = 0;
            auto const each = [&](auto use) { return detail::every_described(out, detail::described_members<T>{}, use); };
            if (!detail::load_members<extensible<T>>(source, each, read))
                return false;
            if (read != described_parts::size)
                detail::reset_described(out, detail::described_members<T>{}, read);
            return true;
        } else
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
