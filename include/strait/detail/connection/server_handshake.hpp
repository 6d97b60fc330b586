// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CONNECTION_SERVER_HANDSHAKE_HPP
#define STRAIT_DETAIL_CONNECTION_SERVER_HANDSHAKE_HPP

#include <strait/detail/connection/rendezvous.hpp>
#include <strait/detail/handshake/bytes.hpp>
#include <strait/detail/handshake/channel_name_pair.hpp>
#include <strait/detail/handshake/client.hpp>
#include <strait/detail/handshake/parser.hpp>
#include <strait/detail/handshake/protocol.hpp>
#include <strait/detail/handshake/server.hpp>
#include <strait/receiver.hpp>
#include <strait/sender.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace strait::detail {

// How long each side waits for the other's next step.
inline constexpr std::chrono::seconds handshake_timeout{10};

// The two ends of one side, before they are a connection.
template <class Out, class In, class X>
struct two_ends {
    sender<Out, X> out;
    receiver<In, X> in;
    peer_identity who;
};

enum class connecting_side : std::uint8_t { server, client };

// Both directions of a connected socket, by two descriptors of it, so that each end can be moved and closed alone.
// `alone`: only the process `who` has the other side, so it is gone when that has ended.
// Over tcp a message that comes when this side has closed makes the kernel drop what it has not delivered. A client waits until it
// is delivered; a server does not, since clients could hold it up.
template <class Out, class In, class X>
result<two_ends<Out, In, X>> ends_over(descriptor socket, peer_identity const& who, typename X::options const& how,
                                       [[maybe_unused]] connecting_side side, bool alone = true)
{
    using out_end = typename ends<Out, X>::sender;
    using in_end = typename ends<In, X>::receiver;
    descriptor other = second_descriptor(socket);
    if (!other)
        return last_failure();
    auto in = in_end::over(std::move(other), who, how);
    if (!in)
        return in.error();
    auto out = out_end::over(std::move(socket), who, how);
    if (!out)
        return out.error();
    if constexpr (X::guarantees.crosses_hosts)
        if (side == connecting_side::client)
            in->await_delivery();
    if constexpr (requires { out->watch_process(::pid_t()); })
        if (alone && who.pid > 0) {
            in->watch_process(static_cast<::pid_t>(who.pid));
            out->watch_process(static_cast<::pid_t>(who.pid));
        }
    return two_ends<Out, In, X>{end_access::make<sender<Out, X>>(out_end(std::move(*out)), how.linger),
                                end_access::make<receiver<In, X>>(in_end(std::move(*in)), how.linger), who};
}

// The options of the two channels of a connection, which nothing outlives.
template <class X>
typename X::options pair_options(typename X::options how)
{
    how.keep = false;
    return how;
}

// Opens a FIFO by name, which otherwise happens with the first message, before the name is removed. Its reader is there,
// or dead.
template <class Out, class X>
error_code connect_now(sender<Out, X>& out)
{
    constexpr std::size_t size = codec<Out>::layout.fixed_size;
    return end_access::of(out).reserve(size != 0 ? size : 1, deadline::poll()).error();
}

// No other end can come, since the names of both channels are gone.
template <class Out, class In, class X>
void forget_names(sender<Out, X>& out, receiver<In, X>& in)
{
    if constexpr (requires { end_access::of(out).expect_no_more_peers(); }) {
        end_access::of(out).expect_no_more_peers();
        end_access::of(in).expect_no_more_peers();
    }
}

// The acceptor's side of the handshake with a client that has greeted. Only finish() waits for the client.
template <class Out, class In, class X>
class server_handshake {
public:
    using progress = handshake_progress;

    explicit server_handshake(pending_connection c)
        : socket_(std::move(c.socket)), who_(c.who), parser_(c.parser), since_(deadline::now())
    {
    }

    // In another process than the one that accepted the client: the socket belongs to this one.
    server_handshake(descriptor socket, peer_identity const& who)
        : server_handshake(pending_connection{guarded_descriptor(std::move(socket)), who, server_handshake_parser::behind_the_greeting()})
    {
        elsewhere_ = 1;
    }

    server_handshake(server_handshake const&) = delete;
    server_handshake& operator=(server_handshake const&) = delete;
    ~server_handshake()
    {
        in_.reset();
        out_.reset();
        remove_names();
    }

