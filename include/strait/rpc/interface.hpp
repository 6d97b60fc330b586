// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RPC_INTERFACE_HPP
#define STRAIT_RPC_INTERFACE_HPP

#include <strait/detail/rpc/request_id.hpp>
#include <strait/serialization.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

namespace strait {

/// A request with a name of its own, for rpc_interface: `strait::rpc_request<"balance", balance(balance_query)>`. Without one a
/// request is called as the class of its argument, without name spaces.
template <detail::request_name Name, class Function>
struct rpc_request;

namespace detail {

template <request_name Name, class R, class Q>
struct request_traits<strait::rpc_request<Name, R(Q)>> : request_traits<R(Q)> {
    static constexpr std::string_view name = Name.view();
    static_assert(!name.empty(), "strait: the name of an rpc_request is empty");
};

template <class Q, class... All>
inline constexpr std::size_t times_among = (std::size_t{std::is_same_v<Q, All>} + ... + 0U);

template <class Q, class... All>
inline constexpr std::size_t index_among = [] {
    std::size_t i = 0;
    (void)((std::is_same_v<Q, All> || (++i, false)) || ...);
    return i;
}();

// Requests of one name differ in their types at most.
template <class... F>
consteval bool have_different_names()
{
    std::array<std::uint64_t, sizeof...(F)> ids{request_key_of<F>::id...};
    std::sort(ids.begin(), ids.end());
    return std::adjacent_find(ids.begin(), ids.end(), have_one_name) == ids.end();
}

}  // namespace detail

/// What a server can be asked: function types, `reply(request)` each. All requests have different types and names; a reply may
/// be void. A request has the name of the class of its argument, without name spaces, or the name that rpc_request gives it.
///
/// Client and server match request by request, by its name and the structure of its types, in any order. So one of them may
/// have requests that the other does not have. A call of a request that the server does not know fails alone, with
/// `unknown_request`, and with `type_mismatch` where the server knows it with other types.
///
///     using bank = strait::rpc_interface<balance(balance_query), receipt(transfer), void(closing)>;
template <class... Functions>
struct rpc_interface {
    static_assert(sizeof...(Functions) != 0 && sizeof...(Functions) < 255, "strait: an rpc_interface has one to 254 requests");
    static_assert((detail::request_traits<Functions>::is_one && ...),
                  "strait: the elements of an rpc_interface are function types, reply(request), or rpc_request<\"name\", reply(request)>");

private:
    template <class F>
    using argument = typename detail::request_traits<F>::argument;
    template <class F>
    using reply = typename detail::request_traits<F>::reply;

    static_assert(((detail::times_among<argument<Functions>, argument<Functions>...> == 1) && ...),
                  "strait: two requests of an rpc_interface have the same type");
    static_assert((detail::require_serializable<argument<Functions>>() && ...) &&
                  (detail::require_serializable<detail::sent_reply<reply<Functions>>>() && ...));
    static_assert((!detail::codec<argument<Functions>>::layout.handles && ...) &&
                      (!detail::codec<detail::sent_reply<reply<Functions>>>::layout.handles && ...),
                  "strait: requests and replies cannot have descriptors inside: send these over a channel of their own");
    static_assert(detail::have_different_names<Functions...>(),
                  "strait: two requests of an rpc_interface have the same name: rpc_request<\"name\", reply(request)> gives another");

public:
    using requests = std::tuple<argument<Functions>...>;                    ///< the types of the requests
    using replies = std::tuple<detail::sent_reply<reply<Functions>>...>;  ///< the types of what is sent back; std::monostate for void

    /// Whether A is one of the requests.
    template <class A>
    static constexpr bool has = detail::times_among<A, argument<Functions>...> == 1;

    /// The place of A among the requests, from 0.
    template <class A>
    static constexpr std::size_t index = detail::index_among<A, argument<Functions>...>;

    /// The type of the reply to a request of type A.
    template <class A>
    using reply_to = typename std::tuple_element_t<index<A>, std::tuple<std::type_identity<reply<Functions>>...>>::type;

    /// For the library: bytes of the largest message of a type whose messages all have one size, or 0.
    static constexpr std::size_t largest_of_one_size = std::max({std::size_t{0}, detail::codec<argument<Functions>>::layout.fixed_size...,
                                                                 detail::codec<detail::sent_reply<reply<Functions>>>::layout.fixed_size...});

    /// For the library: the names, ids and types of the requests.
    static constexpr std::array<detail::request_key const*, sizeof...(Functions)> keys{&detail::request_key_of<Functions>::value...};
};

namespace detail {

// How the connections of an interface are opened: rings without a size that the user has chosen take its largest plain message.
template <class Interface, class X>
typename X::options rpc_options(typename X::options how)
{
    if constexpr (X::guarantees.zero_copy) {
        constexpr std::size_t usual = std::size_t{512} << 10;
        if (how.max_message_size == 0 && how.capacity == 0 && Interface::largest_of_one_size > usual)
            how.max_message_size = Interface::largest_of_one_size + 64;
    }
    return how;
}

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
template <class Handler, class... F>
inline constexpr bool handles_every_request<Handler, rpc_interface<F...>> =
    (handles<Handler, typename request_traits<F>::reply, typename request_traits<F>::argument> && ...);

}  // namespace detail

/// A handler of all requests of an interface: it can be called with each, and what it returns converts to the reply.
template <class Handler, class Interface>
concept rpc_handler = detail::handles_every_request<Handler, Interface>;

}  // namespace strait

#endif
