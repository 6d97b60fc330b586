// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UDP_ENDS_HPP
#define STRAIT_DETAIL_UDP_ENDS_HPP

#include <strait/detail/datagram_receiver.hpp>
#include <strait/detail/read_ahead.hpp>
#include <strait/detail/stream_buffer.hpp>
#include <strait/detail/tcp_ends.hpp>
#include <strait/detail/udp_streams.hpp>
#include <strait/detail/udp_wire.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
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

class udp_listener : public inet_listener<SOCK_DGRAM> {
    using base = inet_listener<SOCK_DGRAM>;

public:
    udp_listener(message_layout const& layout, base b) : base(std::move(b)), wanted_(udp_trailer::of(layout))
    {
        wanted_.cookie = cookie()[0];
    }

    bool start() noexcept { return streams_.start(); }

    // No datagram is longer.
    static constexpr std::size_t packet() noexcept { return std::numeric_limits<std::uint16_t>::max(); }

    // The companion knows who has left, and who has died; without one there is what the senders have said.
    end_reason senders_gone(bool slept) noexcept
    {
        if (has_companion())
            return base::senders_gone(slept);
        return streams_.all_ended() ? end_reason::left : end_reason::none;
    }

    datagram_outcome receive(read_ahead& to, channel_stats& stats) noexcept
    {
        for (int others = 0; others != most_others; ++others) {
            tcp_address from;
            from.size = sizeof from.storage;
            auto const n = ::recvfrom(fd(), to.data(), to.size, MSG_DONTWAIT | MSG_TRUNC, answers_ ? from.get() : nullptr,
                                      answers_ ? &from.size : nullptr);
            if (n < 0)
                return errno == EAGAIN || errno == EINTR ? datagram_outcome::nothing : datagram_outcome::failure;
            auto const size = static_cast<std::size_t>(n);
            if (size < sizeof(udp_trailer) || size > to.size) {
                ++stats.dropped;
                continue;
            }
            std::size_t const frames = size - sizeof(udp_trailer);
            udp_trailer const t = udp_trailer::at(to.data() + frames);
            if (error_code const why = t.check(wanted_)) [[unlikely]] {
                ++stats.dropped;
                if (why != errc::untrusted_object)
                    answer(from, t, why);
                continue;
            }
            bool const is_new = streams_.see(t, stats);
            if (t.kind == stream_frame::end) {
                streams_.end(t);
                return datagram_outcome::end;
            }
            if (!is_new || t.kind == udp_trailer::hello)
                continue;
            to.at = 0;
            to.have = t.kind == stream_frame::data ? frames : 0;  // which nobody sends, and is malformed
            return datagram_outcome::datagram;
        }
        return datagram_outcome::nothing;
    }

private:
    // Then the caller looks at its clock.
    static constexpr int most_others = 1024;

    // From now on it costs a little to know who has sent a datagram; the next one of a kind is answered.
    [[gnu::noinline, gnu::cold]] void answer(tcp_address const& to, udp_trailer const& t, error_code const& why) noexcept
    {
        if (answers_) {
            udp_rejection r{{}, t.stream};
            r.said.why = static_cast<std::uint32_t>(why.value());
            (void)!::sendto(fd(), &r, sizeof r, MSG_NOSIGNAL | MSG_DONTWAIT, to.get(), to.size);
        }
        answers_ = true;
    }

    udp_trailer wanted_;
    udp_streams streams_;
    bool answers_ = false;
};

}  // namespace strait::detail

#endif
