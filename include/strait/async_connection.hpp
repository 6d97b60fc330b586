// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_ASYNC_CONNECTION_HPP
#define STRAIT_ASYNC_CONNECTION_HPP

#include <strait/acceptor.hpp>
#include <strait/async.hpp>
#include <strait/connection.hpp>
#include <strait/detail/async/accepting.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/execution_context.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace strait {

/// An acceptor whose clients are awaited. Its connections are those of an acceptor: to await their messages, give the
/// ends of one to an async_sender and an async_receiver.
///
///     strait::async_acceptor<answer, question, strait::shm_ring<>> oracle{context, "oracle"};
///     std::optional<strait::connection<answer, question, strait::shm_ring<>>> c = co_await oracle.async_accept(asio::use_awaitable);
///
/// Distinct objects: safe. Shared objects: unsafe. Move only; not while an operation is under way.
template <class Out, class In, class X, class Executor = boost::asio::any_io_executor>
class async_acceptor {
    using acceptor_type = acceptor<Out, In, X>;
    using default_token = boost::asio::default_completion_token_t<Executor>;

public:
    using connection_type = connection<Out, In, X>;  ///< what is accepted
    using transport_type = X;                        ///< what connections go over
    using executor_type = Executor;                  ///< where handlers are called that have no executor of their own
    using options = typename X::options;             ///< how it and its connections are opened

    /// This type with another executor, whose default completion token is used.
    template <class Other>
    struct rebind_executor {
        using other = async_acceptor<Out, In, X, Other>;  ///< that type
    };

    /// Takes over an acceptor; its operations use this executor.
    async_acceptor(Executor const& ex, acceptor_type a) : accepting_(ex, {std::move(a)}) {}
    /// Takes over an acceptor; its operations use the executor of this context.
    template <std::derived_from<boost::asio::execution_context> Context>
    async_acceptor(Context& context, acceptor_type a) : async_acceptor(context.get_executor(), std::move(a))
    {
    }
    /// Begins to listen as the constructor of an acceptor does, and throws as that.
    async_acceptor(Executor const& ex, endpoint const& where, options const& how = {}) : async_acceptor(ex, acceptor_type(where, how)) {}
    /// Begins to listen as the constructor of an acceptor does, and throws as that.
    template <std::derived_from<boost::asio::execution_context> Context>
    async_acceptor(Context& context, endpoint const& where, options const& how = {})
        : async_acceptor(context.get_executor(), acceptor_type(where, how))
    {
    }

    /// The executor of its operations.
    executor_type get_executor() const { return accepting_.get_executor(); }

    /// Waits for a client. Handler: void(error_code, std::optional<connection_type>); a connection where there is no
    /// error. Errors are those of acceptor::try_accept(): `descriptor_limit` when a client is there and this process
    /// can have no more descriptors. A cancelled one has accepted nothing: the client is for the next one.
    template <class Token = default_token>
    auto async_accept(Token&& token = default_token())
    {
        return accepting_.async_accept(std::forward<Token>(token));
    }

    /// Ends the operation under way with asio::error::operation_aborted.
    void cancel() { accepting_.cancel(); }

    /// Ends the operation under way with asio::error::operation_aborted and stops listening, as acceptor::close().
    result<void> close()
    {
        accepting_.detach();
        return accepting_.acceptor().close();
    }

    /// The acceptor, for all that needs no waiting. Not while an operation is under way.
    acceptor_type& next_layer() noexcept { return accepting_.acceptor(); }
    /// The acceptor, for all that needs no waiting.
    acceptor_type const& next_layer() const noexcept { return accepting_.acceptor(); }

private:
    detail::async_accepting<acceptor_type, Executor> accepting_;
};

/// Connects to an acceptor as the constructor of `Connection`, a connection<Out, In, X>, does, without blocking the
/// context. Handler: void(error_code, std::optional<Connection>); a connection where there is no error. Errors are
/// those of the constructor. Channels are opened, and a host name is resolved, in the thread of the context, as when an
/// end is opened.
///
///     auto c = co_await strait::async_connect<strait::connection<question, answer, strait::shm_ring<>>>(context, "oracle", {},
///                                                                                                     asio::use_awaitable);
template <class Connection, class Executor, class Token = boost::asio::default_completion_token_t<Executor>>
    requires(!std::derived_from<Executor, boost::asio::execution_context>)
auto async_connect(Executor const& ex, endpoint const& where, typename Connection::options const& how = {},
                   Token&& token = boost::asio::default_completion_token_t<Executor>())
{
    using state = detail::end_state<detail::awaited_joining<Connection>, Executor>;
    auto joining = std::make_shared<state>(ex, detail::awaited_joining<Connection>{{where, how}});
    return boost::asio::async_compose<Token, void(error_code, std::optional<Connection>)>(
        detail::end_operation<state, detail::connect_one<Connection>>(std::move(joining), {}), token, ex);
}

/// Connects in this context.
template <class Connection, std::derived_from<boost::asio::execution_context> Context, class Token>
auto async_connect(Context& context, endpoint const& where, typename Connection::options const& how, Token&& token)
{
    return async_connect<Connection>(context.get_executor(), where, how, std::forward<Token>(token));
}

}  // namespace strait

#endif
