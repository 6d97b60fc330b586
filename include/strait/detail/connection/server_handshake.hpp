// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CONNECTION_SERVER_HANDSHAKE_HPP
#define STRAIT_DETAIL_CONNECTION_SERVER_HANDSHAKE_HPP

#include <strait/detail/connection/rendezvous.hpp>
#include <strait/detail/handshake/channel_name_pair.hpp>
#include <strait/detail/handshake/client.hpp>
#include <strait/detail/handshake/server.hpp>
#include <strait/receiver.hpp>
#include <strait/sender.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <fcntl.h>
#include <poll.h>

namespace strait::detail {

// How long either side waits for the other's next step.
inline constexpr std::chrono::seconds handshake_timeout{10};

// The two ends of one side, before they are a connection.
template <class Out, class In, class X>
struct two_ends {
    sender<Out, X> out;
    receiver<In, X> in;
    peer_identity who;
};

// Both directions of a connected socket: two descriptions of one socket, so that either end can be moved and closed alone.
template <class Out, class In, class X>
result<two_ends<Out, In, X>> ends_over(descriptor socket, peer_identity const& who, typename X::options const& how)
{
    using out_end = typename ends<Out, X>::sender;
    using in_end = typename ends<In, X>::receiver;
    descriptor other(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
    if (!other)
        return last_failure();
    auto in = in_end::over(std::move(other), who, how);
    if (!in)
        return in.error();
    auto out = out_end::over(std::move(socket), who, how);
    if (!out)
        return out.error();
    return two_ends<Out, In, X>{end_access::make<sender<Out, X>>(out_end(std::move(*out)), how.linger),
                                end_access::make<receiver<In, X>>(in_end(std::move(*in)), how.linger), who};
}

template <class X>
typename X::options pair_options(typename X::options how)
{
    how.keep = false;
    return how;
}

// A FIFO is opened by name when it is first written to, and so before that is removed. Its reader is there, or dead.
template <class Out, class X>
error_code connect_now(sender<Out, X>& out)
{
    constexpr std::size_t size = codec<Out>::layout.fixed_size;
    return end_access::of(out).reserve(size != 0 ? size : 1, deadline::poll()).error();
}

template <class Out, class In, class X>
void forget_names(sender<Out, X>& out, receiver<In, X>& in)
{
    if constexpr (requires { end_access::of(out).expect_no_more_peers(); }) {
        end_access::of(out).expect_no_more_peers();
        end_access::of(in).expect_no_more_peers();
    }
}

// The acceptor's side of a guest who has greeted. Nothing here waits for the guest but finish().
template <class Out, class In, class X>
class server_handshake {
public:
    enum class progress : std::uint8_t { waits, complete, failed };

    explicit server_handshake(pending_connection g) : socket_(std::move(g.socket)), who_(g.who), since_(deadline::now()) {}

    // In another process than the one that accepted: what it has is no longer the parent's.
    server_handshake(descriptor socket, peer_identity const& who) : server_handshake(pending_connection{guarded_descriptor(std::move(socket)), who}) {}

    server_handshake(server_handshake const&) = delete;
    server_handshake& operator=(server_handshake const&) = delete;
    ~server_handshake()
    {
        in_.reset();
        out_.reset();
        remove_names();
    }

    int fd() const noexcept { return socket_.get(); }
    bool is_late() const noexcept
    {
        return deadline::now() - since_ > std::chrono::nanoseconds(handshake_timeout).count();
    }

    // An error has been told to the guest.
    progress begin(endpoint const& acceptor, typename X::options const& how)
    {
        handshake_answer welcome;
        if constexpr (!one_socket<X>) {
            how_ = pair_options<X>(how);
            welcome.number = channel_name_pair::draw();
            auto names = channel_name_pair::of(acceptor, welcome.number);
            if (!names)
                return fail(names.error());
            names_ = std::move(*names);
            auto in = receiver<In, X>::open(names_->up(), how_);
            if (!in)
                return fail(in.error());
            in_ = std::move(*in);
        } else {
            how_ = how;
        }
        answer(socket_.get(), welcome);
        return one_socket<X> ? progress::complete : progress::waits;
    }

    // When the guest has said something.
    progress step()
    {
        if constexpr (one_socket<X>)
            return progress::complete;
        unsigned char word = 0;
        std::size_t got = 0;
        error_code const e = receive_all(socket_.get(), std::as_writable_bytes(std::span(&word, 1)), got, deadline::poll());
        if (e)
            return e == errc::timed_out ? progress::waits : progress::failed;
        if (word != handshake_joined)
            return progress::failed;
        auto out = sender<Out, X>::open(names_->down(), how_);
        if (!out || connect_now(*out))
            return progress::failed;
        out_ = std::move(*out);
        remove_names();
        forget_names(*out_, *in_);
        return send_all(socket_.get(), &handshake_complete, 1) ? progress::failed : progress::complete;
    }

    // When that is complete.
    result<two_ends<Out, In, X>> take()
    {
        if constexpr (one_socket<X>)
            return ends_over<Out, In, X>(socket_.release(), who_, how_);
        else
            return two_ends<Out, In, X>{std::move(*out_), std::move(*in_), who_};
    }

    // All of it at once.
    result<two_ends<Out, In, X>> finish(endpoint const& acceptor, typename X::options const& how)
    {
        progress p = begin(acceptor, how);
        while (p == progress::waits && wait_descriptor(fd(), POLLIN, deadline::after(handshake_timeout)))
            p = step();
        if (p != progress::complete)
            return errc::no_receiver;
        return take();
    }

private:
    progress fail(error_code const& why)
    {
        refuse(socket_.get(), why);
        return progress::failed;
    }

    void remove_names() noexcept
    {
        if (!names_ || socket_.is_inherited())
            return;
        (void)X::remove(names_->up());
        (void)X::remove(names_->down());
        names_.reset();
    }

    guarded_descriptor socket_;
    peer_identity who_;
    std::int64_t since_;
    typename X::options how_;
    std::optional<channel_name_pair> names_;
    std::optional<receiver<In, X>> in_;
    std::optional<sender<Out, X>> out_;
};

// The client's side.
template <class Out, class In, class X>
result<two_ends<Out, In, X>> join_name_pair(descriptor const& socket, channel_name_pair const& names, typename X::options const& how)
{
    auto in = receiver<In, X>::open(names.down(), how);
    if (!in)
        return in.error();
    auto out = sender<Out, X>::open(names.up(), how);
    if (!out)
        return out.error();
    if (error_code const e = connect_now(*out))
        return e;
    if (error_code const e = send_all(socket.get(), &handshake_joined, 1))
        return e;
    unsigned char word = 0;
    std::size_t got = 0;
    auto const bytes = std::as_writable_bytes(std::span(&word, 1));
    if (error_code const e = receive_all(socket.get(), bytes, got, deadline::after(handshake_timeout)))
        return e;
    if (word != handshake_complete)
        return errc::untrusted_object;
    forget_names(*out, *in);
    return two_ends<Out, In, X>{std::move(*out), std::move(*in), unix_peer(socket.get())};
}

template <class Out, class In, class X>
result<two_ends<Out, In, X>> join_acceptor(endpoint const& where, typename X::options const& how)
{
    using rendezvous = rendezvous_for<Out, In, X>;
    auto const until = deadline::after(how.connect_timeout);
    auto connector = rendezvous::type::to(where, how);
    if (!connector)
        return connector.error();
    descriptor socket;
    std::uint64_t number = 0;
    {
        handshake_client<rendezvous::both, typename rendezvous::type::connector> caller(std::move(*connector));
        if (error_code const e = caller.call(until, socket, number))
            return e;
    }
    if constexpr (one_socket<X>) {
        auto const who = X::guarantees.crosses_hosts ? peer_identity() : unix_peer(socket.get());
        return ends_over<Out, In, X>(std::move(socket), who, how);
    } else {
        auto const names = channel_name_pair::of(where, number);
        if (!names)
            return names.error();
        auto joined = join_name_pair<Out, In, X>(socket, *names, pair_options<X>(how));
        if (!joined) {  // the acceptor may be dead and leave that to us
            (void)X::remove(names->up());
            (void)X::remove(names->down());
        }
        return joined;
    }
}

}  // namespace strait::detail

#endif
