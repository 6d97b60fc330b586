// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_DISPATCH_HPP
#define STRAIT_DETAIL_RPC_DISPATCH_HPP

#include <strait/detail/rpc/frame.hpp>
#include <strait/error.hpp>
#include <strait/rpc/interface.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace strait::detail {

// Calls use.operator()<I, Q>(request) with the request in a frame. False: there is none of that tag, or no Q in it.
template <class Interface, class Use, std::size_t I = 0>
bool with_request(request_frame<Interface>& f, Use const& use)
{
    using requests = typename Interface::requests;
    if constexpr (I == std::tuple_size_v<requests>) {
        return false;
    } else {
        if (tag_of(f) != I)
            return with_request<Interface, Use, I + 1>(f, use);
        using Q = std::tuple_element_t<I, requests>;
        auto q = read_frame<I, Q>(f);
        if (!q)
            return false;
        use.template operator()<I>(*q);
        return true;
    }
}

// Whether there is a request in it, which stays there.
template <class Interface>
bool is_request(request_frame<Interface>& f)
{
    if constexpr (is_plain<request_frame<Interface>>)
        return with_request<Interface>(f, []<std::size_t>(auto const&) {});
    else
        return true;  // else it would not have been decoded
}

// Calls what() or its like.
template <class Say>
void with_text_of(std::exception_ptr const& thrown, Say say)
{
    try {
        std::rethrow_exception(thrown);
    } catch (std::exception const& e) {
        say(std::string_view(e.what()));
    } catch (...) {
        say(std::string_view("an exception that is no std::exception"));
    }
}

// Hands the request to the handler and calls send(frame) with the reply, or with each part of what the handler has thrown.
// False: this was no request.
template <class Interface, class Handler, class Send>
bool answer_request(request_frame<Interface>& f, Handler& handler, Send send)
{
    using reply_type = reply_frame<Interface>;
    std::uint64_t const number = number_of(f);
    return with_request<Interface>(f, [&]<std::size_t I>(auto const& q) {
        using Q = std::remove_cvref_t<decltype(q)>;
        reply_type reply;
        std::exception_ptr thrown;
        try {
            if constexpr (std::is_void_v<typename Interface::template reply_to<Q>>) {
                handler(q);
                fill_frame<reply_type, I>(reply, number, std::monostate());
            } else {
                fill_frame<reply_type, I>(reply, number, typename Interface::template reply_to<Q>(handler(q)));
            }
        } catch (...) {
            thrown = std::current_exception();
        }
        if (!thrown) [[likely]]
            send(reply);
        else
            with_text_of(thrown, [&](std::string_view text) { send_failure<reply_type>(number, text, send); });
    });
}

}  // namespace strait::detail

#endif
