// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RPC_SERVER_HPP
#define STRAIT_RPC_SERVER_HPP

#include <strait/acceptor.hpp>
#include <strait/detail/os/child_processes.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/event_fd.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/rpc/request_handler.hpp>
#include <strait/detail/rpc/serve_loop.hpp>
#include <strait/detail/rpc/serve_pool.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/rpc/interface.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

namespace strait {

namespace detail {

// Leads to what a server counts, for other ways to serve its clients.
struct server_access {
    template <class Server>
    static std::atomic<std::uint64_t>& unsendable(Server& s) noexcept
    {
        return s.unsendable_;
    }
};

}  // namespace detail

/// Answers the requests of clients, each by the handler whose parameter it fits.
///
///     strait::rpc_server<bank, strait::shm_ring<>> s{"bank"};
///     s.serve([&](balance_query const& q) { return find(q.account); },
///             [&](transfer const& t) { return book(t); });
///
/// A handler that throws fails that call: the client gets the exception's text. A reply that is larger than the channel
/// takes, or whose serializer throws, fails its call in the same way, and unsendable() counts it. The requests of one
/// client are begun in the order in which they were sent. A client that sends malformed requests, that has left or died
/// is dropped, which the others do not notice; one that does not take its replies is not read from meanwhile. When
/// serving ends, all clients are dropped: their outstanding calls fail with `server_gone`. The object can serve again
/// afterwards, in another mode too.
///
/// Serving throws when waiting fails. While the process lacks descriptors or memory for another client, that client waits.
///
/// Distinct objects: safe. Shared objects: unsafe, but for stop(). Not movable.
template <class Interface, class X>
class rpc_server {
    static_assert(detail::is_rpc_interface<Interface>, "strait: the first argument of rpc_server must be an rpc_interface<...>");
    using acceptor_type = acceptor<detail::rpc_reply, detail::rpc_request, X>;

public:
    using interface_type = Interface;     ///< what it answers
    using transport_type = X;             ///< what requests and replies go over
    using options = typename X::options;  ///< how it listens and how its connections are opened

    /// Begins to listen: clients that come wait until it serves, or until their options.connect_timeout is over. Throws
    /// as acceptor does.
    explicit rpc_server(endpoint const& where, options const& how = {}) : where_(where), how_(detail::rpc_options<Interface, X>(how)), acceptor_(where, how_)
    {
    }
    rpc_server(rpc_server const&) = delete;
    rpc_server& operator=(rpc_server const&) = delete;

    /// Serves all clients in this thread, until stop() is called: handlers never run at the same time.
    template <class... Handlers>
        requires(sizeof...(Handlers) != 0 && (!std::same_as<Handlers, std::stop_token> && ...))
    void serve(Handlers... handlers)
    {
        auto handler = one_of_all(std::move(handlers)...);
        detail::request_handler<Interface, X, decltype(handler)> requests(handler);
        run(requests);
    }

    /// Serves all clients in this thread, until a stop is requested, which wakes it at once, or stop() is called.
    template <class... Handlers>
        requires(sizeof...(Handlers) != 0)
    void serve(std::stop_token const& until, Handlers... handlers)
    {
        std::stop_callback const on_stop(until, [this] { stop(); });
        serve(std::move(handlers)...);
    }

    /// Serves all clients with a pool of so many threads, until stop() is called: handlers run at the same time, also for
    /// requests of one client, whose replies then come in any order. The threads end with this call; requests that none of
    /// them has begun by then are not answered.
    template <class... Handlers>
        requires(sizeof...(Handlers) != 0)
    void serve_in_pool(std::size_t threads, Handlers... handlers)
    {
        auto handler = one_of_all(std::move(handlers)...);
        detail::serve_pool<Interface, X, decltype(handler)> pool(handler, std::max<std::size_t>(threads, 1), event_);
        run(pool);
    }

    /// Serves all clients with a pool of so many threads, until a stop is requested, which wakes it at once, or stop()
    /// is called.
    template <class... Handlers>
        requires(sizeof...(Handlers) != 0)
    void serve_in_pool(std::stop_token const& until, std::size_t threads, Handlers... handlers)
    {
        std::stop_callback const on_stop(until, [this] { stop(); });
        serve_in_pool(threads, std::move(handlers)...);
    }

    /// Serves each client in a process of its own, made by fork(), until stop() is called: what a handler does to memory, or
    /// to its process, concerns that client only. Children are reaped as they end; no handler of SIGCHLD is needed or
    /// installed, but a waitpid(-1) elsewhere in this program would reap them, too. When this call or its process ends, the
    /// children end after the request that they are handling; after options.linger they are killed. As with any fork(), the
    /// program should have no other threads.
    template <class... Handlers>
        requires(sizeof...(Handlers) != 0 && (!std::same_as<Handlers, std::stop_token> && ...))
    void serve_forked(Handlers... handlers)
    {
        auto handler = one_of_all(std::move(handlers)...);
        detail::child_processes children;
        selector waits;
        std::size_t const acceptor_key = waits.add(plain_descriptor{acceptor_.native_handle()});
        waits.add(plain_descriptor{event_.fd()});
        std::vector<std::pair<int, std::size_t>> keys;
        while (!stopped()) {
            auto const chosen = waits.wait(children.all_are_watched() ? deadline::never() : deadline::after(unwatched));
            event_.clear();
            children.reap([&](auto const& c) {
                auto const k = std::find_if(keys.begin(), keys.end(), [&](auto const& known) { return known.first == c.ended.get(); });
                if (k != keys.end()) {
                    waits.remove(k->second);
                    keys.erase(k);
                }
            });
            if (!chosen || chosen->index != acceptor_key)
                continue;
            auto pending = acceptor_.pending();
            for (; pending && !stopped_.load(std::memory_order_relaxed); pending = acceptor_.pending())
                if (auto const* const c = fork_for(children, std::move(*pending), handler); c && c->ended)
                    keys.emplace_back(c->ended.get(), waits.add(plain_descriptor{c->ended.get()}));
            if (!pending && pending.error() == errc::removed)
                detail::raise(pending.error());
            if (!pending && pending.error() != errc::empty)
                pause_briefly();
        }
        children.end(deadline::after(how_.linger));
    }

