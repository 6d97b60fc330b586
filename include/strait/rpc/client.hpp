// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RPC_CLIENT_HPP
#define STRAIT_RPC_CLIENT_HPP

#include <strait/connection.hpp>
#include <strait/detail/rpc/blocking_calls.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/peer.hpp>
#include <strait/rpc/error.hpp>
#include <strait/rpc/interface.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace strait {

/// A request that has been sent, whose reply is an R. Only the client that has sent it takes it.
template <class R>
struct rpc_pending {
    std::uint64_t number;  ///< that of the request, in the order of sending
};

/// Sends requests to a server and receives its replies.
///
///     strait::rpc_client<bank, strait::shm_ring<>> c{"bank"};
///     balance const b = c.call(balance_query{7});
///
/// Several requests may be outstanding: post() sends one, reply() waits for its reply, in any order. While more are
/// outstanding than both directions have room for, post() can wait for the server and the server for this client: let a
/// thread have about a hundred. A call that has timed out is abandoned: its reply is dropped when it comes, and the server is
/// not informed.
///
/// call(), post() and reply() wait and throw; the `try_`, `_for` and `_until` forms return an error. Failures:
/// `server_gone`, when the server has left or died, or has dropped this client, for all that is outstanding and all later
/// calls; `handler_failed`, when the handler has thrown or its reply could not be sent; `message_too_large`, when the
/// request is larger than the channel takes, for that call alone; `unknown_request`, when the server does not know a request of
/// this name, and `type_mismatch`, when it knows it with other types, for that call alone, where failure(), and the text of
/// the exception, says what differs; `malformed_message`, when a frame comes that is not the reply to an outstanding request
/// (not asked for, a second reply, of another type), after which all calls fail with it; those of connection's verbs.
///
/// Distinct objects: safe. Shared objects: unsafe. Move only.
template <class Interface, class X>
class rpc_client {
    static_assert(detail::is_rpc_interface<Interface>, "strait: the first argument of rpc_client must be an rpc_interface<...>");
    using calls = detail::blocking_calls<X>;
    template <class Q>
    using reply_to = typename Interface::template reply_to<Q>;
    template <class R>
    using sent = detail::sent_reply<R>;
    // What a call with a stop token returns: whether, or what, was replied.
    template <class R>
    using unless_stopped = std::conditional_t<std::is_void_v<R>, bool, std::optional<sent<R>>>;

    template <class Q>
    static constexpr bool known = Interface::template has<Q>;
    template <class Q>
    static constexpr detail::request_key const& key = *Interface::keys[Interface::template index<Q>];

public:
    using interface_type = Interface;     ///< what can be asked
    using transport_type = X;             ///< what requests and replies go over
    using options = typename X::options;  ///< how the connection is opened

    /// Connects; throws as connection does.
    explicit rpc_client(endpoint const& where, options const& how = {})
        : where_(where), how_(detail::rpc_options<Interface, X>(how)), calls_(typename calls::connection_type(where, how_))
    {
    }

    /// Connects as the constructor does, and returns the error instead of throwing it.
    [[nodiscard]] static result<rpc_client> open(endpoint const& where, options const& how = {})
    {
        options const all = detail::rpc_options<Interface, X>(how);
        auto c = calls::connection_type::open(where, all);
        if (!c)
            return c.error();
        return rpc_client(where, all, calls(std::move(*c)));
    }

    /// Sends a request and waits for the reply. Throws rpc_error when the handler has thrown or its reply could not be
    /// sent, and what the request's serializer throws.
    template <class Q>
        requires known<Q>
    reply_to<Q> call(Q const& request)
    {
        return unwrapped<reply_to<Q>>(calls_.template ask<sent<reply_to<Q>>>(key<Q>, request, deadline::never()));
    }

    /// Sends a request and waits for the reply, until a stop is requested: then nullopt, or false where the reply is void. A
    /// stopped call is abandoned. Throws as call() does.
    template <class Q, stoppable_token Stop>
        requires known<Q>
    [[nodiscard]] unless_stopped<reply_to<Q>> call(Q const& request, Stop const& stop)
    {
        return unless_timed_out<reply_to<Q>>(calls_.template ask<sent<reply_to<Q>>>(key<Q>, request, stop));
    }

    /// Sends a request and waits for the reply up to this deadline, else errc::timed_out; a call that has timed out is
    /// abandoned. After `handler_failed` failure() has the text.
    template <class Q>
        requires known<Q>
    [[nodiscard]] result<reply_to<Q>> call_until(Q const& request, deadline until)
    {
        return shown<reply_to<Q>>(calls_.template ask<sent<reply_to<Q>>>(key<Q>, request, until));
    }

    /// Calls up to this moment of any clock; of another clock than the monotonic one the time left is computed once.
    template <class Q, class Clock, class Duration>
        requires known<Q>
    [[nodiscard]] result<reply_to<Q>> call_until(Q const& request, std::chrono::time_point<Clock, Duration> const& when)
    {
        return call_until(request, moment(when));
    }

    /// Calls, waiting at most this long.
    template <class Q, class Rep, class Period>
        requires known<Q>
    [[nodiscard]] result<reply_to<Q>> call_for(Q const& request, std::chrono::duration<Rep, Period> const& d)
    {
        return call_until(request, deadline::after(d));
    }

    /// Sends a request without waiting for the reply; waits while there is no room for the request.
    template <class Q>
        requires known<Q>
    [[nodiscard]] rpc_pending<reply_to<Q>> post(Q const& request)
    {
        auto const number = calls_.post(key<Q>, request, deadline::never());
        if (!number)
            throw_failure(number.error());
        return {*number};
    }

