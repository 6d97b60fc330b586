// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_UDP_LISTENER_HPP
#define STRAIT_DETAIL_INET_UDP_LISTENER_HPP

#include <strait/detail/inet/connector.hpp>
#include <strait/detail/inet/udp_protocol.hpp>
#include <strait/detail/inet/udp_streams.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/socket/datagram_receiver.hpp>
#include <strait/stats.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include <sys/socket.h>

namespace strait::detail {

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

    // The control file knows who has left, and who has died; without one there is what the senders have said.
    end_reason senders_gone(bool slept) noexcept
    {
        if (has_control_file())
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
