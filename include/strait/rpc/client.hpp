// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RPC_CLIENT_HPP
#define STRAIT_RPC_CLIENT_HPP

#include <strait/connection.hpp>
#include <strait/detail/rpc/outstanding_requests.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/peer.hpp>
#include <strait/rpc/error.hpp>
#include <strait/rpc/interface.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace strait {

/// A request that has been sent, whose reply is to be R.
template <class R>
struct rpc_pending {
    std::uint64_t number;  ///< among those of its client
};

/// Asks a server, and gets its replies.
///
///     strait::rpc_client<bank, strait::shm_ring<>> c{"bank"};
///     balance const b = c.call(balance_query{7});
///
/// Several requests may be outstanding: post() sends one, reply() waits for what it is answered by, in any order. While more
/// are outstanding than both directions have room for, post() can wait for the server and the server for us: let a thread
/// have about a hundred. A call that has timed out is forgotten, and its reply dropped when it comes; the server is not told.
///
/// Failures: `server_gone`, when the server has left or died, or has dropped this client, for all that is outstanding and
/// all later calls; `handler_failed`; `peer_corrupt` or `malformed_message` when what comes is not the reply to anything asked,
/// after which the client is good for nothing; those of sending.
///
/// Distinct objects: safe. Shared objects: unsafe. Move only.
template <class Interface, class X>
class rpc_client {
    static_assert(detail::is_rpc_interface<Interface>, "strait: the first argument of rpc_client must be an rpc_interface<...>");
    using asking = detail::outstanding_requests<Interface, X>;
    template <class Q>
    using reply_to = typename Interface::template reply_to<Q>;
    template <class R>
    using sent = detail::sent_reply<R>;

    template <class Q>
    static constexpr bool known = Interface::template has<Q>;

public:
    using interface_type = Interface;  ///< what it asks
    using transport_type = X;
    using options = typename X::options;

    /// Connects; throws as connection does.
    explicit rpc_client(endpoint const& where, options const& how = {}) : asking_(typename asking::connection_type(where, how)) {}

    /// The same without exceptions.
    static result<rpc_client> open(endpoint const& where, options const& how = {})
    {
        auto c = asking::connection_type::open(where, how);
        if (!c)
            return c.error();
        return rpc_client(asking(std::move(*c)));
    }

    /// Asks and waits for the reply. Throws rpc_error when the handler has thrown.
    template <class Q>
        requires known<Q>
    reply_to<Q> call(Q const& request)
    {
        auto r = asking_.ask(request, deadline::never());
        if (!r) [[unlikely]]
            throw_failure(r.error());
        if constexpr (!std::is_void_v<reply_to<Q>>)
            return std::move(*r);
    }

    /// The same up to this moment, else errc::timed_out. After `handler_failed` failure() has the text.
    template <class Q, class Clock, class Duration>
        requires known<Q>
    result<reply_to<Q>> call_until(Q const& request, std::chrono::time_point<Clock, Duration> const& when)
    {
        return call_for(request, when - Clock::now());
    }

    /// The same, counted from now.
    template <class Q, class Rep, class Period>
        requires known<Q>
    result<reply_to<Q>> call_for(Q const& request, std::chrono::duration<Rep, Period> const& d)
    {
        return shown<reply_to<Q>>(asking_.ask(request, deadline::after(d)));
    }

    /// Asks and does not wait for the reply; waits while there is no room for the request.
    template <class Q>
        requires known<Q>
    rpc_pending<reply_to<Q>> post(Q const& request)
    {
        auto const number = asking_.post(request);
        if (!number)
            throw_failure(number.error());
        return {*number};
    }

    /// Waits for the reply to what was posted. Once for each.
    template <class R>
    R reply(rpc_pending<R> const& p)
    {
        auto r = asking_.template take<R>(p.number, deadline::never());
        if (!r)
            throw_failure(r.error());
        if constexpr (!std::is_void_v<R>)
            return std::move(*r);
    }

    /// The same, waiting for so long, else errc::timed_out; then it can be asked for again.
    template <class R, class Rep, class Period>
    result<R> reply_for(rpc_pending<R> const& p, std::chrono::duration<Rep, Period> const& d)
    {
        return shown<R>(asking_.template take<R>(p.number, deadline::after(d)));
    }

    /// What was posted is of no interest any more: its reply is dropped.
    template <class R>
    void forget(rpc_pending<R> const& p)
    {
        asking_.forget(p.number);
    }

    /// What the handler said whose failure was told last.
    std::string const& failure() const noexcept { return asking_.failure(); }

    /// How many replies came too late and were dropped.
    std::uint64_t late() const noexcept { return asking_.late(); }

    /// Who the server is, as the kernel tells.
    result<peer_identity> peer() const { return asking_.channel().peer(); }

    /// Leaves; what is outstanding is not answered. Idempotent; the destructor does the same.
    result<void> close() { return asking_.channel().close(); }

private:
    explicit rpc_client(asking a) : asking_(std::move(a)) {}

    template <class R>
    static result<R> shown(result<sent<R>>&& r)
    {
        if constexpr (std::is_void_v<R>) {
            if (!r)
                return r.error();
            return {};
        } else {
            return std::move(r);
        }
    }

    [[noreturn, gnu::noinline, gnu::cold]] void throw_failure(error_code const& e) const
    {
        if (e == errc::handler_failed)
            throw rpc_error(asking_.failure());
        detail::raise(e);
    }

    asking asking_;
};

}  // namespace strait

#endif