    /// Serves each client in a process of its own, until a stop is requested, which wakes it at once, or stop() is
    /// called.
    template <class... Handlers>
        requires(sizeof...(Handlers) != 0)
    void serve_forked(std::stop_token const& until, Handlers... handlers)
    {
        std::stop_callback const on_stop(until, [this] { stop(); });
        serve_forked(std::move(handlers)...);
    }

    /// Ends the call that serves, or the next one. May be called from any thread and from signal handlers.
    void stop() noexcept
    {
        stopped_.store(true, std::memory_order_release);
        event_.ring();
    }

    /// The port of tcp at which it listens.
    std::uint16_t port() const
        requires requires(acceptor_type const& d) { d.port(); }
    {
        return acceptor_.port();
    }

    /// How many clients were not accepted.
    std::uint64_t turned_away() const noexcept { return acceptor_.turned_away(); }

    /// How many replies could not be sent to a client that was there, since they are larger than the channel takes or
    /// their serializer has thrown. Their calls have failed with this text. serve_forked() counts none: other processes
    /// send there.
    std::uint64_t unsendable() const noexcept { return unsendable_.load(std::memory_order_relaxed); }

    /// The acceptor of its clients, to serve them in another way (async_rpc.hpp).
    acceptor_type& next_layer() noexcept { return acceptor_; }

private:
    friend struct detail::server_access;

    static constexpr std::chrono::milliseconds unwatched{50};
    static constexpr int most_accepted = 32;  // in a row

    template <class... Handlers>
    static auto one_of_all(Handlers... handlers)
    {
        using all = detail::overloaded<Handlers...>;
        static_assert(rpc_handler<all, Interface>,
                      "strait: a request of the interface has no handler, or one that does not return its reply");
        return all{std::move(handlers)...};
    }

    // True once after stop().
    bool stopped() noexcept { return stopped_.load(std::memory_order_relaxed) && stopped_.exchange(false, std::memory_order_acquire); }

    template <class Requests>
    void run(Requests& requests)
    {
        detail::serve_loop<X, Requests> loop(requests, unsendable_);
        std::size_t const event = loop.watch(event_.fd());
        std::optional<std::size_t> acceptor_key = loop.watch(acceptor_.native_handle());
        bool more = false;  // clients may be there that have not been accepted
        while (!stopped()) {
            std::size_t const before = loop.size();
            auto const ready = loop.turn();
            if (ready == event)
                event_.clear();
            if (more || (ready && ready == acceptor_key)) {
                error_code const why = accept_some(loop);
                more = !why;
                if (more)
                    event_.ring();  // served in between are those that are connected
                else if (why != errc::empty && loop.empty())
                    pause_briefly();
                else if (why != errc::empty && acceptor_key)
                    loop.unwatch(*std::exchange(acceptor_key, std::nullopt));  // until a client has gone
            }
            if (!acceptor_key && loop.size() < before)
                acceptor_key = loop.watch(acceptor_.native_handle());
        }
    }

    // Accepts up to 32 clients. No error: there may be more. empty: there are none; else there are no descriptors for
    // others. Throws `removed`.
    template <class Loop>
    error_code accept_some(Loop& loop)
    {
        for (int accepted = 0; accepted != most_accepted; ++accepted) {
            STRAIT_STEP();
            auto come = acceptor_.try_accept();
            if (!come && come.error() == errc::removed)
                detail::raise(come.error());
            if (!come)
                return come.error();
            loop.add(std::move(*come));
        }
        return {};
    }

    // Until stop(), at most 50 ms: another part of the process may close descriptors.
    void pause_briefly() const { (void)detail::wait_readable(event_.fd(), deadline::after(unwatched)); }

    template <class Handler>
    detail::child_processes::child const* fork_for(detail::child_processes& children, detail::pending_connection pending, Handler& handler)
    {
        using server_handshake = detail::server_handshake<detail::rpc_reply, detail::rpc_request, X>;
        detail::descriptor socket = pending.socket.release();  // stays open in the child
        return children.start([&](int life_line) {
            server_handshake handshake(std::move(socket), pending.who);
            auto ends = handshake.finish(where_, how_);
            if (!ends)
                return;
            detail::request_handler<Interface, X, Handler> requests(handler);
            detail::serve_loop<X, decltype(requests)> loop(requests, unsendable_);
            loop.add(connection<detail::rpc_reply, detail::rpc_request, X>(std::move(*ends)));
            std::size_t const parent_ended = loop.watch(life_line);
            while (!loop.empty() && loop.turn() != parent_ended) {}
        });
    }

    endpoint where_;
    options how_;
    acceptor_type acceptor_;
    detail::wake_event event_;
    std::atomic<bool> stopped_{false};
    std::atomic<std::uint64_t> unsendable_{0};
};

}  // namespace strait

#endif
