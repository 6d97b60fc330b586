// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_UDP_CONNECTOR_HPP
#define STRAIT_DETAIL_INET_UDP_CONNECTOR_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/inet/connector.hpp>
#include <strait/detail/inet/udp_parser.hpp>
#include <strait/detail/inet/udp_protocol.hpp>
#include <strait/detail/os/crash_point.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

namespace strait::detail {

// Finds out by a hello whether a receiver listens at an address. On this host the kernel says at once if none does; from
// another host the answer, if any, comes back with a later operation.
class udp_dialer {
public:
    explicit udp_dialer(message_layout const& layout = {}) : numbering_(layout) {}

    result<descriptor> attempt(inet_address const& to, inet_settings const&, stream_cookie const& cookie)
    {
        descriptor s(::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!s)
            return refused(errno);
        if (::connect(s.get(), to.get(), to.size) != 0)
            return refused(errno);
        // The kernel may pick a port on which no one listens as our own: then we would reach ourselves.
        if (inet_address::of(s.get()) == inet_address::of(s.get(), true))
            return errc::no_receiver;
        std::uint64_t stream = 0;
        if (::getrandom(&stream, sizeof stream, 0) != static_cast<::ssize_t>(sizeof stream))
            return last_failure();
        udp_trailer const& hello = numbering_.begin(stream, cookie[0]);
        if (::send(s.get(), &hello, sizeof hello, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
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

    udp_numbering& numbering() noexcept { return numbering_; }
    std::size_t frames() const noexcept { return frames_; }

private:
    // How many bytes of frames a datagram may have that need not be cut on its way, as far as the kernel knows.
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

    udp_numbering numbering_;
    std::size_t frames_ = udp_largest_frames;
};

static_assert(dialer_of_sockets<udp_dialer>);

// Connects a sender to the datagram socket of its receiver. Nothing but the kernel, or an answer, says whether one is there.
class udp_connector : public inet_connector<udp_dialer> {
    using base = inet_connector<udp_dialer>;

public:
    udp_connector(message_layout const& layout, inet_name name) : base(std::move(name), {}) { dialer() = udp_dialer(layout); }
    udp_connector(message_layout const& layout, std::vector<inet_address> to) : base(std::move(to), {})
    {
        dialer() = udp_dialer(layout);
    }

    result<descriptor> attempt()
    {
        rejected_ = errc::no_receiver;
        return base::attempt();
    }

    static bool greets() noexcept { return false; }
    std::size_t chunk() const noexcept { return dialer().frames(); }

    // Sends all that is in the buffer, which has room for the trailer, as one datagram.
    ::ssize_t transmit(int fd, stream_buffer& frames, std::size_t, std::uint64_t sent) noexcept
    {
        if (is_outdated()) [[unlikely]] {
            errno = ECONNREFUSED;
            return -1;
        }
        udp_numbering& numbering = dialer().numbering();
        udp_trailer const& t = numbering.next({frames.data() + frames.begin, frames.size()}, sent);
        std::memcpy(frames.data() + frames.end, &t, sizeof t);
        auto const n = ::send(fd, frames.data() + frames.begin, frames.size() + sizeof t, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) [[unlikely]] {
            numbering.take_back();
            return n;
        }
        // A system call that says nothing as a rule: it is made seldom, but soon.
        std::uint64_t const number = numbering.datagram();
        if ((number < 8 || number % 64 == 0) && is_refused(fd)) {
            errno = EPROTO;
            return -1;
        }
        return n - static_cast<::ssize_t>(sizeof t);
    }

    void say_end(int fd, std::uint64_t sent) noexcept
    {
        udp_trailer const& t = dialer().numbering().end(sent);
        (void)!::send(fd, &t, sizeof t, MSG_NOSIGNAL | MSG_DONTWAIT);
    }

    errc read_rejection(int fd) noexcept
    {
        if (rejected_ == errc::no_receiver)
            (void)is_refused(fd);
        return rejected_;
    }

private:
    // Whether the receiver has refused this stream, or the kernel says that there is no receiver.
    [[gnu::noinline, gnu::cold]] bool is_refused(int fd) noexcept
    {
        std::array<std::byte, sizeof(udp_rejection)> bytes;
        for (int answers = 0; answers != 16; ++answers) {
            STRAIT_STEP();
            auto const n = ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
            if (n < 0)
                return errno != EAGAIN && errno != EINTR;
            if (auto const why = dialer().numbering().rejection_in(std::span(bytes).first(static_cast<std::size_t>(n)))) {
                rejected_ = *why;
                stream_rejection said;
                said.why = static_cast<std::uint32_t>(*why);
                note_rejection(said, {});
                return true;
            }
        }
        return false;
    }

    errc rejected_ = errc::no_receiver;
};
static_assert(connector<udp_connector>);

}  // namespace strait::detail

#endif
