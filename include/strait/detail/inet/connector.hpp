// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_CONNECTOR_HPP
#define STRAIT_DETAIL_INET_CONNECTOR_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/inet/name.hpp>
#include <strait/detail/inet/socket.hpp>
#include <strait/detail/os/fork_guard.hpp>
#include <strait/detail/os/timespec.hpp>
#include <strait/detail/socket/connector.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

namespace strait::detail {

// What makes the sockets of one family of protocols.
//
//   attempt(address, settings, cookie)   one try to connect, without waiting; no_receiver also while a handshake is under way
//   is_trying()                          whether a handshake is under way
//   wait(deadline)                       waits until that handshake is over
template <class D>
concept dialer_of_sockets =
    std::default_initializable<D> &&
    requires(D d, D const& k, inet_address const& to, inet_settings const& how, stream_cookie const& cookie, deadline until) {
        { d.attempt(to, how, cookie) } -> std::same_as<result<descriptor>>;
        { k.is_trying() } -> std::same_as<bool>;
        { k.wait(until) } -> std::same_as<void>;
    };
static_assert(dialer_of_sockets<tcp_dialer>);

// Connects a sender to the receiver at one of several addresses, or at the port that a control file publishes.
template <dialer_of_sockets Dialer>
class inet_connector : public plain_transmission {
public:
    inet_connector(inet_name name, inet_settings const& settings) : name_(std::move(name)), settings_(settings) {}
    // Without addresses it is that of a socket that is connected already: attempt() finds no other receiver.
    inet_connector(std::vector<inet_address> to, inet_settings const& settings) : to_(std::move(to)), settings_(settings) {}

    result<descriptor> attempt()
    {
        if (name_ && !dialer_.is_trying()) {
            auto const found = name_->find();
            if (!found)
                return errc::no_receiver;
            to_.assign(1, found->at);
            cookie_ = found->cookie;
        }
        // Each address of a host name in turn. A refusal by one of them says that the others may be good later.
        error_code why = to_.empty() ? errc::no_receiver : errc::address_unavailable;
        for (std::size_t tried = 0; tried < to_.size(); ++tried) {
            auto socket = dialer_.attempt(to_[next_ % to_.size()], settings_, cookie_);
            if (socket || dialer_.is_trying())
                return socket;
            ++next_;
            if (why == errc::address_unavailable)
                why = socket.error();
        }
        return why;
    }

    void pause(deadline until)
    {
        if (dialer_.is_trying())
            dialer_.wait(until);
        else if (name_)
            name_->pause(until);
        else {
            // Nothing says when a receiver begins to listen.
            auto const d = until.capped(pause_);
            pause_ = std::min(2 * pause_, std::chrono::milliseconds(50));
            ::timespec const t = to_timespec(nanoseconds_left(d));
            ::nanosleep(&t, nullptr);
        }
    }

    bool is_trying() const noexcept { return dialer_.is_trying(); }
    int file() const noexcept { return name_ ? name_->member().fd() : -1; }
    stream_cookie cookie() const noexcept { return cookie_; }
    bool is_removed(bool slept) const noexcept { return name_ && name_->member().is_removed(deadline::now(), slept); }
    bool has_lost_receiver() const noexcept { return name_ && name_->member().has_lost_receiver(); }
    void count_in() noexcept
    {
        if (name_)
            name_->count_in();
    }
    // At an address nothing says so but the socket.
    bool receiver_gone() const noexcept { return is_outdated() || (name_ && !name_->member().any_alive(role::receiver)); }
    bool usable() const noexcept { return name_ ? name_->member().is_member() : !mark_.is_inherited(); }
    errc missing() const noexcept { return name_ ? name_->member().missing() : errc::inherited_handle; }
    void leave(deadline until) noexcept
    {
        if (name_)
            name_->leave(until);
    }

protected:
    Dialer& dialer() noexcept { return dialer_; }
    Dialer const& dialer() const noexcept { return dialer_; }

    // By a name: another receiver has come since, or this one has left.
    bool is_outdated() const noexcept { return name_ && !name_->is_at(to_.front(), cookie_); }

private:
    std::optional<inet_name> name_;
    std::vector<inet_address> to_;
    std::size_t next_ = 0;
    Dialer dialer_;
    inet_settings settings_;
    stream_cookie cookie_{};
    std::chrono::milliseconds pause_{1};
    fork_mark mark_;
};

using tcp_connector = inet_connector<tcp_dialer>;
static_assert(connector<tcp_connector>);

}  // namespace strait::detail

#endif
