// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_ACCEPTOR_HPP
#define STRAIT_ACCEPTOR_HPP

#include <strait/connection.hpp>
#include <strait/detail/channel/until_stopped.hpp>
#include <strait/detail/connection/server_handshake.hpp>
#include <strait/detail/handshake/server.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace strait {

namespace detail {
template <class Acceptor>
struct awaited_acceptor;
}

/// Accepts clients: each that comes is a connection. There is one acceptor of a name or an address at a time.
///
///     strait::acceptor<answer, question, strait::shm_ring<>> oracle{"oracle"};
///     auto c = oracle.accept();  // a strait::connection<answer, question, strait::shm_ring<>>
///     while (std::optional<question> const q = c.receive())
///         c.send(reply_to(*q));
///
/// `Out` is what this side sends, `In` what it receives; the client has a `connection<In, Out, X>`.
///
/// Clients that are killed or stopped while they join, that never send anything, or that send something else than a greeting
/// do not keep others out. At most 64 that have not greeted are held, and 16 that have greeted and not joined; then the
/// oldest is dropped, of the latter once it has been silent for two seconds. A client that does not finish joining
/// within ten seconds is dropped, too. Only processes of the same user are accepted, unless options.access is wider;
/// over tcp with an address every process that can reach it. Accepted connections outlive the acceptor.
///
/// accept() waits and throws; the `try_`, `_for` and `_until` forms return an error: `empty` or `timed_out` when no client
/// came, `descriptor_limit` when clients are there and this process can have no more descriptors, and those of the system.
///
/// Distinct objects: safe. Shared objects: unsafe. Move only.
template <class Out, class In, class X>
class acceptor {
    using rendezvous = detail::rendezvous_for<In, Out, X>;
    using listener = typename rendezvous::type::listener;
    using server_handshake = detail::server_handshake<Out, In, X>;
    using progress = typename server_handshake::progress;

public:
    using connection_type = connection<Out, In, X>;  ///< what is accepted
    using transport_type = X;                        ///< what connections go over
    using options = typename X::options;             ///< how it and its connections are opened

    /// Begins to listen. Throws `busy` when there is an acceptor already, `type_mismatch`, `transport_mismatch`,
    /// `untrusted_object`, `address_unavailable`, or what limit of the system was met.
    explicit acceptor(endpoint const& where, options const& how = {}) : acceptor(detail::opened(where, [&] { return open(where, how); })) {}

    acceptor(acceptor&&) = default;

    /// Closes first.
    acceptor& operator=(acceptor&& other)
    {
        if (this != &other) {
            (void)close();
            where_ = std::move(other.where_);
            how_ = other.how_;
            server_ = std::move(other.server_);
            handshakes_ = std::move(other.handshakes_);
            ready_ = std::move(other.ready_);
        }
        return *this;
    }
    ~acceptor() { (void)close(); }

    /// Begins to listen as the constructor does, and returns the error instead of throwing it.
    [[nodiscard]] static result<acceptor> open(endpoint const& where, options const& how = {})
    {
        auto l = rendezvous::type::at(where, how, rendezvous::description::type());
        if (!l)
            return l.error();
        acceptor a(where, how, std::move(*l));
        if (error_code const e = a.server_->start())
            return e;
        if constexpr (!detail::one_socket<X>)
            detail::channel_name_pair::sweep(where, root, [](endpoint const& left) { return X::remove(left); });
        return a;
    }

    /// Waits for a client.
    [[nodiscard]] connection_type accept() { return get(deadline::never()).value(); }

    /// Waits for a client until a stop is requested: then nullopt. A std::stop_token wakes it at once.
    template <stoppable_token Stop>
    [[nodiscard]] std::optional<connection_type> accept(Stop const& stop)
    {
        std::optional<connection_type> accepted;
        incoming clients{*this};
        error_code const e = detail::until_stopped<true>(clients, stop, [&](deadline d) -> error_code {
            auto c = get(d);
            if (!c)
                return c.error();
            accepted.emplace(std::move(*c));
            return {};
        });
        if (e && e != errc::timed_out)
            detail::raise(e);
        return accepted;
    }

    /// Accepts a client if one is there, else errc::empty.
    [[nodiscard]] result<connection_type> try_accept() { return get(deadline::poll()); }

    /// Waits for a client up to this deadline, else errc::timed_out.
    [[nodiscard]] result<connection_type> accept_until(deadline until) { return get(until); }

    /// Waits for a client up to this moment of any clock.
    template <class Clock, class Duration>
    [[nodiscard]] result<connection_type> accept_until(std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [&](deadline d) { return get(d); });
    }

    /// Waits for a client at most this long.
    template <class Rep, class Period>
    [[nodiscard]] result<connection_type> accept_for(std::chrono::duration<Rep, Period> const& d)
    {
        return get(deadline::after(d));
    }

    /// Stops listening. Clients that have joined and were not accepted see the end. Idempotent; the destructor closes, too.
    result<void> close()
    {
        if (server_) {
            handshakes_.clear();
            ready_.clear();
            server_->close(deadline::after(how_.linger));
            server_.reset();
        }
        return {};
    }

    /// A descriptor for poll(2), -1 when closed: readable when try_accept() may find a client, or has to be called to go on
    /// with one that is joining.
    int native_handle() const noexcept { return server_ ? server_->set().fd().get() : -1; }

    /// The port of tcp at which it listens.
    std::uint16_t port() const
        requires requires(listener const& l) { l.port(); }
    {
        return server_ ? server_->listener().port() : std::uint16_t{0};
    }

    /// How many clients were not accepted: those that are not allowed, sent no greeting or a wrong one, left or were killed
    /// while they joined.
    std::uint64_t turned_away() const noexcept { return server_ ? server_->turned_away() : 0; }