    /// Sends a request if there is room for it, else errc::full.
    template <class Q>
        requires known<Q>
    [[nodiscard]] result<rpc_pending<reply_to<Q>>> try_post(Q const& request)
    {
        return post_until(request, deadline::poll());
    }

    /// Sends a request, waiting for room up to this deadline, else errc::timed_out.
    template <class Q>
        requires known<Q>
    [[nodiscard]] result<rpc_pending<reply_to<Q>>> post_until(Q const& request, deadline until)
    {
        auto const number = calls_.post(key<Q>, request, until);
        if (!number)
            return number.error();
        return rpc_pending<reply_to<Q>>{*number};
    }

    /// Sends a request, waiting for room up to this moment of any clock.
    template <class Q, class Clock, class Duration>
        requires known<Q>
    [[nodiscard]] result<rpc_pending<reply_to<Q>>> post_until(Q const& request, std::chrono::time_point<Clock, Duration> const& when)
    {
        return post_until(request, moment(when));
    }

    /// Sends a request, waiting for room at most this long.
    template <class Q, class Rep, class Period>
        requires known<Q>
    [[nodiscard]] result<rpc_pending<reply_to<Q>>> post_for(Q const& request, std::chrono::duration<Rep, Period> const& d)
    {
        return post_until(request, deadline::after(d));
    }

    /// Waits for the reply to a request that was posted. Each reply can be taken once: later `empty` is thrown.
    template <class R>
    R reply(rpc_pending<R> const& p)
    {
        return unwrapped<R>(calls_.template take<sent<R>>(p.number, deadline::never()));
    }

    /// Waits for the reply, until a stop is requested: then nullopt, or false where the reply is void, and the reply can be
    /// waited for again. Throws as reply() does.
    template <class R, stoppable_token Stop>
    [[nodiscard]] unless_stopped<R> reply(rpc_pending<R> const& p, Stop const& stop)
    {
        return unless_timed_out<R>(calls_.template take<sent<R>>(p.number, stop));
    }

    /// Takes the reply if it has come, else errc::empty.
    template <class R>
    [[nodiscard]] result<R> try_reply(rpc_pending<R> const& p)
    {
        return reply_until(p, deadline::poll());
    }

    /// Waits for the reply up to this deadline, else errc::timed_out, after which it can be waited for again; errc::empty
    /// when it was taken before.
    template <class R>
    [[nodiscard]] result<R> reply_until(rpc_pending<R> const& p, deadline until)
    {
        return shown<R>(calls_.template take<sent<R>>(p.number, until));
    }

    /// Waits for the reply up to this moment of any clock.
    template <class R, class Clock, class Duration>
    [[nodiscard]] result<R> reply_until(rpc_pending<R> const& p, std::chrono::time_point<Clock, Duration> const& when)
    {
        return reply_until(p, moment(when));
    }

    /// Waits for the reply at most this long.
    template <class R, class Rep, class Period>
    [[nodiscard]] result<R> reply_for(rpc_pending<R> const& p, std::chrono::duration<Rep, Period> const& d)
    {
        return reply_until(p, deadline::after(d));
    }

    /// Abandons a request that was posted: its reply is dropped when it comes.
    template <class R>
    void forget(rpc_pending<R> const& p)
    {
        calls_.forget(p.number);
    }

    /// The text of the last call that reported `handler_failed`, `unknown_request` or `type_mismatch`.
    std::string const& failure() const noexcept { return calls_.failure(); }

    /// How many replies to abandoned requests have come and were dropped.
    std::uint64_t late() const noexcept { return calls_.late(); }

    /// How many replies were refused as malformed: 0 or 1, for no more are read after the first.
    std::uint64_t malformed() const noexcept { return calls_.malformed(); }

    /// The process of the server, as the kernel says; errc::no_receiver over tcp, where it cannot.
    [[nodiscard]] result<peer_identity> peer() const { return calls_.channel().peer(); }

    /// Leaves the server, if it is there still, and connects anew, waiting as the constructor does and throwing as that
    /// does; then calls fail with `server_gone` until reconnect() succeeds. Requests that were outstanding fail with
    /// `server_gone`: whether they were handled is not known.
    void reconnect()
    {
        calls_.drop();
        calls_.adopt(typename calls::connection_type(where_, how_));
    }

    /// Leaves; outstanding requests get no reply. Idempotent; the destructor closes, too, and drops the error.
    result<void> close() { return calls_.channel().close(); }

private:
    rpc_client(endpoint const& where, options const& how, calls c) : where_(where), how_(how), calls_(std::move(c)) {}

    template <class Clock, class Duration>
    static deadline moment(std::chrono::time_point<Clock, Duration> const& when)
    {
        if constexpr (std::is_same_v<Clock, deadline::clock>)
            return deadline::at(when);
        else
            return deadline::after(detail::time_left(when));
    }

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

    template <class R>
    R unwrapped(result<sent<R>>&& r) const
    {
        if (!r) [[unlikely]]
            throw_failure(r.error());
        if constexpr (!std::is_void_v<R>)
            return std::move(*r);
    }

    template <class R>
    unless_stopped<R> unless_timed_out(result<sent<R>>&& r) const
    {
        if (!r && r.error() != errc::timed_out)
            throw_failure(r.error());
        if constexpr (std::is_void_v<R>)
            return r.has_value();
        else
            return r ? unless_stopped<R>(std::move(*r)) : std::nullopt;
    }

    [[noreturn, gnu::noinline, gnu::cold]] void throw_failure(error_code const& e) const
    {
        if (e == errc::handler_failed)
            throw rpc_error(calls_.failure());
        if (e == errc::unknown_request || e == errc::type_mismatch)
            throw boost::system::system_error(e, calls_.failure());
        detail::raise(e);
    }

    endpoint where_;
    options how_;
    calls calls_;
};

}  // namespace strait

#endif
