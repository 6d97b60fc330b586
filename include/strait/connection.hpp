// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_CONNECTION_HPP
#define STRAIT_CONNECTION_HPP

#include <strait/detail/connection/server_handshake.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/peer.hpp>
#include <strait/receiver.hpp>
#include <strait/sender.hpp>

#include <utility>

namespace strait {

template <class In, class Out, class X>
class acceptor;

/// Both directions between a client and whoever accepts it: a sender of Out and a receiver of In, with all of their
/// operations.
///
///     strait::connection<question, answer, strait::shm_ring<>> c{"oracle"};
///     c.send({42});
///     std::optional<answer> const a = c.receive();
///
/// Over unix_stream, unix_seqpacket and tcp both directions share one socket, so a client may be behind a NAT. Over
/// shm_ring<spsc> (with any waiting and memory), shm_ring<mpsc> and named_pipe there are two channels that nobody else can
/// join: their names are gone when the constructor returns, and a death leaves nothing behind. Client and acceptor meet at a
/// Unix socket then; names have at most 46 bytes.
///
/// Each direction ends when the other side closes or dies: receive() then returns nullopt, end_reason() tells which; sends
/// report `no_receiver`, where messages lie in a ring once it is full. The two directions are distinct objects: one thread may
/// send while another receives. Waited for as any receiver is: `selector::add(c)`, or `async_receiver{context,
/// std::move(c.in())}` and `async_sender{context, std::move(c.out())}`.
///
/// Over tcp, what is on its way to somebody who closes can take along what he has sent last: let the side that asks close
/// first.
///
/// Distinct objects: safe. Shared objects: unsafe, but for one thread that sends and one that receives. Move only.
template <class Out, class In, class X>
class connection : public sender<Out, X>, public receiver<In, X> {
public:
    using sender_type = sender<Out, X>;       ///< of what goes out
    using receiver_type = receiver<In, X>;    ///< of what comes in
    using transport_type = X;
    using options = typename X::options;

    /// Waits up to options.connect_timeout, and at least a second, for an acceptor to come and to take us. Throws
    /// `no_receiver` when none has come, `timed_out` when it takes nobody, `type_mismatch` when it has other types,
    /// `transport_mismatch`, `untrusted_object`, or what limit of the system was met, here or there.
    explicit connection(endpoint const& where, options const& how = {})
        : connection(detail::join_acceptor<Out, In, X>(where, how).value())
    {
    }

    connection(connection&&) = default;

    /// Closes first.
    connection& operator=(connection&& other)
    {
        if (this != &other) {
            (void)close();
            out() = std::move(other.out());
            in() = std::move(other.in());
            who_ = other.who_;
        }
        return *this;
    }
    ~connection() { (void)close(); }

    /// The same as constructing one, without exceptions.
    static result<connection> open(endpoint const& where, options const& how = {})
    {
        auto joined = detail::join_acceptor<Out, In, X>(where, how);
        if (!joined)
            return joined.error();
        return connection(std::move(*joined));
    }

    /// The direction away from here.
    sender_type& out() noexcept { return *this; }
    /// The direction to here.
    receiver_type& in() noexcept { return *this; }

    /// Ends both directions, after waiting up to options.linger for what is still buffered here; an error says that it was
    /// lost. The other side reads what was sent and then sees the end. Idempotent; the destructor does the same silently.
    result<void> close()
    {
        auto sent = out().close();
        auto received = in().close();
        return sent ? received : sent;
    }

    /// Who is at the other end, as the kernel has told while connecting; errc::no_receiver over tcp, where it cannot.
    result<peer_identity> peer() const
    {
        if (who_.pid == 0)
            return errc::no_receiver;
        return who_;
    }

private:
    template <class, class, class>
    friend class acceptor;
    template <class, class>
    friend class rpc_server;

    explicit connection(detail::two_ends<Out, In, X> ends)
        : sender_type(std::move(ends.out)), receiver_type(std::move(ends.in)), who_(ends.who)
    {
    }

    peer_identity who_;
};

}  // namespace strait

#endif
