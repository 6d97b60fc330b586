// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_AWAITED_SESSION_HPP
#define STRAIT_DETAIL_ASYNC_AWAITED_SESSION_HPP

#include <strait/async.hpp>
#include <strait/connection.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/rpc/failure.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/refused_requests.hpp>
#include <strait/detail/rpc/request_handler.hpp>
#include <strait/error.hpp>
#include <strait/rpc/interface.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace strait::detail {

template <class T>
inline constexpr bool is_awaitable = false;
template <class T, class E>
inline constexpr bool is_awaitable<asio::awaitable<T, E>> = true;

// The reply of a handler that returns it, or that returns an awaitable of it.
template <class T>
struct awaited_from {
    using type = T;
};
template <class T, class E>
struct awaited_from<asio::awaitable<T, E>> {
    using type = T;
};

template <class Handler, class R, class Q>
concept awaitably_handles =
    std::is_invocable_v<Handler&, Q const&> &&
    (std::is_void_v<R> || std::is_convertible_v<typename awaited_from<std::invoke_result_t<Handler&, Q const&>>::type, R>);

template <class Handler, class Interface>
inline constexpr bool awaits_every_request = false;
template <class Handler, class... F>
inline constexpr bool awaits_every_request<Handler, rpc_interface<F...>> =
    (awaitably_handles<Handler, typename request_traits<F>::reply, typename request_traits<F>::argument> && ...);

// The server's side of one client whose requests are handled in coroutines, one after the other.
// Distinct objects: safe. Shared objects: unsafe.
template <class X>
struct awaited_session {
    awaited_session(asio::any_io_executor const& ex, connection<rpc_reply, rpc_request, X> c, std::atomic<std::uint64_t>& counter)
        : out(ex, std::move(c.out())), in(ex, std::move(c.in())), unsendable(counter)
    {
    }

    // Drops the client at once, also while a handler still works for it.
    void drop()
    {
        stopped = true;
        async_access::drop(in);
        async_access::drop(out);
    }

    async_sender<rpc_reply, X> out;
    async_receiver<rpc_request, X> in;
    refused_requests refused;
    std::atomic<std::uint64_t>& unsendable;  // counts the replies that cannot be sent
    bool stopped = false;
};

// Calls the handler of a request and awaits its reply.
template <class R, class Q, class Handler>
asio::awaitable<rpc_reply> await_reply(Handler& handler, Q const& q, std::uint64_t number, std::atomic<std::uint64_t>& unsendable)
{
    constexpr bool waits = is_awaitable<std::invoke_result_t<Handler&, Q const&>>;
    std::exception_ptr thrown;
    try {
        if constexpr (std::is_void_v<R>) {
            if constexpr (waits)
                co_await handler(q);
            else
                handler(q);
            co_return reply_frame(number, std::monostate(), unsendable);
        } else if constexpr (waits) {
            R const r = co_await handler(q);
            co_return reply_frame(number, r, unsendable);
        } else {
            R const r = handler(q);
            co_return reply_frame(number, r, unsendable);
        }
    } catch (...) {
        thrown = std::current_exception();
    }
    co_return failure_frame(number, thrown);
}

// The answer to a request; nullopt: it is malformed.
template <class Interface, std::size_t I = 0, class Handler>
asio::awaitable<std::optional<rpc_reply>> await_answer(rpc_request const& f, Handler& handler, std::atomic<std::uint64_t>& unsendable)
{
    using requests = typename Interface::requests;
    if constexpr (I == std::tuple_size_v<requests>) {
        co_return unknown_frame(f, Interface::keys);
    } else {
        if (f.id != Interface::keys[I]->id)
            co_return co_await await_answer<Interface, I + 1>(f, handler, unsendable);
        using Q = std::tuple_element_t<I, requests>;
        auto const q = decode_body<Q>(f.body);
        if (!q)
            co_return std::nullopt;
        co_return co_await await_reply<typename Interface::template reply_to<Q>>(handler, *q, f.number(), unsendable);
    }
}

