// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_MEMBERS_HPP
#define STRAIT_DETAIL_CODEC_MEMBERS_HPP

#include <strait/detail/codec/member_binding.hpp>
#include <strait/detail/codec/member_count.hpp>
#include <strait/detail/codec/shape.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

// The members of an aggregate: their number, types, references and offsets.
namespace strait::detail {

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-internal"
#pragma clang diagnostic ignored "-Wundefined-var-template"
#endif

// Never defined and never constructed: only the addresses inside of it are used, by constant expressions.
template <class T>
union imagined_storage {
    T value;
    std::byte bytes[sizeof(T)];
    imagined_storage();
    ~imagined_storage();
};

template <class T>
struct imagined {
    static imagined_storage<T> object;
};

// Compares the address of a member with those where the ABI can have put it: a difference would not be a constant.
template <class T>
struct find_offsets {
    template <class... Member>
    constexpr std::array<std::size_t, sizeof...(Member) + 1> operator()(Member const&... member) const
    {
        std::size_t end = 0;
        std::array<std::size_t, sizeof...(Member) + 1> const found{next(member, end)..., sizeof(T)};
        // This also refuses a type with bytes at its end that no member accounts for (bit-fields, reused padding).
        bool const whole = sizeof...(Member) == 0 || (end <= sizeof(T) && round_up(end, alignof(T)) == sizeof(T));
        return whole ? found : throw "the layout of this type cannot be told";
    }

private:
    static constexpr std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

    template <class Member>
    static constexpr std::size_t next(Member const& member, std::size_t& end)
    {
        for (std::size_t alignment = alignof(Member); alignment <= alignof(T); alignment *= 2) {
            std::size_t const at = round_up(end, alignment);
            if (at < sizeof(T) && static_cast<void const volatile*>(std::addressof(member)) ==
                                      static_cast<void const volatile*>(&imagined<T>::object.bytes[at])) {
                end = at + sizeof(Member);
                return at;
            }
        }
        throw "a member does not lie where the ABI puts it";
    }
};

template <class T>
consteval auto offsets_of()
{
    return bind_members<member_count<T>()>(static_cast<T const&>(imagined<T>::object.value), find_offsets<T>{});
}

#ifdef __clang__
#pragma clang diagnostic pop
#endif

// Bit-fields bind to temporaries and packed members to misaligned ones: neither has an address that the search above finds.
template <class T>
concept has_plain_layout = requires { typename std::integral_constant<std::size_t, offsets_of<T>().back()>; };

template <class T>
consteval bool find_inspectable()
{
    if constexpr (member_count<T>() <= member_limit)
        return has_plain_layout<T>;
    else
        return false;
}

/// An aggregate that can be looked into: at most member_limit members, no base class, no reference, no bit-field, not
/// packed. An anonymous union inside cannot be detected here; the compiler then says that it cannot be decomposed.
template <class T>
concept inspectable = find_inspectable<T>();

struct collect_types {
    template <class... Member>
    types<Member...> operator()(Member&...) const
    {
        return {};
    }
};

/// The types of the members, const members as const.
template <inspectable T>
using member_types = decltype(bind_members<member_count<T>()>(std::declval<T&>(), collect_types{}));

template <inspectable T>
inline constexpr auto member_offsets = offsets_of<T>();

/// Calls use(member...) with references to all members.
template <class T, class Use>
[[gnu::always_inline]] inline constexpr decltype(auto) with_members(T& value, Use&& use)
{
    return bind_members<member_count<std::remove_const_t<T>>()>(value, use);
}

}  // namespace strait::detail

#endif
