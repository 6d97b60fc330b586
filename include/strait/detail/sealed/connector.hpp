// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SEALED_CONNECTOR_HPP
#define STRAIT_DETAIL_SEALED_CONNECTOR_HPP

#include <strait/detail/membership/location.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/fork_guard.hpp>
#include <strait/detail/os/timespec.hpp>
#include <strait/detail/socket/connector.hpp>
#include <strait/detail/unix_socket/connector.hpp>
#include <strait/detail/unix_socket/listener.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

namespace strait::detail {

// Connects a sender to the socket of its receiver, and touches nothing else that the receiver, or another user, can write: a
// control file that both had mapped could be truncated by either.
class sealed_connector : public plain_transmission {
public:
    // Of a socket that is connected from the beginning: attempt() finds no other receiver.
    sealed_connector() = default;
    sealed_connector(location where, peer_predicate accept) : where_(std::move(where)), dialer_({}, std::move(accept)), named_(true) {}

    result<descriptor> attempt()
    {
        if (!named_)
            return errc::no_receiver;
        auto socket = dialer_.dial(where_, where_.access(), true);
        if (socket)
            pause_ = std::chrono::milliseconds(1);
        return socket;
    }

    // Nothing says when a receiver begins to listen.
    void pause(deadline until)
    {
        auto const d = until.capped(pause_);
        pause_ = std::min(2 * pause_, std::chrono::milliseconds(50));
        ::timespec const t = to_timespec(nanoseconds_left(d));
        ::nanosleep(&t, nullptr);
    }

    // The greeting leaves together with the descriptor of the sender's memory, which sealed_sender sends.
    static bool greets() noexcept { return false; }
    static void say_end(int, std::uint64_t) noexcept {}

    static bool is_trying() noexcept { return false; }
    static stream_cookie cookie() noexcept { return {}; }
    static int file() noexcept { return -1; }
    static bool is_removed(bool) noexcept { return false; }
    static bool has_lost_receiver() noexcept { return false; }
    static void count_in() noexcept {}
    static bool receiver_gone() noexcept { return false; }  // the socket says so
    bool usable() const noexcept { return !mark_.is_inherited(); }
    static errc missing() noexcept { return errc::inherited_handle; }
    static void leave(deadline) noexcept {}

    // Its receiver's name is removed on purpose: no other one comes.
    void forget_name() noexcept { named_ = false; }

private:
    location where_;
    unix_dialer dialer_;
    std::chrono::milliseconds pause_{1};
    bool named_ = false;
    fork_mark mark_;
};
static_assert(connector<sealed_connector>);

// Where senders of sealed memory connect. The control file is for the receivers alone, who belong to one user: it says nothing
// of senders.
class sealed_listener : public unix_listener {
public:
    using unix_listener::unix_listener;

    static constexpr bool has_control_file() noexcept { return false; }

    // Its name is removed on purpose, since its only sender has connected.
    void forget_name() noexcept { forgotten_ = true; }
    bool is_removed(bool slept) const noexcept { return !forgotten_ && unix_listener::is_removed(slept); }

private:
    bool forgotten_ = false;
};
static_assert(listener<sealed_listener>);

}  // namespace strait::detail

#endif
