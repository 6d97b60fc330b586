// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_REQUEST_HANDLER_HPP
#define STRAIT_DETAIL_RPC_REQUEST_HANDLER_HPP

#include <strait/detail/rpc/failure.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/frame_parser.hpp>
#include <strait/detail/rpc/server_session.hpp>
#include <strait/error.hpp>
#include <strait/rpc/interface.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace strait::detail {

// Calls use.operator()<I>(request) with the request in a frame. False: the frame is malformed.
template <class Interface, class Use, std::size_t I = 0>
bool with_request(request_frame<Interface>& f, Use const& use)
{
    using requests = typename Interface::requests;
    if constexpr (I == std::tuple_size_v<requests>) {
        return false;
    } else {
        if (rpc_frame_parser(f).index() != I)
            return with_request<Interface, Use, I + 1>(f, use);
        using Q = std::tuple_element_t<I, requests>;
        auto q = read_frame<I, Q>(f);
        if (!q)
            return false;
        use.template operator()<I>(*q);
        return true;
    }
}

// Whether the frame holds a request, which stays in it.
template <class Interface>
bool is_request(request_frame<Interface>& f)
{
    if constexpr (is_plain<request_frame<Interface>>)
        return with_request<Interface>(f, []<std::size_t>(auto const&) {});
    else
        return true;  // a coded frame that was decoded holds one
}

// Calls the handler with the request, and send(frame) with the reply or with each part of the text of what it has thrown.
// False: the frame is malformed.
template <class Interface, class Handler, class Send>
bool answer_request(request_frame<Interface>& f, Handler& handler, Send send)
{
    using reply_type = reply_frame<Interface>;
    std::uint64_t const number = rpc_frame_parser(f).number();
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

// A request_processor (rpc/serve_loop.hpp) that calls the handler at once, in the thread of the loop.
template <class Interface, class X, class Handler>
class request_handler {
public:
    using session = server_session<Interface, X>;

    explicit request_handler(Handler& h) : handler_(h) {}

    static constexpr bool has_room() noexcept { return true; }
    bool take(std::shared_ptr<session> const& s, typename session::request_type& q)
    {
        return answer_request<Interface>(q, handler_, [&](auto const& reply) { s->send(reply); });
    }
    static bool has_pending(session& s) { return s.has_pending(); }
    static void settle(session& s) { s.settle(); }
    static bool is_lost(session const& s) noexcept { return s.is_lost(); }

private:
    Handler& handler_;
};

}  // namespace strait::detail

#endif