private:
    template <class, class>
    friend class rpc_server;
    template <class>
    friend struct detail::awaited_acceptor;

    static constexpr std::size_t most_handshakes = 16;
    static constexpr std::chrono::milliseconds longest_silence{2000};  // of one that joins, while others wait for its place
    static constexpr char const* root = requires(endpoint e) { X::sync(e); } ? "/var/tmp" : "/dev/shm";

    acceptor(endpoint const& where, options const& how, listener l)
        : where_(where), how_(how), server_(std::make_unique<server_type>(std::move(l)))
    {
    }

    // What wakes this acceptor. Handshakes that take too long are looked for every now and then.
    struct incoming {
        acceptor& from;

        detail::wake_source arm() const
        {
            return {.descriptor = from.native_handle(),
                    .events = detail::read_events,
                    .file = from.server_ ? from.server_->listener().file() : -1,
                    .again = !from.handshakes_.empty()};
        }
        void disarm() const noexcept {}
    };

    result<connection_type> get(deadline until)
    {
        if (!server_)
            return errc::not_open;
        error_code failed;
        for (bool last = false;;) {
            STRAIT_STEP();
            if (auto c = look())
                return std::move(*c);
            if (failed)
                return failed;
            if (last)
                return until.is_poll() ? errc::empty : errc::timed_out;
            last = until.is_poll() || until.passed();  // a client that has come is accepted even then
            // Handshakes that take too long are looked for every now and then, also without a descriptor for a timer.
            failed = server_->gather(last || handshakes_.empty() ? until : until.capped(longest_silence),
                                    [&](void* tag) { go_on(tag); });
        }
    }

    // A client that has greeted, for another process to go on with; errc::empty when there is none.
    result<detail::pending_connection> pending()
    {
        detail::pending_connection greeted;
        if (!server_->take(greeted)) {
            error_code const failed = server_->gather(deadline::poll(), [](void*) {});
            if (!server_->take(greeted))
                return failed ? failed : make_error_code(errc::empty);
        }
        return greeted;
    }

    // A client that has joined, if there is one. Drops those that take too long, and begins with those that have
    // greeted. When more wish to join than may be, the oldest goes if it has been silent for a while: a client that
    // behaves takes its step as soon as it was answered.
    std::optional<connection_type> look()
    {
        std::erase_if(handshakes_, [&](auto const& h) {
            if (!h->is_late())
                return false;
            server_->count_turned_away();
            return true;
        });
        detail::pending_connection pending;
        while (ready_.empty() && has_place() && server_->take(pending)) {
            STRAIT_STEP();
            auto h = std::make_unique<server_handshake>(std::move(pending));
            switch (h->begin(where_, how_)) {
            case progress::failed: server_->count_turned_away(); break;
            case progress::complete: complete(*h); break;
            case progress::waits:
                if (server_->watch(h->fd(), h.get()))
                    server_->count_turned_away();
                else
                    handshakes_.push_back(std::move(h));
            }
        }
        if (!handshakes_.empty())
            server_->remind(server_->has_greeted() ? std::chrono::nanoseconds(longest_silence) : detail::handshake_timeout);
        if (ready_.empty())
            return std::nullopt;
        std::optional<connection_type> c(std::move(ready_.back()));
        ready_.pop_back();
        return c;
    }

    // Whether another client may begin to join.
    bool has_place()
    {
        if (handshakes_.size() >= most_handshakes && server_->has_greeted() &&
            handshakes_.front()->age() > std::chrono::nanoseconds(longest_silence).count())
            drop_oldest();
        return handshakes_.size() < most_handshakes;
    }

    // What the oldest client has said by now counts; else it goes.
    void drop_oldest()
    {
        void* const oldest = handshakes_.front().get();
        go_on(oldest);
        if (!handshakes_.empty() && handshakes_.front().get() == oldest) {
            server_->count_turned_away();
            handshakes_.erase(handshakes_.begin());
        }
    }

    // The client of the handshake at `tag` may have sent something.
    void go_on(void* tag)
    {
        auto const h =
            std::find_if(handshakes_.begin(), handshakes_.end(), [tag](auto const& known) { return known.get() == tag; });
        if (h == handshakes_.end())
            return;
        progress const p = (*h)->step();
        if (p == progress::waits)
            return;
        if (p == progress::complete)
            complete(**h);
        else
            server_->count_turned_away();
        handshakes_.erase(h);
    }

    void complete(server_handshake& h)
    {
        if (auto ends = h.take())
            ready_.push_back(connection_type(std::move(*ends)));
        else
            server_->count_turned_away();
    }

    using server_type = detail::handshake_server<rendezvous::both, listener>;

    endpoint where_;
    options how_;
    std::unique_ptr<server_type> server_;
    std::vector<std::unique_ptr<server_handshake>> handshakes_;
    std::vector<connection_type> ready_;
};

}  // namespace strait

#endif
