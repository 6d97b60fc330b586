// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RPC_SERVER_HPP
#define STRAIT_RPC_SERVER_HPP

#include <strait/acceptor.hpp>
#include <strait/detail/os/child_processes.hpp>
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

#include <poll.h>

namespace strait {

/// Answers the requests of clients, each by the handler whose parameter it fits.
///
///     strait::rpc_server<bank, strait::shm_ring<>> s{"bank"};
///     s.serve([&](balance_query const& q) { return find(q.account); },
///             [&](transfer const& t) { return book(t); });
///
/// A handler that throws fails that call: the client gets the exception's text. The requests of one client begin in the
/// order in which they were sent. A client that sends nonsense, that has left or died is dropped, and nobody else notices;
/// one that does not take its replies is not read from meanwhile. On the way out serve() drops all clients: outstanding
/// calls fail with `server_gone`. It can be called again, in another mode too.
///
/// Throws when it cannot wait; a client that the server lacks the descriptors or memory to accept waits.
///
/// Distinct objects: safe. Shared objects: unsafe, but for stop(). Not movable.
template <class Interface, class X>
class rpc_server {
    static_assert(detail::is_rpc_interface<Interface>, "strait: the first argument of rpc_server must be an rpc_interface<...>");
    using request_type = detail::request_frame<Interface>;
    using reply_type = detail::reply_frame<Interface>;
    using acceptor_type = acceptor<reply_type, request_type, X>;

public:
    using interface_type = Interface;  ///< what it answers
    using transport_type = X;
    using options = typename X::options;

    /// Begins to listen: clients that come wait for serve(). Throws as acceptor does.
    explicit rpc_server(endpoint const& where, options const& how = {}) : where_(where), how_(how), acceptor_(where, how) {}
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

    /// The same until a stop is requested.
    template <class... Handlers>
        requires(sizeof...(Handlers) != 0)
    void serve(std::stop_token const& until, Handlers... handlers)
    {
        std::stop_callback const told(until, [this] { stop(); });
        serve(std::move(handlers)...);
    }

    /// Serves all clients with a pool of threads of its own: handlers run at the same time, also for requests of one client,
    /// and are called for different requests of it in any order of ending. The threads end with this call; requests that none
    /// of them has begun by then are not answered.
    template <class... Handlers>
        requires(sizeof...(Handlers) != 0)
    void serve_in_pool(std::size_t threads, Handlers... handlers)
    {
        auto handler = one_of_all(std::move(handlers)...);
        detail::serve_pool<Interface, X, decltype(handler)> pool(handler, std::max<std::size_t>(threads, 1), event_);
        run(pool);
    }

    /// Serves each client in a process of its own, which fork() makes: what a handler does to memory, or to its process, is
    /// that client's affair. Children are reaped as they end; no handler of SIGCHLD is needed or installed, but another
    /// waitpid(-1) in this program would take them away. When this call or its process ends the children end after the
    /// request they are at; after options.linger they are killed. As after any fork(): let there be no other threads.
    template <class... Handlers>
        requires(sizeof...(Handlers) != 0)
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
            for (; pending; pending = acceptor_.pending())
                if (auto const* const c = fork_for(children, std::move(*pending), handler); c && c->ended)
                    keys.emplace_back(c->ended.get(), waits.add(plain_descriptor{c->ended.get()}));
            if (pending.error() != errc::empty)
                take_breath();
        }
        children.end(deadline::after(how_.linger));
    }

    /// Ends serve(), or the next one. Any thread, and signal handlers.
    void stop() noexcept
    {
        stopped_.store(true, std::memory_order_release);
        event_.ring();
    }

    /// At which port of tcp it listens.
    std::uint16_t port() const
        requires requires(acceptor_type const& d) { d.port(); }
    {
        return acceptor_.port();
    }

    /// How many clients were not accepted.
    std::uint64_t turned_away() const noexcept { return acceptor_.turned_away(); }

    /// Where clients come in, for who serves them in another way (async_rpc.hpp).
    acceptor_type& next_layer() noexcept { return acceptor_; }

private:
    static constexpr std::chrono::milliseconds unwatched{50};

    template <class... Handlers>
    static auto one_of_all(Handlers... handlers)
    {
        using all = detail::overloaded<Handlers...>;
        static_assert(rpc_handler<all, Interface>,
                      "strait: a request of the interface has no handler, or one that does not return its reply");
        return all{std::move(handlers)...};
    }

    // Once for each stop().
    bool stopped() noexcept { return stopped_.load(std::memory_order_relaxed) && stopped_.exchange(false, std::memory_order_acquire); }

    template <class Requests>
    void run(Requests& requests)
    {
        detail::serve_loop<Interface, X, Requests> loop(requests);
        std::size_t const event = loop.watch(event_.fd());
        std::optional<std::size_t> acceptor_key = loop.watch(acceptor_.native_handle());
        while (!stopped()) {
            std::size_t const before = loop.size();
            auto const ready = loop.turn();
            if (ready == event)
                event_.clear();
            else if (ready && ready == acceptor_key && !let_in(loop)) {
                if (loop.empty())
                    take_breath();
                else
                    loop.unwatch(*std::exchange(acceptor_key, std::nullopt));  // until a client has gone
            }
            if (!acceptor_key && loop.size() < before)
                acceptor_key = loop.watch(acceptor_.native_handle());
        }
    }

    // False: for want of descriptors.
    template <class Loop>
    bool let_in(Loop& loop)
    {
        for (;;) {
            auto come = acceptor_.try_accept();
            if (!come)
                return come.error() == errc::empty;
            loop.add(std::move(*come));
        }
    }

    // Somebody else may give descriptors back.
    void take_breath() const { (void)detail::wait_descriptor(event_.fd(), POLLIN, deadline::after(unwatched)); }

    template <class Handler>
    detail::child_processes::child const* fork_for(detail::child_processes& children, detail::pending_connection pending, Handler& handler)
    {
        using server_handshake = detail::server_handshake<reply_type, request_type, X>;
        detail::descriptor socket = pending.socket.release();  // goes along
        return children.start([&](int life_line) {
            server_handshake j(std::move(socket), pending.who);
            auto ends = j.finish(where_, how_);
            if (!ends)
                return;
            detail::request_handler<Interface, X, Handler> requests(handler);
            detail::serve_loop<Interface, X, decltype(requests)> loop(requests);
            loop.add(connection<reply_type, request_type, X>(std::move(*ends)));
            std::size_t const told = loop.watch(life_line);
            while (!loop.empty() && loop.turn() != told) {}
        });
    }

    endpoint where_;
    options how_;
    acceptor_type acceptor_;
    detail::wake_event event_;
    std::atomic<bool> stopped_{false};
};

}  // namespace strait

#endif
