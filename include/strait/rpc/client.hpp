// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RPC_CLIENT_HPP
#define STRAIT_RPC_CLIENT_HPP

#include <strait/connection.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/rpc/frame.hpp>
#include <strait/rpc/interface.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace strait {

/// What a call throws when the server's handler has thrown: code() is errc::handler_failed, text() what the handler said.
class rpc_error : public boost::system::system_error {
public:
    /// Made by clients.
    explicit rpc_error(std::string text) : system_error(errc::handler_failed, text), text_(std::move(text)) {}

    /// At most 1,024 bytes of the exception's what().
    std::string const& text() const noexcept { return text_; }

private:
    std::string text_;
};

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
    using request_type = detail::request_frame<Interface>;
    using reply_type = detail::reply_frame<Interface>;
    using connection_type = connection<request_type, reply_type, X>;
    template <class Q>
    using reply_to = typename Interface::template reply_to<Q>;

    template <class Q>
    static constexpr bool known = Interface::template has<Q>;

public:
    using interface_type = Interface;  ///< what it asks
    using transport_type = X;
    using options = typename X::options;

    /// Connects; throws as connection does.
    explicit rpc_client(endpoint const& where, options const& how = {}) : connection_(where, how) {}

    /// The same without exceptions.
    static result<rpc_client> open(endpoint const& where, options const& how = {})
    {
        auto c = connection_type::open(where, how);
        if (!c)
            return c.error();
        return rpc_client(std::move(*c));
    }

    /// Asks and waits for the reply. Throws rpc_error when the handler has thrown.
    template <class Q>
        requires known<Q>
    reply_to<Q> call(Q const& request)
    {
        auto r = ask(request, deadline::never());
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
        return shown<reply_to<Q>>(ask(request, deadline::after(d)));
    }

    /// Asks and does not wait for the reply; waits while there is no room for the request.
    template <class Q>
        requires known<Q>
    rpc_pending<reply_to<Q>> post(Q const& request)
    {
        std::uint64_t const number = next_;
        if (error_code const e = send(request, deadline::never()))
            throw_failure(e);
        outstanding_.push_back({number, Interface::template index<Q>, std::nullopt, {}});
        return {number};
    }

    /// Waits for the reply to what was posted. Once for each.
    template <class R>
    R reply(rpc_pending<R> const& p)
    {
        auto r = take<R>(p.number, deadline::never());
        if (!r)
            throw_failure(r.error());
        if constexpr (!std::is_void_v<R>)
            return std::move(*r);
    }

    /// The same, waiting for so long, else errc::timed_out; then it can be asked for again.
    template <class R, class Rep, class Period>
    result<R> reply_for(rpc_pending<R> const& p, std::chrono::duration<Rep, Period> const& d)
    {
        return shown<R>(take<R>(p.number, deadline::after(d)));
    }

    /// What was posted is of no interest any more: its reply is dropped.
    template <class R>
    void forget(rpc_pending<R> const& p)
    {
        std::erase_if(outstanding_, [&](waiting const& w) { return w.number == p.number; });
    }

    /// What the handler said whose failure was told last.
    std::string const& failure() const noexcept { return failure_; }

    /// How many replies came too late and were dropped.
    std::uint64_t late() const noexcept { return late_; }

    /// Who the server is, as the kernel tells.
    result<peer_identity> peer() const { return connection_.peer(); }

    /// Leaves; what is outstanding is not answered. Idempotent; the destructor does the same.
    result<void> close() { return connection_.close(); }

