// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_UDP_CONNECTOR_HPP
#define STRAIT_DETAIL_INET_UDP_CONNECTOR_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/inet/connector.hpp>
#include <strait/detail/inet/udp_protocol.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

namespace strait::detail {

// Finds out whether anybody listens there by a hello: on this host the kernel tells at once if nobody does; from another
// host the answer, if any, comes back with a later operation.
class udp_dialer {
public:
    explicit udp_dialer(message_layout const& layout = {}) : trailer_(udp_trailer::of(layout)) {}

    result<descriptor> attempt(tcp_address const& to, tcp_settings const&, stream_cookie const& cookie)
    {
        descriptor s(::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!s)
            return refused(errno);
        if (::connect(s.get(), to.get(), to.size) != 0)
            return refused(errno);
        // A port nobody listens on may be picked as our own: then we would reach ourselves.
        if (tcp_address::of(s.get()) == tcp_address::of(s.get(), true))
            return errc::no_receiver;
        if (::getrandom(&trailer_.stream, sizeof trailer_.stream, 0) != static_cast<::ssize_t>(sizeof trailer_.stream))
            return last_failure();
        trailer_.cookie = cookie[0];
        trailer_.datagram = trailer_.first = trailer_.count = 0;
        trailer_.kind = udp_trailer::hello;
        if (::send(s.get(), &trailer_, sizeof trailer_, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            return refused(errno);
        int failed = 0;
        ::socklen_t size = sizeof failed;
        ::getsockopt(s.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
        if (failed != 0)
            return refused(failed);
        frames_ = frames_on_the_path(s.get(), to.family());
        return s;
    }

    bool is_trying() const noexcept { return false; }
    void wait(deadline) const noexcept {}

    udp_trailer& trailer() noexcept { return trailer_; }
    std::size_t frames() const noexcept { return frames_; }

private:
    // Bytes of frames in a datagram that need not be cut on its way, as far as is known.
    static std::size_t frames_on_the_path(int fd, int family) noexcept
    {
        bool const v6 = family == AF_INET6;
        int mtu = 0;
        ::socklen_t size = sizeof mtu;
        if (::getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu, &size) != 0)
            return udp_largest_frames;
        std::size_t const headers = (v6 ? 40 : 20) + 8;
        std::size_t const least = headers + sizeof(udp_trailer) + 512;  // every host takes as much (RFC 1122)
        std::size_t const bytes = std::max<std::size_t>(least, static_cast<std::size_t>(std::max(0, mtu))) - headers;
        return std::min(udp_largest_frames, (bytes - sizeof(udp_trailer)) / 8 * 8);
    }

    udp_trailer trailer_;
    std::size_t frames_ = udp_largest_frames;
};

class udp_connector : public inet_connector<udp_dialer> {
    using base = inet_connector<udp_dialer>;

public:
    udp_connector(message_layout const& layout, tcp_name name) : base(std::move(name), {}), fixed_size_(layout.fixed_size)
    {
        dialer() = udp_dialer(layout);
    }
    udp_connector(message_layout const& layout, std::vector<tcp_address> to)
        : base(std::move(to), {}), fixed_size_(layout.fixed_size)
    {
        dialer() = udp_dialer(layout);
    }

    result<descriptor> attempt()
    {
        rejected_ = errc::no_receiver;
        before_ = unknown;
        return base::attempt();
    }

    bool greets() const noexcept { return false; }

    // Bytes of frames that leave in one datagram, unless a message is longer.
    std::size_t chunk() const noexcept { return dialer().frames(); }

    // All that is in the buffer, which has room for the trailer. `sent`: messages that went before, to whomever.
    ::ssize_t transmit(int fd, stream_buffer& buffer, std::uint64_t sent) noexcept
    {
        if (is_outdated()) [[unlikely]] {
            errno = ECONNREFUSED;
            return -1;
        }
        udp_trailer& t = dialer().trailer();
        if (before_ == unknown)
            before_ = sent;
        t.first = sent - before_;
        t.count = count(buffer);
        t.kind = stream_frame::data;
        ++t.datagram;
        std::memcpy(buffer.data() + buffer.end, &t, sizeof t);
        auto const n = ::send(fd, buffer.data() + buffer.begin, buffer.size() + sizeof t, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) [[unlikely]] {
            --t.datagram;
            return n;
        }
        // A system call that says nothing as a rule: seldom, but soon.
        if ((t.datagram < 8 || t.datagram % 64 == 0) && is_told(fd)) {
            errno = EPROTO;
            return -1;
        }
        return n - static_cast<::ssize_t>(sizeof t);
    }

    // Counts what may have been lost at the end of the stream.
    void goodbye(int fd, std::uint64_t sent) noexcept
    {
        udp_trailer& t = dialer().trailer();
        t.first = before_ == unknown ? 0 : sent - before_;
        t.count = 0;
        t.kind = stream_frame::end;
        ++t.datagram;
        (void)!::send(fd, &t, sizeof t, MSG_NOSIGNAL | MSG_DONTWAIT);
    }

    errc rejected(int fd) noexcept
    {
        if (rejected_ == errc::no_receiver)
            (void)is_told(fd);
        return rejected_;
    }

private:
    static constexpr std::uint64_t unknown = ~std::uint64_t{0};

    // That it wants nothing of us, or, by the kernel, that it is not there.
    [[gnu::noinline, gnu::cold]] bool is_told(int fd) noexcept
    {
        udp_rejection r;
        for (int answers = 0; answers != 16; ++answers) {
            auto const n = ::recv(fd, &r, sizeof r, MSG_DONTWAIT);
            if (n < 0)
                return errno != EAGAIN && errno != EINTR;
            if (n == static_cast<::ssize_t>(sizeof r) && r.stream == dialer().trailer().stream) {
                rejected_ = r.said.reason();
                return true;
            }
        }
        return false;
    }

    std::uint32_t count(stream_buffer const& buffer) const noexcept
    {
        std::size_t n = 0;
        for (std::size_t at = buffer.begin; at != buffer.end;) {
            stream_frame const f = stream_frame::at(buffer.data() + at);
            n += fixed_size_ == 0 ? 1 : f.size / fixed_size_;
            at += stream_frame::bytes(f.size);
        }
        return static_cast<std::uint32_t>(n);
    }

    std::size_t fixed_size_;
    std::uint64_t before_ = unknown;
    errc rejected_ = errc::no_receiver;
};

}  // namespace strait::detail

#endif
