// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_ASYNC_RPC_HPP
#define STRAIT_ASYNC_RPC_HPP

#include <strait/async_connection.hpp>
#include <strait/detail/async/accepting.hpp>
#include <strait/detail/async/awaited_session.hpp>
#include <strait/detail/async/rpc_calls.hpp>
#include <strait/rpc.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace strait {

/// Sends requests to a server and receives its replies, in an execution context of Boost.Asio.
///
///     strait::async_rpc_client<bank, strait::unix_stream> c{context, "bank"};
///     balance const b = co_await c.async_call(balance_query{7}, asio::use_awaitable);
///
/// Any number of calls may be outstanding. All types of cancellation end a call at once: its request is withdrawn if nothing
/// of it has been sent, else its reply is dropped when it comes. While no call is outstanding the context has no work from
/// this object. Failures are those of rpc_client.
///
/// Distinct objects: safe. Shared objects: unsafe: with several threads its functions, and cancelling, belong into the strand
/// that it was given as its executor. Move only. Destroying it ends outstanding calls with operation_aborted.
template <class Interface, class X, class Executor = boost::asio::any_io_executor>
class async_rpc_client {
    using calls_type = detail::rpc_calls<X, Executor>;
    using connection_type = connection<detail::rpc_request, detail::rpc_reply, X>;
    template <class Q>
    using reply_to = typename Interface::template reply_to<std::remove_cvref_t<Q>>;
    template <class R>
    struct signature {
        static_assert(std::default_initializable<R>, "strait: a reply that is awaited must have a default constructor");
        using type = void(std::exception_ptr, R);
    };
    template <class R>
        requires std::is_void_v<R>
    struct signature<R> {
        using type = void(std::exception_ptr);
    };

public:
    using interface_type = Interface;     ///< what can be asked
    using transport_type = X;             ///< what requests and replies go over
    using executor_type = Executor;       ///< where handlers are called that have no executor of their own
    using options = typename X::options;  ///< how the connection is opened

    /// Connects: waits as the constructor of a connection does, and throws as that does. Uses this executor.
    async_rpc_client(Executor const& ex, endpoint const& where, options const& how = {})
        : link_(std::make_shared<link>(ex, where, how))
    {
        link_->adopt(connection_type(where, link_->how));
    }
    /// Connects: waits as the constructor of a connection does, and throws as that does. Uses the context's executor.
    template <std::derived_from<boost::asio::execution_context> Context>
    async_rpc_client(Context& context, endpoint const& where, options const& how = {})
        : async_rpc_client(context.get_executor(), where, how)
    {
    }

    /// Connects as the constructor does, without blocking the context. Handler: void(error_code,
    /// std::optional<async_rpc_client>), a client where there is no error.
    template <class Token = boost::asio::default_completion_token_t<Executor>>
    static auto async_connect(Executor const& ex, endpoint const& where, options const& how = {},
                              Token&& token = boost::asio::default_completion_token_t<Executor>())
    {
        return boost::asio::async_compose<Token, void(error_code, std::optional<async_rpc_client>)>(
            connecting<true>{std::make_shared<link>(ex, where, how)}, token, ex);
    }

    async_rpc_client(async_rpc_client&&) = default;
    /// Closes first.
    async_rpc_client& operator=(async_rpc_client&& other)
    {
        if (this != &other) {
            close();
            link_ = std::move(other.link_);
        }
        return *this;
    }
    ~async_rpc_client() { close(); }

    /// The executor of its operations.
    executor_type get_executor() const { return link_->executor; }

    /// Sends a request and waits for its reply. Handler: void(std::exception_ptr, reply), or void(std::exception_ptr) where the
    /// reply is void. The exception is an rpc_error with the text of what the server's handler has thrown, or a system_error
    /// with a failure as of rpc_client or operation_aborted, or what the request's serializer has thrown.
    template <class Q, class Token = boost::asio::default_completion_token_t<Executor>>
        requires(Interface::template has<std::remove_cvref_t<Q>>)
    auto async_call(Q request, Token&& token = boost::asio::default_completion_token_t<Executor>())
    {
        return boost::asio::async_initiate<Token, typename signature<reply_to<Q>>::type>(initiation{link_}, token, std::move(request));
    }

    /// Leaves the server, if it is there still, and connects anew. Outstanding calls end with `server_gone`, and so do
    /// calls until it has connected. Handler: void(error_code), an error as of the constructor. One at a time. late()
    /// and malformed() begin anew.
    template <class Token = boost::asio::default_completion_token_t<Executor>>
    auto async_reconnect(Token&& token = boost::asio::default_completion_token_t<Executor>())
    {
        link_->calls->close(errc::server_gone);
        return boost::asio::async_compose<Token, void(error_code)>(connecting<false>{link_}, token, link_->executor);
    }

    /// How many replies to cancelled calls have come and were dropped.
    std::uint64_t late() const noexcept { return link_ ? link_->calls->late() : 0; }

