// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_LISTENER_HPP
#define STRAIT_DETAIL_INET_LISTENER_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/inet/name.hpp>
#include <strait/detail/inet/socket.hpp>
#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/socket/listener.hpp>
#include <strait/peer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <sys/random.h>
#include <sys/socket.h>

namespace strait::detail {

// A socket of the type SOCK_STREAM or SOCK_DGRAM at an address, or at a port of the loopback that a control file publishes.
template <int Type>
class inet_listener {
public:
    static result<inet_listener> open(inet_name name, inet_settings const& settings)
    {
        inet_listener l(settings);
        l.name_.emplace(std::move(name));
        l.name_->withdraw();  // a killed receiver has left its port there, which may be a stranger's now
        auto done = [&]() -> result<void> {
            if (::getrandom(l.cookie_.data(), sizeof l.cookie_, 0) != static_cast<::ssize_t>(sizeof l.cookie_))
                return last_failure();
            auto s = inet_listen(inet_address::loopback(AF_INET, 0), Type, settings);
            if (!s)
                s = inet_listen(inet_address::loopback(AF_INET6, 0), Type, settings);
            if (!s)
                return s.error();
            l.socket_ = guarded_descriptor(std::move(*s));
            return {};
        }();
        if (!done) {
            l.leave(deadline::after(std::chrono::seconds(5)));
            return done.error();
        }
        l.name_->publish(inet_address::of(l.fd()), l.cookie_);
        return l;
    }

    // At the first of these addresses that this host has.
    static result<inet_listener> open(std::vector<inet_address> const& all, inet_settings const& settings)
    {
        result<descriptor> s = errc::address_unavailable;
        for (auto at = all.begin(); at != all.end() && !s && s.error() == errc::address_unavailable; ++at)
            s = inet_listen(*at, Type, settings);
        if (!s)
            return s.error();
        inet_listener l(settings);
        l.socket_ = guarded_descriptor(std::move(*s));
        return l;
    }

    int fd() const noexcept { return socket_.get(); }
    std::uint64_t serial() const noexcept { return socket_.serial(); }
    std::uint16_t port() const noexcept { return inet_address::of(socket_.get()).port(); }

    result<std::pair<descriptor, peer_identity>> accept() const
    {
        auto s = tcp_accept(socket_.get(), settings_);
        if (!s)
            return s.error();
        return std::pair(std::move(*s), peer_identity());
    }

    static constexpr std::size_t packet() noexcept { return 0; }
    static bool admits(peer_identity const&) noexcept { return true; }  // the greeting decides

    bool has_control_file() const noexcept { return name_.has_value(); }
    participant const& member() const noexcept { return name_->member(); }  // where there is a control file
    int file() const noexcept { return name_ ? name_->member().fd() : -1; }
    end_reason senders_gone(bool slept) noexcept
    {
        return watch_.gone(name_->member(), deadline::now(), slept, sender_watch::when_polled);
    }
    stream_cookie cookie() const noexcept { return cookie_; }
    bool is_removed(bool slept) const noexcept { return name_ && name_->member().is_removed(deadline::now(), slept); }
    void count_in() noexcept
    {
        if (name_)
            name_->count_in();
    }
    bool usable() const noexcept { return name_ ? name_->member().is_member() : !socket_.is_inherited() && !left_; }
    errc missing() const noexcept { return name_ ? name_->member().missing() : socket_.missing(); }
    void leave(deadline until) noexcept
    {
        if (!usable())
            return;
        left_ = true;
        socket_.reset();
        if (name_) {
            name_->withdraw();
            name_->leave(until);
        }
    }

    // Listens nowhere: for a socket that is connected already.
    explicit inet_listener(inet_settings const& settings) : settings_(settings) {}

private:
    std::optional<inet_name> name_;
    guarded_descriptor socket_;
    inet_settings settings_;
    stream_cookie cookie_{};
    sender_watch watch_;
    bool left_ = false;
};

using tcp_listener = inet_listener<SOCK_STREAM>;
static_assert(listener<tcp_listener>);

}  // namespace strait::detail

#endif
