// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CONNECTION_CLIENT_JOINING_HPP
#define STRAIT_DETAIL_CONNECTION_CLIENT_JOINING_HPP

#include <strait/detail/connection/server_handshake.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace strait::detail {

// The client's side of a handshake in steps that do not wait, for an event loop; join_acceptor() is the form that waits.
// Distinct objects: safe. Shared objects: unsafe.
template <class Out, class In, class X>
class client_joining {
    using rendezvous = rendezvous_for<Out, In, X>;
    using connector_type = typename rendezvous::type::connector;

public:
    client_joining(endpoint const& where, typename X::options const& how)
        : where_(where), how_(how), until_(deadline::after(how.connect_timeout))
    {
    }
    client_joining(client_joining&&) = default;
    client_joining& operator=(client_joining&&) = delete;
    ~client_joining() { give_up(); }

    // Goes on as far as that needs no waiting. `waits`: for what arm() says; `failed`: error() says why.
    handshake_progress step()
    {
        for (;;) {
            STRAIT_STEP();
            handshake_progress p = handshake_progress::failed;
            switch (stage_) {
            case stage::opening: p = open(); break;
            case stage::seeking: p = seek(); break;
            case stage::greeted: p = hear_answer(); break;
            case stage::joining: p = hear_word(); break;
            case stage::complete: return handshake_progress::complete;
            }
            if (p != handshake_progress::complete)
                return p;
        }
    }

    error_code const& error() const noexcept { return failed_; }

    // The two ends, once step() has said `complete`.
    two_ends<Out, In, X> take() { return std::move(*ends_); }

    // An acceptor that comes closes and opens the control file; deadlines are looked at every now and then.
    wake_source arm() const
    {
        if (socket_)
            return {.descriptor = socket_.get(), .events = read_events, .again = true};
        return {.file = connector_ ? connector_->file() : -1, .again = true};
    }
    void disarm() const noexcept {}

private:
    enum class stage : std::uint8_t { opening, seeking, greeted, joining, complete };

    handshake_progress fail(error_code const& why)
    {
        failed_ = why;
        return handshake_progress::failed;
    }
    handshake_progress go_on(stage next) noexcept
    {
        stage_ = next;
        return handshake_progress::complete;
    }

    handshake_progress open()
    {
        auto connector = rendezvous::type::to(where_, how_, rendezvous::description::type());
        if (!connector)
            return fail(connector.error());
        connector_.emplace(std::move(*connector));
        return go_on(stage::seeking);
    }

    handshake_progress seek()
    {
        parser_ = {};
        auto reached = connector_->attempt();
        if (!reached && reached.error() != errc::no_receiver && !connector_->is_trying())
            return fail(reached.error());
        if (reached) {
            auto const greeting = stream_greeting::of(rendezvous::both, connector_->cookie());
            if (!send_handshake(reached->get(), &greeting, sizeof greeting)) {
                socket_ = std::move(*reached);
                step_until_ = std::max(until_, deadline::after(std::chrono::seconds(1)));
                return go_on(stage::greeted);
            }
        }
        return until_.passed() ? fail(errc::no_receiver) : handshake_progress::waits;
    }

    handshake_progress hear_answer()
    {
        auto const p = read_step(socket_.get(), parser_, [this] { return parser_.welcome(); });
        if (p == handshake_progress::waits)
            return step_until_.passed() ? fail(errc::timed_out) : p;
        if (p == handshake_progress::failed) {
            if (!parser_.refusal())
                parser_.end();
            socket_ = descriptor();
            if (parser_.refusal() != errc::no_receiver || until_.passed())
                return fail(parser_.refusal());
            stage_ = stage::seeking;  // the acceptor has died meanwhile: another one may come
            return handshake_progress::waits;
        }
        leave();
        if constexpr (one_socket<X>) {
            auto const who = X::guarantees.crosses_hosts ? peer_identity() : unix_peer(socket_.get());
            auto ends = ends_over<Out, In, X>(std::move(socket_), who, how_, connecting_side::client, !parser_.is_served_elsewhere());
            if (!ends)
                return fail(ends.error());
            ends_.emplace(std::move(*ends));
            return go_on(stage::complete);
        } else {
            return join_channels();
        }
    }

    handshake_progress join_channels()
        requires(!one_socket<X>)
    {
        auto names = channel_name_pair::of(where_, parser_.number());
        if (!names)
            return fail(names.error());
        names_.emplace(std::move(*names));
        auto in = receiver<In, X>::open(names_->down(), pair_options<X>(how_));
        if (!in)
            return fail(in.error());
        auto out = sender<Out, X>::open(names_->up(), pair_options<X>(how_));
        if (!out)
            return fail(out.error());
        if (error_code const e = connect_now(*out))
            return fail(e);
        if (error_code const e = send_handshake(socket_.get(), &handshake_joined, 1))
            return fail(e);
        ends_.emplace(two_ends<Out, In, X>{std::move(*out), std::move(*in), unix_peer(socket_.get())});
        step_until_ = deadline::after(handshake_timeout);
        return go_on(stage::joining);
    }

    handshake_progress hear_word()
    {
        auto const p = read_step(socket_.get(), parser_, [this] { return parser_.complete(); });
        if (p == handshake_progress::waits)
            return step_until_.passed() ? fail(errc::timed_out) : p;
        if (p == handshake_progress::failed) {
            if (!parser_.refusal())
                parser_.end();
            return fail(parser_.refusal());
        }
        names_.reset();  // the acceptor removes them
        socket_ = descriptor();
        forget_names(ends_->out, ends_->in);
        return go_on(stage::complete);
    }

    void leave() noexcept
    {
        if (connector_)
            connector_->leave(deadline::after(std::chrono::seconds(5)));
        connector_.reset();
    }

    // The acceptor may be dead, and cannot remove the names.
    void give_up() noexcept
    {
        leave();
        if (!names_)
            return;
        ends_.reset();
        (void)X::remove(names_->up());
        (void)X::remove(names_->down());
    }

    endpoint where_;
    typename X::options how_;
    deadline until_;
    deadline step_until_ = deadline::never();
    stage stage_ = stage::opening;
    std::optional<connector_type> connector_;
    descriptor socket_;
    client_handshake_parser parser_;
    std::optional<channel_name_pair> names_;
    std::optional<two_ends<Out, In, X>> ends_;
    error_code failed_;
};

}  // namespace strait::detail

#endif
