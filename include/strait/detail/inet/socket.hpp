// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_SOCKET_HPP
#define STRAIT_DETAIL_INET_SOCKET_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/peer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace strait::detail {

// The options of a socket.
struct inet_settings {
    std::size_t capacity = 0;
    int keep_alive_seconds = 0;
    int user_timeout_milliseconds = 0;
};

inline void set_option(int fd, int level, int name, int value) noexcept { ::setsockopt(fd, level, name, &value, sizeof value); }

inline void configure_connection(int fd, inet_settings const& s) noexcept
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (s.keep_alive_seconds > 0) {
        set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, s.keep_alive_seconds);
        set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, s.keep_alive_seconds / 3));
        set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    }
    if (s.user_timeout_milliseconds > 0)
        set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, s.user_timeout_milliseconds);
}

inline void configure_buffers(int fd, inet_settings const& s) noexcept
{
    if (s.capacity != 0) {
        int const bytes = static_cast<int>(std::min<std::size_t>(s.capacity, std::size_t{1} << 30));
        set_option(fd, SOL_SOCKET, SO_SNDBUF, bytes);
        set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);
    }
}

struct inet_address {
    ::sockaddr_storage storage = {};
    ::socklen_t size = 0;

    ::sockaddr const* get() const noexcept { return reinterpret_cast<::sockaddr const*>(&storage); }
    ::sockaddr* get() noexcept { return reinterpret_cast<::sockaddr*>(&storage); }
    int family() const noexcept { return storage.ss_family; }

    std::uint16_t port() const noexcept
    {
        if (family() == AF_INET6)
            return ntohs(reinterpret_cast<::sockaddr_in6 const&>(storage).sin6_port);
        return ntohs(reinterpret_cast<::sockaddr_in const&>(storage).sin_port);
    }

    static inet_address loopback(int family, std::uint16_t port) noexcept
    {
        inet_address a;
        if (family == AF_INET6) {
            auto& v6 = reinterpret_cast<::sockaddr_in6&>(a.storage);
            v6.sin6_family = AF_INET6;
            v6.sin6_addr = IN6ADDR_LOOPBACK_INIT;
            v6.sin6_port = htons(port);
            a.size = sizeof v6;
        }
        else {
            auto& v4 = reinterpret_cast<::sockaddr_in&>(a.storage);
            v4.sin_family = AF_INET;
            v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            v4.sin_port = htons(port);
            a.size = sizeof v4;
        }
        return a;
    }

    // The address of this socket, or of its peer.
    static inet_address of(int fd, bool peer = false) noexcept
    {
        inet_address a;
        a.size = sizeof a.storage;
        if ((peer ? ::getpeername : ::getsockname)(fd, a.get(), &a.size) != 0)
            a.size = 0;
        return a;
    }

    friend bool operator==(inet_address const& a, inet_address const& b) noexcept
    {
        return a.size == b.size && std::memcmp(&a.storage, &b.storage, a.size) == 0;
    }
};

// Asks the resolver, which may wait for the network: literals do not. An empty host is every interface to listen on, and
// the loopback to connect to. A name may have several addresses, to be tried in this order.
inline result<std::vector<inet_address>> resolve(endpoint const& where, bool passive)
{
    ::addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
    ::addrinfo* list = nullptr;
    std::string const port = std::to_string(where.port());
    if (::getaddrinfo(where.host().empty() ? nullptr : where.host().c_str(), port.c_str(), &hints, &list) != 0)
        return errc::address_unavailable;
    std::unique_ptr<::addrinfo, void (*)(::addrinfo*)> const owned(list, ::freeaddrinfo);
    std::vector<inet_address> all;
    for (::addrinfo const* i = list; i; i = i->ai_next)
        if (i->ai_addrlen <= sizeof(::sockaddr_storage)) {
            inet_address& a = all.emplace_back();
            std::memcpy(&a.storage, i->ai_addr, i->ai_addrlen);
            a.size = i->ai_addrlen;
        }
    // Every interface: the IPv6 wildcard takes IPv4 too.
    if (passive && where.host().empty())
        std::stable_partition(all.begin(), all.end(), [](inet_address const& a) { return a.family() == AF_INET6; });
    if (all.empty())
        return errc::address_unavailable;
    return all;
}

// Why no receiver was reached.
inline error_code refused(int number) noexcept
{
    switch (number) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EAGAIN: return errc::no_receiver;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EINVAL: return errc::address_unavailable;
    default: return system_failure(number);
    }
}

// Makes one connection without waiting.
class tcp_dialer {
public:
    // no_receiver: no receiver listens there, or the handshake is still under way.
    result<descriptor> attempt(inet_address const& to, inet_settings const& settings, stream_cookie const& = {})
    {
        if (!trying_) {
            descriptor s(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            if (!s)
                return refused(errno);
            configure_buffers(s.get(), settings);
            configure_connection(s.get(), settings);
            if (uninterrupted([&] { return ::connect(s.get(), to.get(), to.size); }) != 0 && errno != EINPROGRESS)
                return refused(errno);
            trying_ = guarded_descriptor(std::move(s));
        }
        if (!wait_descriptor(trying_.get(), POLLOUT, deadline::poll()))
            return errc::no_receiver;
        int failed = 0;
        ::socklen_t size = sizeof failed;
        ::getsockopt(trying_.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
        descriptor s = trying_.release();
        if (failed != 0)
            return refused(failed);
        // The kernel may pick a port on which no receiver listens as our own: then we have reached ourselves.
        if (inet_address::of(s.get()) == inet_address::of(s.get(), true))
            return errc::no_receiver;
        return s;
    }

    bool is_trying() const noexcept { return static_cast<bool>(trying_); }

    // Waits until the handshake under way is over.
    void wait(deadline until) const { (void)wait_descriptor(trying_.get(), POLLOUT, until); }

private:
    guarded_descriptor trying_;
};

// A socket bound to this address. Of type SOCK_STREAM: it listens; of SOCK_DGRAM: no other socket has that port.
inline result<descriptor> inet_listen(inet_address const& at, int type, inet_settings const& settings)
{
    descriptor s(::socket(at.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!s)
        return errno == EAFNOSUPPORT ? make_error_code(errc::address_unavailable) : last_failure();
    if (type == SOCK_STREAM)
        set_option(s.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (at.family() == AF_INET6)
        set_option(s.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
    configure_buffers(s.get(), settings);
    if (::bind(s.get(), at.get(), at.size) != 0 || (type == SOCK_STREAM && ::listen(s.get(), SOMAXCONN) != 0)) {
        if (errno == EADDRINUSE)
            return errc::busy;
        if (errno == EADDRNOTAVAIL || errno == EACCES || errno == EINVAL)
            return errc::address_unavailable;
        return last_failure();
    }
    return s;
}

inline result<descriptor> tcp_accept(int fd, inet_settings const& settings)
{
    descriptor s(uninterrupted([&] { return ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC); }));
    if (!s) {
        // The errors of a connection that broke before it was taken are those of accept (accept(2)).
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            return system_failure(errno == ENOBUFS ? ENOMEM : errno);
        return errc::empty;
    }
    configure_connection(s.get(), settings);
    return s;
}

}  // namespace strait::detail

#endif
