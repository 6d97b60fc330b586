// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_STREAM_LINK_HPP
#define STRAIT_DETAIL_SOCKET_STREAM_LINK_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/socket/peer_link.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace strait::detail {

// The connection of a sender whose messages are gone when they have left: greets each receiver that it finds, and reports
// `no_receiver` once for each that it loses.
template <message_layout L, connector Connector>
class stream_link : public peer_link<Connector> {
    using base = peer_link<Connector>;

public:
    stream_link(Connector c, deadline connect_until) : base(std::move(c), connect_until) {}

    // Takes a socket that is connected already, when no other receiver can come. `both_ways`: what can be read from it
    // belongs to a receiver of this process.
    void adopt(descriptor socket, bool both_ways)
    {
        both_ways_ = both_ways;
        base::expect_no_other();
        lost_ = !greet(std::move(socket));
    }

    // Finds a receiver and greets it. no_receiver: the last one has gone and no other is there, or none has come within
    // connect_timeout, or, without waiting, none is there yet. removed. full: without waiting, a handshake is under
    // way. Counts one wait in `waits` if there is one.
    [[gnu::noinline, gnu::cold]] error_code connect(deadline until, std::uint64_t& waits)
    {
        if (error_code const e = base::check())
            return e;
        for (bool first = true;; first = false) {
            STRAIT_STEP();
            auto socket = connector().attempt();
            if (socket) {
                lost_ = false;
                return greet(std::move(*socket)) ? error_code() : make_error_code(errc::no_receiver);
            }
            if (socket.error() != errc::no_receiver)
                return socket.error();
            if (connector().is_removed(!first))
                return errc::removed;
            bool const lost = lost_ || connector().has_lost_receiver();
            if ((lost && !connector().is_trying()) || base::connect_until().passed())
                return errc::no_receiver;
            if (until.is_poll())
                return connector().is_trying() ? errc::full : errc::no_receiver;
            if (until.passed())
                return errc::timed_out;
            waits += first ? 1 : 0;
            connector().pause(std::min(until, base::connect_until()));
        }
    }

    // The first try, when the end is opened: what fails for want of a receiver is tried again by later operations.
    error_code try_connect()
    {
        std::uint64_t none = 0;
        error_code const e = connect(deadline::poll(), none);
        return e == errc::full || e == errc::no_receiver ? error_code() : e;
    }

    // Whether the first receiver may still come.
    bool awaits_receiver() const noexcept { return base::awaits_receiver() && !base::connector().has_lost_receiver(); }

    // The receiver is gone, or refuses what we send: the next operation looks for another one.
    void lose() noexcept
    {
        base::drop_socket();
        lost_ = true;
    }

    // What the receiver has said before it closed; no_receiver when it has said nothing.
    errc read_rejection() noexcept { return both_ways_ ? errc::no_receiver : connector().read_rejection(base::socket().get()); }

    using base::connector;

private:
    bool greet(descriptor socket)
    {
        if (!connector().greets())
            return base::take_over(std::move(socket), {});
        auto const greeting = stream_greeting::of(L, connector().cookie());
        return base::take_over(std::move(socket), std::as_bytes(std::span(&greeting, 1)));
    }

    bool lost_ = false;
    bool both_ways_ = false;
};

}  // namespace strait::detail

#endif