    /// How many replies were refused as malformed: 0 or 1, for no more are read after the first.
    std::uint64_t malformed() const noexcept { return link_ ? link_->calls->malformed() : 0; }

    /// Leaves: outstanding and later calls end with operation_aborted. Idempotent; the destructor closes, too.
    void close()
    {
        if (link_ && !std::exchange(link_->closed, true))
            link_->calls->close(boost::asio::error::operation_aborted);
    }

private:
    // What operations share with the object, which may be moved meanwhile.
    struct link {
        link(Executor const& ex, endpoint const& at, options const& h)
            : executor(ex), where(at), how(detail::rpc_options<Interface, X>(h))
        {
        }

        void adopt(connection_type c) { calls = std::make_shared<calls_type>(executor, std::move(c)); }

        Executor executor;
        endpoint where;
        options how;
        std::shared_ptr<calls_type> calls{};
        bool closed = false;
    };

    // Begins a call. Adapters of completion tokens ask it for its executor.
    struct initiation {
        std::shared_ptr<link> to;

        using executor_type = Executor;
        executor_type get_executor() const noexcept { return to->executor; }

        template <class Handler, class Q>
        void operator()(Handler&& handler, Q&& request) const
        {
            using asked = std::remove_cvref_t<Q>;
            to->calls->template start<reply_to<asked>>(*Interface::keys[Interface::template index<asked>], request,
                                                       std::forward<Handler>(handler));
        }
    };

    // Connects; `First`: a new client, which is the result.
    template <bool First>
    struct connecting {
        std::shared_ptr<link> to;

        template <class Self>
        void operator()(Self& self)
        {
            self.reset_cancellation_state(boost::asio::enable_total_cancellation());
            auto const l = to;
            strait::async_connect<connection_type>(l->executor, l->where, l->how, std::move(self));
        }
        template <class Self>
        void operator()(Self& self, error_code e, std::optional<connection_type> c)
        {
            auto const l = std::move(to);
            if (!e && l->closed)
                e = boost::asio::error::operation_aborted;
            if (!e)
                l->adopt(std::move(*c));
            if constexpr (First)
                self.complete(e, e ? std::nullopt : std::optional<async_rpc_client>(async_rpc_client(l)));
            else
                self.complete(e);
        }
    };

    explicit async_rpc_client(std::shared_ptr<link> l) : link_(std::move(l)) {}

    std::shared_ptr<link> link_;
};

/// Serves all clients of `server` in coroutines of this coroutine's executor, until it is cancelled; server.stop() has no
/// effect on it. Handlers return their reply, or an awaitable of it. The requests of one client are handled one after the
/// other, those of different clients by turns, wherever a handler awaits something.
///
/// When it is cancelled, all clients are dropped at once, and what their handlers await is cancelled; it ends when the
/// last handler has ended, so handlers may refer to what lives as long as the caller awaits this. While the process
/// lacks descriptors or memory for another client, that client waits: it is tried again when a client has gone, and
/// every 50 ms. It throws
/// `errc::removed` when the name was removed, and drops its clients then, too.
///
///     asio::co_spawn(context, strait::async_serve(server, [](balance_query const& q) -> asio::awaitable<balance> {
///         co_return co_await find(q.account); }), asio::detached);
///
/// The executor runs on one thread, or is a strand.
template <class Interface, class X, class... Handlers>
boost::asio::awaitable<void> async_serve(rpc_server<Interface, X>& server, Handlers... handlers)
{
    namespace asio = boost::asio;
    using all = detail::overloaded<Handlers...>;
    static_assert(detail::awaits_every_request<all, Interface>,
                  "strait: a request of the interface has no handler, or one that does not return its reply or an awaitable of it");
    using session = detail::awaited_session<X>;
    using acceptor_type = std::remove_reference_t<decltype(server.next_layer())>;
    auto const handler = std::make_shared<all>(all{std::move(handlers)...});
    auto const ex = co_await asio::this_coro::executor;
    auto const clients = std::make_shared<detail::awaited_clients<Interface, X>>(ex);
    std::exception_ptr ended;
    try {
        detail::async_accepting<acceptor_type&> incoming(ex, {server.next_layer()});
        for (;;) {
            auto [failed, come] = co_await incoming.async_accept(asio::as_tuple(asio::use_awaitable));
            if (come)
                clients->serve(std::make_shared<session>(ex, std::move(*come), detail::server_access::unsendable(server)), handler);
            else if (failed == asio::error::operation_aborted || failed == errc::not_open || failed == errc::inherited_handle ||
                     failed == errc::removed)
                detail::raise(failed);
            else
                co_await clients->wait(std::chrono::milliseconds(50));
        }
    } catch (...) {
        ended = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    for (clients->drop(); !clients->empty();)
        co_await clients->wait(std::chrono::hours(1));
    std::rethrow_exception(ended);
}

}  // namespace strait

#endif
