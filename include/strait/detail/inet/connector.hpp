// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_CONNECTOR_HPP
#define STRAIT_DETAIL_INET_CONNECTOR_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/inet/socket.hpp>
#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/membership.hpp>
#include <strait/detail/membership/sender_watch.hpp>
#include <strait/detail/os/timespec.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <sys/random.h>

namespace strait::detail {

// What is sent lies in the kernel, in sockets that have no name on the host.
struct tcp_mechanism : no_backing_object {};
static_assert(backing_object<tcp_mechanism>);

// A channel over tcp or udp that has a name: its control file says at which port of the loopback the receiver listens, and holds a
// number that only this user can read and that every sender must show, since any user can reach the port.
class tcp_name {
public:
    tcp_name(participant member, location where) : member_(std::move(member)), where_(std::move(where)) {}

    struct listening {
        tcp_address at;
        stream_cookie cookie;
    };

    // mechanism[0]: port, and 65536 for IPv6, 0 for none; written last. [1], [2]: the cookie.
    void publish(tcp_address const& at, stream_cookie const& cookie) const noexcept
    {
        auto& words = member_.block().mechanism;
        words[1].store(cookie[0], std::memory_order_release);  // after withdraw(); pairs with find()
        words[2].store(cookie[1], std::memory_order_release);
        words[0].store(word_of(at), std::memory_order_release);
        member_.signal();
    }

    // That receiver is still the one to send to, for all that is written there.
    bool is_at(tcp_address const& at, stream_cookie const& cookie) const noexcept
    {
        auto const& words = member_.block().mechanism;
        return words[0].load(std::memory_order_relaxed) == word_of(at) && words[1].load(std::memory_order_relaxed) == cookie[0];
    }

    void withdraw() const noexcept { member_.block().mechanism[0].store(0, std::memory_order_release); }  // pairs with find()

    std::optional<listening> find() noexcept
    {
        seen_ = member_.event();  // before looking: who comes after this wakes pause()
        auto& words = member_.block().mechanism;
        std::uint64_t const port = words[0].load(std::memory_order_acquire);  // pairs with publish()
        stream_cookie const cookie{words[1].load(std::memory_order_acquire), words[2].load(std::memory_order_acquire)};
        // Read again: a cookie of the next receiver must not be shown to whoever has the port of the last one. A new
        // cookie is seen only after the withdrawal before it.
        if ((port & 0xffff) == 0 || words[0].load(std::memory_order_relaxed) != port || !member_.any_alive(role::receiver))
            return std::nullopt;
        return listening{tcp_address::loopback(port & 0x10000 ? AF_INET6 : AF_INET, static_cast<std::uint16_t>(port)), cookie};
    }

    void pause(deadline until) const noexcept { member_.wait_event(seen_, until); }
    participant const& member() const noexcept { return member_; }
    void leave(deadline until) noexcept
    {
        tcp_mechanism m;
        membership<tcp_mechanism>::leave(member_, where_, m, until);
    }

private:
    static std::uint64_t word_of(tcp_address const& at) noexcept
    {
        return at.port() | (at.family() == AF_INET6 ? 0x10000U : 0U);
    }

    participant member_;
    location where_;
    std::uint32_t seen_ = 0;
};

// A Dialer makes the sockets:
//   result<descriptor> attempt(address, settings, cookie)   one try, without waiting
//   bool is_trying() const, void wait(deadline) const       a handshake is under way
template <class Dialer>
class inet_connector {
public:
    inet_connector(tcp_name name, tcp_settings const& settings) : name_(std::move(name)), settings_(settings) {}
    // To nobody, when `to` is empty: of a socket that is connected already.
    inet_connector(std::vector<tcp_address> to, tcp_settings const& settings) : to_(std::move(to)), settings_(settings) {}

    result<descriptor> attempt()
    {
        if (name_ && !dialer_.is_trying()) {
            auto const found = name_->find();
            if (!found)
                return errc::no_receiver;
            to_.assign(1, found->at);
            cookie_ = found->cookie;
        }
        // Each address of a name in turn; a refusal by one of them says that the others may be good later.
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
            // Nothing tells when somebody begins to listen.
            auto const d = until.capped(pause_);
            pause_ = std::min(2 * pause_, std::chrono::milliseconds(50));
            ::timespec const t = to_timespec(nanoseconds_left(d));
            ::nanosleep(&t, nullptr);
        }
    }

    bool is_trying() const noexcept { return dialer_.is_trying(); }
    int file() const noexcept { return name_ ? name_->member().fd() : -1; }
    stream_cookie cookie() const noexcept { return cookie_; }
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

    // Of a name: another receiver has come since, or this one has left.
    bool is_outdated() const noexcept { return name_ && !name_->is_at(to_.front(), cookie_); }

private:
    std::optional<tcp_name> name_;
    std::vector<tcp_address> to_;
    std::size_t next_ = 0;
    Dialer dialer_;
    tcp_settings settings_;
    stream_cookie cookie_{};
    std::chrono::milliseconds pause_{1};
    fork_mark mark_;
};

using tcp_connector = inet_connector<tcp_dialer>;

// With a socket of this type.
template <int Type>
class inet_listener {
public:
    static result<inet_listener> open(tcp_name name, tcp_settings const& settings)
    {
        inet_listener l(settings);
        l.name_.emplace(std::move(name));
        l.name_->withdraw();  // a killed receiver left its port there, which may be anybody's now
        auto done = [&]() -> result<void> {
            if (::getrandom(l.cookie_.data(), sizeof l.cookie_, 0) != static_cast<::ssize_t>(sizeof l.cookie_))
                return last_failure();
            auto s = inet_listen(tcp_address::loopback(AF_INET, 0), Type, settings);
            if (!s)
                s = inet_listen(tcp_address::loopback(AF_INET6, 0), Type, settings);
            if (!s)
                return s.error();
            l.socket_ = guarded_descriptor(std::move(*s));
            return {};
        }();
        if (!done) {
            l.leave(deadline::after(std::chrono::seconds(5)));
            return done.error();
        }
        l.name_->publish(tcp_address::of(l.fd()), l.cookie_);
        return l;
    }

    // At the first of these addresses that this host has.
    static result<inet_listener> open(std::vector<tcp_address> const& all, tcp_settings const& settings)
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
    std::uint16_t port() const noexcept { return tcp_address::of(socket_.get()).port(); }

    result<std::pair<descriptor, peer_identity>> accept() const
    {
        auto s = tcp_accept(socket_.get(), settings_);
        if (!s)
            return s.error();
        return std::pair(std::move(*s), peer_identity());
    }

    bool has_control_file() const noexcept { return name_.has_value(); }
    participant const& member() const noexcept { return name_->member(); }  // of its control file
    int file() const noexcept { return name_ ? name_->member().fd() : -1; }
    end_reason senders_gone(bool slept) noexcept
    {
        return watch_.gone(name_->member(), deadline::now(), slept, sender_watch::when_polled);
    }
    stream_cookie cookie() const noexcept { return cookie_; }
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

    // Nowhere, until open() has made more of it: for a socket that is connected already.
    explicit inet_listener(tcp_settings const& settings) : settings_(settings) {}

private:
    std::optional<tcp_name> name_;
    guarded_descriptor socket_;
    tcp_settings settings_;
    stream_cookie cookie_{};
    sender_watch watch_;
    bool left_ = false;
};

using tcp_listener = inet_listener<SOCK_STREAM>;

}  // namespace strait::detail

#endif