private:
    // A reply that came before it was asked for.
    struct waiting {
        std::uint64_t number;
        std::size_t index;
        std::optional<reply_type> come;
        std::string failure;
    };

    template <class R>
    using sent = detail::sent_reply<R>;

    explicit rpc_client(connection_type c) : connection_(std::move(c)) {}

    static deadline::clock::time_point moment(deadline d) noexcept
    {
        return deadline::clock::time_point(std::chrono::nanoseconds(d.nanoseconds()));
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

    [[noreturn, gnu::noinline, gnu::cold]] void throw_failure(error_code const& e) const
    {
        if (e == errc::handler_failed)
            throw rpc_error(failure_);
        detail::raise(e);
    }

    template <class Q>
    error_code send(Q const& request, deadline until)
    {
        if (broken_) [[unlikely]]
            return broken_;
        detail::fill_frame<request_type, Interface::template index<Q>>(request_, next_, request);
        auto const done = connection_.send_until(request_, moment(until));
        if (!done) [[unlikely]]
            return done.error() == errc::no_receiver ? break_down(errc::server_gone) : done.error();
        next_ = (next_ + 1) & detail::number_mask;
        return {};
    }

    template <class Q>
    result<sent<reply_to<Q>>> ask(Q const& request, deadline until)
    {
        constexpr std::size_t index = Interface::template index<Q>;
        using R = sent<reply_to<Q>>;
        std::uint64_t const number = next_;
        if (error_code const e = send(request, until)) [[unlikely]]
            return detail::failed<R>(e);
        std::string text;
        for (;;) {
            if (error_code const e = receive(until)) [[unlikely]]
                return detail::failed<R>(e);
            if (detail::number_of(reply_) != number) [[unlikely]] {
                if (error_code const e = keep())
                    return detail::failed<R>(e);
                continue;
            }
            if (detail::kind_of_reply(reply_, index) == detail::reply_kind::reply) [[likely]]
                return read<index, R>(reply_);
            if (error_code const e = hear_failure(index, text); e != errc::empty)
                return detail::failed<R>(e);
        }
    }

    template <class R>
    result<sent<R>> take(std::uint64_t number, deadline until)
    {
        for (;;) {
            auto const w = std::find_if(outstanding_.begin(), outstanding_.end(), [&](waiting const& o) { return o.number == number; });
            if (w == outstanding_.end())
                return detail::failed<sent<R>>(broken_ ? broken_ : make_error_code(errc::empty));  // taken or forgotten
            if (w->come) {
                waiting done = std::move(*w);
                outstanding_.erase(w);
                if (detail::kind_of_reply(*done.come, done.index) == detail::reply_kind::reply)
                    return read_any<sent<R>>(done.index, *done.come);
                failure_ = std::move(done.failure);
                return detail::failed<sent<R>>(errc::handler_failed);
            }
            error_code e = receive(until);
            if (!e)
                e = keep();
            if (e)
                return detail::failed<sent<R>>(e);
        }
    }

    error_code receive(deadline until)
    {
        if (broken_) [[unlikely]]
            return broken_;
        if (until.is_never()) [[likely]] {
            if (connection_.receive(reply_)) [[likely]]
                return {};
            return break_down(errc::server_gone);
        }
        auto got = connection_.receive_until(moment(until));
        if (got) {
            reply_ = std::move(*got);
            return {};
        }
        if (got.error() == errc::timed_out)
            return got.error();
        return break_down(got.error() == errc::closed ? make_error_code(errc::server_gone) : got.error());
    }

    // The reply that has come is not the one that is waited for.
    error_code keep()
    {
        std::uint64_t const number = detail::number_of(reply_);
        auto const w = std::find_if(outstanding_.begin(), outstanding_.end(), [&](waiting const& o) { return o.number == number; });
        if (w == outstanding_.end()) {
            // Of one that was given up; what was never asked has no reply.
            if (number >= next_)
                return break_down(errc::peer_corrupt);
            ++late_;
            return {};
        }
        if (w->come)
            return break_down(errc::peer_corrupt);
        switch (detail::kind_of_reply(reply_, w->index)) {
        case detail::reply_kind::nonsense: return break_down(errc::peer_corrupt);
        case detail::reply_kind::reply: break;
        default:
            if (!detail::add_failure_text(reply_, w->failure))
                return break_down(errc::peer_corrupt);
        }
        if (detail::kind_of_reply(reply_, w->index) != detail::reply_kind::part_of_failure)
            w->come.emplace(std::move(reply_));
        return {};
    }

    // empty: there is more to come.
    [[gnu::noinline, gnu::cold]] error_code hear_failure(std::size_t index, std::string& text)
    {
        auto const kind = detail::kind_of_reply(reply_, index);
        if (kind == detail::reply_kind::nonsense || !detail::add_failure_text(reply_, text))
            return break_down(errc::peer_corrupt);
        if (kind == detail::reply_kind::part_of_failure)
            return errc::empty;
        failure_ = std::move(text);
        return errc::handler_failed;
    }

    template <std::size_t I, class R>
    result<R> read(reply_type& f)
    {
        auto r = detail::read_frame<I, R>(f);
        if (!r) [[unlikely]]
            break_down(r.error());
        return r;
    }

    // The I-th, whose reply is an R, as whoever posted it knows.
    template <class R, std::size_t I = 0>
    result<R> read_any(std::size_t index, reply_type& f)
    {
        if constexpr (I == std::tuple_size_v<typename Interface::replies>) {
            return detail::failed<R>(errc::malformed_message);
        } else {
            if constexpr (std::is_same_v<std::tuple_element_t<I, typename Interface::replies>, R>)
                if (index == I)
                    return read<I, R>(f);
            return read_any<R, I + 1>(index, f);
        }
    }

    [[gnu::noinline, gnu::cold]] error_code break_down(error_code const& why)
    {
        broken_ = why;
        (void)connection_.close();
        return why;
    }

    connection_type connection_;
    request_type request_{};
    reply_type reply_{};
    std::uint64_t next_ = 0;
    std::uint64_t late_ = 0;
    std::vector<waiting> outstanding_;
    std::string failure_;
    error_code broken_;
};

}  // namespace strait

#endif
