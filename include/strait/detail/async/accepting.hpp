// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_ACCEPTING_HPP
#define STRAIT_DETAIL_ASYNC_ACCEPTING_HPP

#include <strait/acceptor.hpp>
#include <strait/detail/async/end_state.hpp>
#include <strait/detail/async/operations.hpp>
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

    wake_source arm() const { return typename std::remove_reference_t<Acceptor>::incoming{acceptor}.arm(); }
    void disarm() const noexcept {}
};

// Accepts one client; async/operations.hpp says what an Action is. One that was accepted is not given back when the operation is
// cancelled.
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

// Accepts clients in an execution context. Distinct objects: safe. Shared objects: unsafe.
template <class Acceptor, class Executor = asio::any_io_executor>
class async_accepting {
    using state = end_state<awaited_acceptor<Acceptor>, Executor>;
    using connection_type = typename std::remove_reference_t<Acceptor>::connection_type;

public:
    async_accepting(Executor const& ex, awaited_acceptor<Acceptor> a) : state_(std::make_shared<state>(ex, std::move(a))) {}
    async_accepting(async_accepting&&) = default;
    async_accepting& operator=(async_accepting&&) = delete;
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
