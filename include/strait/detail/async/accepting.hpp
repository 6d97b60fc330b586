// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_ACCEPTING_HPP
#define STRAIT_DETAIL_ASYNC_ACCEPTING_HPP

#include <strait/acceptor.hpp>
#include <strait/connection.hpp>
#include <strait/detail/async/end_state.hpp>
#include <strait/detail/async/operations.hpp>
#include <strait/detail/connection/client_joining.hpp>
#include <strait/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/compose.hpp>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace strait::detail {

// An acceptor as an end whose operations are awaited (async/end_state.hpp). `Acceptor` may be a reference.
template <class Acceptor>
struct awaited_acceptor {
    Acceptor acceptor;

    awaited_acceptor& transport_end() noexcept { return *this; }

    wake_source arm() { return typename std::remove_reference_t<Acceptor>::incoming{acceptor}.arm(); }
    void disarm() const noexcept {}
};

// Accepts one client; async/operations.hpp says what an Action is. One that was accepted is not given back when the
// operation is cancelled.
template <class Connection>
struct accept_one {
    static constexpr bool receives = false;
    static constexpr bool keeps_descriptor = true;
    std::optional<Connection> accepted;

    template <class End>
    bool is_due(End& end, error_code& failed)
    {
        return attempt(end, failed);
    }
    template <class End>
    bool attempt(End& end, error_code& failed)
    {
        if (accepted)
            return true;
        auto come = end.acceptor.try_accept();
        if (come)
            accepted.emplace(std::move(*come));
        else if (come.error() == errc::empty)
            return false;
        else
            failed = come.error();
        return true;
    }
    bool is_done() const noexcept { return accepted.has_value(); }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e, std::move(accepted));
    }
};

template <class Connection>
struct parts_of_connection;
template <class Out, class In, class X>
struct parts_of_connection<connection<Out, In, X>> {
    using joining = client_joining<Out, In, X>;
};

// A client that looks for an acceptor, as an end whose only operation is awaited.
template <class Connection>
struct awaited_joining {
    using joining_type = typename parts_of_connection<Connection>::joining;
    joining_type joining;

    joining_type& transport_end() noexcept { return joining; }
    Connection take() { return Connection(joining.take()); }
};

// Connects. A connection that was made is not given back when the operation is cancelled.
template <class Connection>
struct connect_one {
    static constexpr bool receives = false;
    static constexpr bool keeps_descriptor = false;
    std::optional<Connection> connected;

    template <class End>
    bool is_due(End& end, error_code& failed)
    {
        return attempt(end, failed);
    }
    template <class End>
    bool attempt(End& end, error_code& failed)
    {
        if (connected)
            return true;
        auto const p = end.joining.step();
        if (p == handshake_progress::complete)
            connected.emplace(end.take());
        else if (p == handshake_progress::failed)
            failed = end.joining.error();
        return p != handshake_progress::waits;
    }
    bool is_done() const noexcept { return connected.has_value(); }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e, std::move(connected));
    }
};

// Accepts clients in an execution context. Distinct objects: safe. Shared objects: unsafe.
template <class Acceptor, class Executor = asio::any_io_executor>
class async_accepting {
    using state = end_state<awaited_acceptor<Acceptor>, Executor>;
    using connection_type = typename std::remove_reference_t<Acceptor>::connection_type;

public:
    async_accepting(Executor const& ex, awaited_acceptor<Acceptor> a) : state_(std::make_shared<state>(ex, std::move(a))) {}
    async_accepting(async_accepting&&) = default;
    async_accepting& operator=(async_accepting&&) = delete;
    Executor get_executor() const { return state_->get_executor(); }
    Acceptor& acceptor() noexcept { return state_->end.acceptor; }
    Acceptor const& acceptor() const noexcept { return state_->end.acceptor; }
    void cancel() { state_->cancel(); }
    void detach() { state_->detach(); }
    ~async_accepting()
    {
        if (state_)
            state_->detach();
    }

    // Handler: void(error_code, std::optional<connection>).
    template <class Token>
    auto async_accept(Token&& token)
    {
        return asio::async_compose<Token, void(error_code, std::optional<connection_type>)>(
            end_operation<state, accept_one<connection_type>>(state_, {}), token, state_->get_executor());
    }

private:
    std::shared_ptr<state> state_;
};

}  // namespace strait::detail

#endif