    int fd() const noexcept { return socket_.get(); }
    std::int64_t age() const noexcept { return deadline::now() - since_; }  // in nanoseconds
    bool is_late() const noexcept { return age() > std::chrono::nanoseconds(handshake_timeout).count(); }

    // Answers the greeting. What fails here is said to the client.
    progress begin(endpoint const& acceptor, typename X::options const& how)
    {
        handshake_answer welcome;
        welcome.elsewhere = elsewhere_;
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
        answer_client(socket_.get(), welcome);
        return one_socket<X> ? progress::complete : progress::waits;
    }

    // Goes on, when there is something to read.
    progress step()
    {
        if constexpr (one_socket<X>)
            return progress::complete;
        progress const p = read_step(socket_.get(), parser_, [this] { return parser_.join(); });
        if (p != progress::complete)
            return p;
        auto out = sender<Out, X>::open(names_->down(), how_);
        if (!out || connect_now(*out))
            return progress::failed;
        out_ = std::move(*out);
        remove_names();
        forget_names(*out_, *in_);
        return send_handshake(socket_.get(), &handshake_complete, 1) ? progress::failed : progress::complete;
    }

    // The two ends, when the handshake is complete.
    result<two_ends<Out, In, X>> take()
    {
        if constexpr (one_socket<X>)
            return ends_over<Out, In, X>(socket_.release(), who_, how_, connecting_side::server);
        else
            return two_ends<Out, In, X>{std::move(*out_), std::move(*in_), who_};
    }

    // All steps, waiting for each.
    result<two_ends<Out, In, X>> finish(endpoint const& acceptor, typename X::options const& how)
    {
        progress p = begin(acceptor, how);
        while (p == progress::waits && wait_for_client(fd(), deadline::after(handshake_timeout)))
            p = step();
        if (p != progress::complete)
            return errc::no_receiver;
        return take();
    }

private:
    progress fail(error_code const& why)
    {
        refuse_client(socket_.get(), why);
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
    server_handshake_parser parser_;
    std::int64_t since_;
    std::uint32_t elsewhere_ = 0;  // of the answer
    typename X::options how_;
    std::optional<channel_name_pair> names_;
    std::optional<receiver<In, X>> in_;
    std::optional<sender<Out, X>> out_;
};

// The client's side, behind the answer: joins the two channels.
template <class Out, class In, class X>
result<two_ends<Out, In, X>> join_name_pair(descriptor const& socket, client_handshake_parser& parser, channel_name_pair const& names,
                                            typename X::options const& how)
{
    auto in = receiver<In, X>::open(names.down(), how);
    if (!in)
        return in.error();
    auto out = sender<Out, X>::open(names.up(), how);
    if (!out)
        return out.error();
    if (error_code const e = connect_now(*out))
        return e;
    if (error_code const e = send_handshake(socket.get(), &handshake_joined, 1))
        return e;
    if (error_code const e = hear(socket.get(), parser, deadline::after(handshake_timeout), [&] { return parser.complete(); }))
        return e;
    forget_names(*out, *in);
    return two_ends<Out, In, X>{std::move(*out), std::move(*in), unix_peer(socket.get())};
}

// The client's side: finds an acceptor and connects to it.
template <class Out, class In, class X>
result<two_ends<Out, In, X>> join_acceptor(endpoint const& where, typename X::options const& how)
{
    using rendezvous = rendezvous_for<Out, In, X>;
    auto const until = deadline::after(how.connect_timeout);
    auto connector = rendezvous::type::to(where, how, rendezvous::description::type());
    if (!connector)
        return connector.error();
    descriptor socket;
    client_handshake_parser parser;
    {
        handshake_client<rendezvous::both, typename rendezvous::type::connector> client(std::move(*connector));
        if (error_code const e = client.call(until, socket, parser))
            return e;
    }
    if constexpr (one_socket<X>) {
        auto const who = X::guarantees.crosses_hosts ? peer_identity() : unix_peer(socket.get());
        return ends_over<Out, In, X>(std::move(socket), who, how, connecting_side::client, !parser.is_served_elsewhere());
    } else {
        auto const names = channel_name_pair::of(where, parser.number());
        if (!names)
            return names.error();
        auto joined = join_name_pair<Out, In, X>(socket, parser, *names, pair_options<X>(how));
        if (!joined) {  // the acceptor may be dead, and cannot remove them
            (void)X::remove(names->up());
            (void)X::remove(names->down());
        }
        return joined;
    }
}

}  // namespace strait::detail

#endif
