// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_UDP_LISTENER_HPP
#define STRAIT_DETAIL_INET_UDP_LISTENER_HPP

#include <strait/detail/inet/listener.hpp>
#include <strait/detail/inet/udp_parser.hpp>
#include <strait/detail/inet/udp_protocol.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/socket/listener.hpp>
#include <strait/stats.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include <sys/socket.h>

namespace strait::detail {

// The datagram socket of a receiver, whose datagrams a parser judges.
class udp_listener : public inet_listener<SOCK_DGRAM> {
    using base = inet_listener<SOCK_DGRAM>;

public:
    udp_listener(message_layout const& layout, base b) : base(std::move(b)), parser_(wanted(layout, base::cookie()[0])) {}

    bool start() noexcept { return parser_.start(); }

    // No datagram is longer.
    static constexpr std::size_t packet() noexcept { return std::numeric_limits<std::uint16_t>::max(); }

    // The control file says who has left and who has died. Without one there is what the senders have said.
    end_reason senders_gone(bool slept) noexcept
    {
        if (has_control_file())
            return base::senders_gone(slept);
        return parser_.all_ended() ? end_reason::left : end_reason::none;
    }

    datagram_outcome receive(read_ahead& to, channel_stats& stats) noexcept
    {
        for (int others = 0; others != most_others; ++others) {
            STRAIT_STEP();
            inet_address from;
            from.size = sizeof from.storage;
            auto const n = ::recvfrom(fd(), to.data(), to.size, MSG_DONTWAIT | MSG_TRUNC, answers_ ? from.get() : nullptr,
                                      answers_ ? &from.size : nullptr);
            if (n < 0)
                return errno == EAGAIN || errno == EINTR ? datagram_outcome::nothing : datagram_outcome::failure;
            auto size = static_cast<std::size_t>(n);
            if (size > to.size)
                size = 0;  // it was cut, and so is nothing of ours
            switch (parser_.take({to.data(), size}, stats)) {
            case udp_parser::outcome::frames:
                to.at = 0;
                to.have = parser_.frame_bytes();
                return datagram_outcome::datagram;
            case udp_parser::outcome::end: return datagram_outcome::end;
            case udp_parser::outcome::refused: answer(from); break;
            default: break;
            }
        }
        return datagram_outcome::nothing;
    }

private:
    // How many datagrams without a message are read before the caller looks at its clock.
    static constexpr int most_others = 1024;

    static udp_trailer wanted(message_layout const& layout, std::uint64_t cookie) noexcept
    {
        udp_trailer t = udp_trailer::of(layout);
        t.cookie = cookie;
        return t;
    }

    // From the first refusal on it is asked who has sent each datagram, which costs a little; the next one of a kind is
    // answered.
    [[gnu::noinline, gnu::cold]] void answer(inet_address const& to) noexcept
    {
        udp_rejection const& r = parser_.rejection();
        if (answers_)
            (void)!::sendto(fd(), &r, sizeof r, MSG_NOSIGNAL | MSG_DONTWAIT, to.get(), to.size);
        answers_ = true;
    }

    udp_parser parser_;
    bool answers_ = false;
};
static_assert(datagram_listener<udp_listener>);

}  // namespace strait::detail

#endif
