// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_UDP_STREAMS_HPP
#define STRAIT_DETAIL_INET_UDP_STREAMS_HPP

#include <strait/detail/inet/udp_protocol.hpp>
#include <strait/stats.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace strait::detail {

// What has come of each sender's stream: gaps are counted, and a datagram that comes twice is recognised. The number of
// streams is bounded, since any process that reaches the port can invent some: of more than 1,024 the one that was silent
// for longest is forgotten, and begins anew if something of it comes again.
//
// The window of 64 datagrams is that of RFC 6479, "IPsec Anti-Replay Algorithm without Bit Shifting", with bit shifting.
class udp_streams {
public:
    static constexpr std::size_t most = 1024;

    // Before anything else. False: there is no memory.
    bool start() noexcept
    {
        sets_.reset(new (std::nothrow) set[most / ways]);
        return static_cast<bool>(sets_);
    }

    // Whether this datagram is to be delivered. Messages that are missing before it count as dropped until they come.
    bool see(udp_trailer const& t, channel_stats& stats) noexcept
    {
        stream& s = find(t);
        s.heard = ++clock_;
        if (t.datagram > s.newest) {
            std::uint64_t const step = t.datagram - s.newest;
            s.window = step < 64 ? s.window << step | 1 : 1;
            s.newest = t.datagram;
            if (t.first > s.next) {
                s.missing += t.first - s.next;
                stats.dropped += t.first - s.next;
            }
            s.next = std::max(s.next, t.first + t.count);
            return true;
        }
        std::uint64_t const back = s.newest - t.datagram;
        if (back >= 64 || (s.window >> back & 1) != 0)
            return false;
        s.window |= std::uint64_t{1} << back;
        s.next = std::max(s.next, t.first + t.count);
        std::uint64_t const found = std::min<std::uint64_t>(s.missing, t.count);
        s.missing -= found;
        stats.dropped -= std::min(stats.dropped, found);
        return true;
    }

    // Notes that the sender of this stream has left.
    void end(udp_trailer const& t) noexcept
    {
        stream& s = find(t);
        live_ -= s.live ? 1 : 0;
        s.live = false;
    }

    // Every sender that was heard of has said that it leaves.
    bool all_ended() const noexcept { return clock_ != 0 && live_ == 0; }

private:
    static constexpr std::size_t ways = 4;

    struct stream {
        std::uint64_t id = 0;
        std::uint64_t newest = 0;   // datagram
        std::uint64_t window = 0;   // bit i: the datagram `newest - i` has come
        std::uint64_t next = 0;     // message
        std::uint64_t missing = 0;  // messages that may still come
        std::uint64_t heard = 0;    // by clock_, when the last datagram came; 0: the place is free
        bool live = false;
    };
    using set = std::array<stream, ways>;

    stream& find(udp_trailer const& t) noexcept
    {
        set& places = sets_[t.stream % (most / ways)];
        for (stream& s : places)
            if (s.heard != 0 && s.id == t.stream)
                return s;
        // A stream that has ended gives way before one that is silent.
        stream& s = *std::min_element(places.begin(), places.end(), [](stream const& a, stream const& b) {
            return a.live != b.live ? b.live : a.heard < b.heard;
        });
        live_ += s.live ? 0 : 1;
        // What was sent before the first datagram that comes of it may have been for another receiver.
        s = {t.stream, t.datagram - 1, 0, t.first, 0, ++clock_, true};
        if (t.datagram == 0)
            s.newest = 0;
        return s;
    }

    std::unique_ptr<set[]> sets_;
    std::uint64_t clock_ = 0;
    std::size_t live_ = 0;
};

}  // namespace strait::detail

#endif
