// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_REQUEST_HANDLER_HPP
#define STRAIT_DETAIL_RPC_REQUEST_HANDLER_HPP

#include <strait/detail/rpc/failure.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/request_id.hpp>
#include <strait/detail/rpc/server_session.hpp>
#include <strait/error.hpp>
#include <strait/rpc/interface.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace strait::detail {

// Calls use.operator()<I>(request) with the request in a frame, and unknown() where this interface has none with its id. False: the
// frame is malformed.
template <class Interface, std::size_t I = 0, class Use, class Unknown>
bool with_request(rpc_request const& f, Use const& use, Unknown const& unknown)
{
    using requests = typename Interface::requests;
    if constexpr (I == std::tuple_size_v<requests>) {
        unknown();
        return true;
    } else {
        using Q = std::tuple_element_t<I, requests>;
        if (f.id != Interface::keys[I]->id)
            return with_request<Interface, I + 1>(f, use, unknown);
        auto q = decode_body<Q>(f.body);
        if (!q)
            return false;
        use.template operator()<I>(*q);
        return true;
    }
}

// Fills the frame of a reply, whose memory is used again. Where the reply has no encoding it is that of the failure; `unsendable`
// counts these.
template <class R>
void fill_reply(rpc_reply& f, std::uint64_t number, R const& r, std::atomic<std::uint64_t>& unsendable)
{
    f.head = frame_head(number, reply_kind::message);
    try {
        error_code const e = encode_body(r, f.body);
        if (!e) [[likely]]
            return;
        f = failure_frame(number, std::string(cannot_be_sent_text).append(e.message()));
    } catch (...) {
        f = failure_frame(number, std::current_exception(), cannot_be_sent_text);
    }
    unsendable.fetch_add(1, std::memory_order_relaxed);
}

template <class R>
rpc_reply reply_frame(std::uint64_t number, R const& r, std::atomic<std::uint64_t>& unsendable)
{
    rpc_reply f;
    fill_reply(f, number, r, unsendable);
    return f;
}

// Calls the handler with a request, in a frame that is a call, and send(reply) when `reply` holds its reply, or what it has thrown.
// False: the frame is malformed. `unsendable` counts replies that have no encoding.
template <class Interface, class Handler, class Send>
bool answer_request(rpc_request const& f, Handler& handler, std::atomic<std::uint64_t>& unsendable, rpc_reply& reply, Send send)
{
    std::uint64_t const number = f.number();
    auto const use = [&]<std::size_t I>(auto const& q) {
        using Q = std::remove_cvref_t<decltype(q)>;
        using R = typename Interface::template reply_to<Q>;
        std::exception_ptr thrown;
        try {
            if constexpr (std::is_void_v<R>) {
                handler(q);
                fill_reply(reply, number, std::monostate(), unsendable);
            } else {
                R const r = handler(q);
                fill_reply(reply, number, r, unsendable);
            }
            send(reply);
        } catch (...) {
            thrown = std::current_exception();
        }
        if (thrown) [[unlikely]] {
            reply = failure_frame(number, thrown);
            send(reply);
        }
    };
    auto const unknown = [&] {
        reply = unknown_frame(f, Interface::keys);
        send(reply);
    };
    return with_request<Interface>(f, use, unknown);
}

// A request_processor (rpc/serve_loop.hpp) that calls the handler at once, in the thread of the loop.
template <class Interface, class X, class Handler>
class request_handler {
public:
    using session = server_session<X>;

    explicit request_handler(Handler& h) : handler_(h) {}

    static constexpr bool has_room() noexcept { return true; }
    bool take(std::shared_ptr<session> const& s, rpc_request& q)
    {
        auto const send = [&](rpc_reply& reply) { s->send(reply); };
        return s->refused().take(q, Interface::keys, reply_, send) ||
               answer_request<Interface>(q, handler_, s->unsendable(), reply_, send);
    }
    static bool has_pending(session& s) { return s.has_pending(); }
    static void settle(session& s) { s.settle(); }
    static bool is_lost(session const& s) noexcept { return s.is_lost(); }

private:
    Handler& handler_;
    rpc_reply reply_;  // its memory is used again
};

}  // namespace strait::detail

#endif
