// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_REQUEST_ID_HPP
#define STRAIT_DETAIL_RPC_REQUEST_ID_HPP

#include <strait/detail/codec/class_name.hpp>
#include <strait/detail/codec/codec.hpp>
#include <strait/detail/codec/description.hpp>
#include <strait/detail/codec/shape.hpp>
#include <strait/detail/os/fnv1a.hpp>
#include <strait/detail/schema/description.hpp>
#include <strait/serialization.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>

// What a request is called on the way: a number of 64 bits, made of its name and of the fingerprints of its types. So each
// request of an interface matches, or does not, alone.
namespace strait::detail {

// What is sent for a reply of type R: for void, an empty message.
template <class R>
using sent_reply = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

// A name as a template argument.
template <std::size_t N>
struct request_name {
    constexpr request_name(char const (&text)[N])
    {
        for (std::size_t i = 0; i != N; ++i)
            letters[i] = text[i];
    }
    constexpr std::string_view view() const noexcept { return {letters, N - 1}; }

    char letters[N];
};

// The name of a class or enumeration without its name spaces. Empty for types whose names compilers spell in different ways:
// those of templates, and numbers.
template <class T>
consteval std::string_view plain_name()
{
    constexpr shape s = shape_of<T>;
    if constexpr (s != shape::aggregate && s != shape::opaque && s != shape::custom && !std::is_enum_v<T>) {
        return {};
    } else {
        std::string_view name = class_name<T>();
        if (auto const last = name.rfind("::"); last != name.npos)
            name.remove_prefix(last + 2);
        for (char const c : name)
            if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
                return {};
        return name;
    }
}

template <class T>
inline constexpr std::string_view plain_name_of = plain_name<T>();

// The upper 24 bits are those of the name, so a server can tell whether it knows a request of this name with other types. A
// request without a name is called by the type of its argument.
constexpr std::uint64_t request_id(std::string_view name, std::uint64_t argument, std::uint64_t reply, bool many) noexcept
{
    std::uint64_t const n = name.empty() ? hash_words(argument) : fnv1a(name);
    return (n >> 40) << 40 | hash_words(n, argument, reply, many) >> 24;
}
constexpr bool have_one_name(std::uint64_t a, std::uint64_t b) noexcept { return a >> 40 == b >> 40; }

// A request as both sides know it. One for each request of an interface, at a fixed address.
struct request_key {
    std::uint64_t id;
    std::string_view name;                   // empty: it is called by the type of its argument
    message_description const* description;  // of its argument and its reply
    bool grows;                              // either has something extensible inside
};

// The description of the types of a request, which a server shows to a client that asks with others.
template <class Q, class R>
struct request_description {
    static constexpr type_description const* parts[] = {root_of<Q>(), root_of<R>()};
    static constexpr char const* names[] = {"request", "reply"};
    static constexpr bool grows = detail::grows<Q> || detail::grows<R>;

    static consteval message_description of(type_description const* root)
    {
        return {kind::custom, false, root->fingerprint, 0, 1, root, grows};
    }
    static consteval type_description types(std::string_view name, std::uint64_t id)
    {
        return {.what = kind::custom, .alignment = grows ? 1 : 0, .fingerprint = id, .parts = 2, .part = parts, .name = name, .names = names};
    }
};

// What an element of an rpc_interface says: R(Q), or that with a name.
template <class F>
struct request_traits {
    static constexpr bool is_one = false;
};
template <class R, class Q>
struct request_traits<R(Q)> {
    static constexpr bool is_one = true;
    using argument = Q;
    using reply = R;
    static constexpr bool many = false;
    static constexpr std::string_view name = plain_name_of<Q>;
};

template <class F>
struct request_key_of {
    using traits = request_traits<F>;
    using argument = typename traits::argument;
    using reply = sent_reply<typename traits::reply>;
    using description = request_description<argument, reply>;

    static constexpr std::uint64_t id =
        request_id(traits::name, codec<argument>::layout.fingerprint, codec<reply>::layout.fingerprint, traits::many);
    static constexpr type_description types = description::types(traits::name, id);
    static constexpr message_description message = description::of(&types);
    static constexpr request_key value{id, traits::name, &message, description::grows};
};

}  // namespace strait::detail

#endif
