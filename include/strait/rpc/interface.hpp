// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RPC_INTERFACE_HPP
#define STRAIT_RPC_INTERFACE_HPP

#include <strait/serialization.hpp>

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace strait {

namespace detail {

// What is sent for a reply of type R: for void, an empty message.
template <class R>
using sent_reply = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

template <class Q, class... All>
inline constexpr std::size_t times_among = (std::size_t{std::is_same_v<Q, All>} + ... + 0U);

template <class Q, class... All>
inline constexpr std::size_t index_among = [] {
    std::size_t i = 0;
    (void)((std::is_same_v<Q, All> || (++i, false)) || ...);
    return i;
}();

}  // namespace detail

/// What a server can be asked: function types, `reply(request)` each. All requests have different types; a reply may be void.
/// Client and server must name equal ones in the same order: else they refuse each other with `type_mismatch`.
///
///     using bank = strait::rpc_interface<balance(balance_query), receipt(transfer), void(closing)>;
template <class... Functions>
struct rpc_interface;

template <class... R, class... Q>
struct rpc_interface<R(Q)...> {
    static_assert(sizeof...(Q) != 0 && sizeof...(Q) < 255, "strait: an rpc_interface has one to 254 requests");
    static_assert(((detail::times_among<Q, Q...> == 1) && ...), "strait: two requests of an rpc_interface have the same type");
    static_assert((detail::require_serializable<Q>() && ...) && (detail::require_serializable<detail::sent_reply<R>>() && ...));

    using requests = std::tuple<Q...>;                     ///< the types of the requests
    using replies = std::tuple<detail::sent_reply<R>...>;  ///< the types of what is sent back; std::monostate for void

    /// Whether A is one of the requests.
    template <class A>
    static constexpr bool has = detail::times_among<A, Q...> == 1;

    /// The place of A among the requests, from 0.
    template <class A>
    static constexpr std::size_t index = detail::index_among<A, Q...>;

    /// The type of the reply to a request of type A.
    template <class A>
    using reply_to = typename std::tuple_element_t<index<A>, std::tuple<std::type_identity<R>...>>::type;
};

namespace detail {

template <class Interface>
inline constexpr bool is_rpc_interface = false;
template <class... F>
inline constexpr bool is_rpc_interface<rpc_interface<F...>> = true;

// Several callables as one.
template <class... H>
struct overloaded : H... {
    using H::operator()...;
};
template <class... H>
overloaded(H...) -> overloaded<H...>;

template <class Handler, class R, class Q>
concept handles = std::is_invocable_v<Handler&, Q const&> &&
                  (std::is_void_v<R> || std::is_convertible_v<std::invoke_result_t<Handler&, Q const&>, R>);

template <class Handler, class Interface>
inline constexpr bool handles_every_request = false;
template <class Handler, class... R, class... Q>
inline constexpr bool handles_every_request<Handler, rpc_interface<R(Q)...>> = (handles<Handler, R, Q> && ...);

}  // namespace detail

/// A handler of all requests of an interface: it can be called with each, and what it returns converts to the reply.
template <class Handler, class Interface>
concept rpc_handler = detail::handles_every_request<Handler, Interface>;

}  // namespace strait

#endif