// Sends a reply. Where it cannot be sent although the client is there, its call fails instead; to a client
// that has gone no reply is sent. False: the client is to be dropped.
template <class X>
asio::awaitable<bool> send_reply(awaited_session<X>& client, rpc_reply reply)
{
    for (;;) {
        STRAIT_STEP();
        // Has a name: GCC 12 destroys an aggregate that is made within such an expression at another address than it
        // was made at.
        send_and_catch<rpc_reply> sending{{reply}, {}};
        auto [e, thrown] = co_await async_access::start<void(error_code, std::exception_ptr)>(
            client.out, std::move(sending), asio::as_tuple(asio::use_awaitable));
        if (!e || e == errc::no_receiver)
            co_return true;
        if (e == asio::error::operation_aborted)
            co_return false;
        if (reply.kind() == reply_kind::message)
            client.unsendable.fetch_add(1, std::memory_order_relaxed);
        auto instead = instead_of(reply, e.message());
        if (!instead)
            co_return false;
        reply = std::move(*instead);
    }
}

// Serves one client until it leaves, sends a malformed request, cannot be sent to, or is cancelled. What one that has
// gone had asked for before is carried out.
template <class Interface, class X, class Handler>
asio::awaitable<void> serve_one(std::shared_ptr<awaited_session<X>> client, std::shared_ptr<Handler> handler)
{
    constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
    while (!client->stopped) {
        auto [failed, request] = co_await client->in.async_receive(as_values);
        if (failed || !request)
            break;
        std::optional<rpc_reply> answer;
        rpc_reply refusal;
        if (client->refused.take(*request, Interface::keys, refusal, [&](rpc_reply& r) { answer = std::move(r); })) {
            if (!answer)
                continue;
        } else {
            answer = co_await await_answer<Interface>(*request, *handler, client->unsendable);
        }
        if (!answer || client->stopped || !co_await send_reply(*client, std::move(*answer)))
            break;
    }
}

// The clients of a server, each served in a coroutine of its own.
// Distinct objects: safe. Shared objects: unsafe.
template <class Interface, class X>
class awaited_clients : public std::enable_shared_from_this<awaited_clients<Interface, X>> {
    using session = awaited_session<X>;

    struct client {
        std::shared_ptr<session> peer;
        asio::cancellation_signal stop;
    };

public:
    explicit awaited_clients(asio::any_io_executor const& ex) : changed_(ex) {}

    bool empty() const noexcept { return all_.empty(); }

    template <class Handler>
    void serve(std::shared_ptr<session> peer, std::shared_ptr<Handler> handler)
    {
        client& c = all_.emplace_back();
        c.peer = std::move(peer);
        auto const at = std::prev(all_.end());
        auto const ex = changed_.get_executor();
        // The client is forgotten later than its coroutine ends, which may be in the middle of drop().
        asio::co_spawn(ex, serve_one<Interface, X>(c.peer, std::move(handler)),
                       asio::bind_cancellation_slot(c.stop.slot(), [self = this->shared_from_this(), at, ex](std::exception_ptr) {
                           asio::post(ex, [self, at] {
                               self->all_.erase(at);
                               self->changed_.cancel();
                           });
                       }));
    }

// Qt has a macro of this name.
#pragma push_macro("emit")
#undef emit
    // Drops all clients at once and cancels what their handlers await.
    void drop()
    {
        for (client& c : all_) {
            c.peer->drop();
            c.stop.emit(asio::cancellation_type::terminal);
        }
    }
#pragma pop_macro("emit")

    // Waits until a client has gone, for as long as this at most.
    asio::awaitable<void> wait(asio::steady_timer::duration longest)
    {
        changed_.expires_after(longest);
        co_await changed_.async_wait(asio::as_tuple(asio::use_awaitable));
    }

private:
    std::list<client> all_;
    asio::steady_timer changed_;
};

}  // namespace strait::detail

#endif
