// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_UDP_PARSER_HPP
#define STRAIT_DETAIL_INET_UDP_PARSER_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/inet/udp_protocol.hpp>
#include <strait/detail/inet/udp_streams.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/stats.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

// What is decided about datagrams, on bytes alone: there is no socket and no clock in here.
namespace strait::detail {

// Numbers the datagrams of a sender, and understands what a receiver answers.
class udp_numbering {
public:
    explicit udp_numbering(message_layout const& layout = {}) noexcept
        : trailer_(udp_trailer::of(layout)), fixed_size_(layout.fixed_size)
    {
    }

    // Begins a stream of this number, which is random. The hello is its first datagram.
    udp_trailer const& begin(std::uint64_t stream, std::uint64_t cookie) noexcept
    {
        trailer_.stream = stream;
        trailer_.cookie = cookie;
        trailer_.datagram = trailer_.first = trailer_.count = 0;
        trailer_.kind = udp_trailer::hello;
        before_.reset();
        return trailer_;
    }

    // The trailer of a datagram with these frames. `sent`: how many messages the sender has sent before, to all its
    // receivers.
    udp_trailer const& next(std::span<std::byte const> frames, std::uint64_t sent) noexcept
    {
        if (!before_)
            before_ = sent;
        return fill(sent - *before_, count(frames), stream_frame::data);
    }

    // The datagram did not leave: its number goes to the next one.
    void take_back() noexcept { --trailer_.datagram; }

    // The trailer that says that the stream ends behind so many messages, by which the receiver counts what was lost at
    // its end.
    udp_trailer const& end(std::uint64_t sent) noexcept { return fill(before_ ? sent - *before_ : 0, 0, stream_frame::end); }

    std::uint64_t datagram() const noexcept { return trailer_.datagram; }

    // Why the receiver refuses this stream, if these bytes say that.
    std::optional<errc> rejection_in(std::span<std::byte const> bytes) const noexcept
    {
        udp_rejection r;
        if (bytes.size() != sizeof r)
            return std::nullopt;
        std::memcpy(&r, bytes.data(), sizeof r);
        return r.stream == trailer_.stream ? std::optional(r.said.reason()) : std::nullopt;
    }

private:
    udp_trailer const& fill(std::uint64_t first, std::uint32_t messages, std::uint32_t kind) noexcept
    {
        trailer_.first = first;
        trailer_.count = messages;
        trailer_.kind = kind;
        ++trailer_.datagram;
        return trailer_;
    }

    std::uint32_t count(std::span<std::byte const> frames) const noexcept
    {
        std::size_t n = 0;
        for (std::size_t at = 0; at != frames.size();) {
            STRAIT_STEP();
            stream_frame const f = stream_frame::at(frames.data() + at);
            n += fixed_size_ == 0 ? 1 : f.size / fixed_size_;
            at += stream_frame::bytes(f.size);
        }
        return static_cast<std::uint32_t>(n);
    }

    udp_trailer trailer_;
    std::size_t fixed_size_;
    std::optional<std::uint64_t> before_;  // messages that were sent before this stream began
};

// Judges the datagrams that come to a receiver, from anybody.
class udp_parser {
public:
    enum class outcome : std::uint8_t {
        frames,   // deliver its first frame_bytes() bytes, good or bad
        nothing,  // a hello, or a datagram that has come before
        end,      // a sender says that it leaves
        foreign,  // no datagram of ours, or not for us; it is counted as dropped and not answered
        refused,  // of a sender of another type or version; it is counted as dropped, and rejection() is the answer
    };

    explicit udp_parser(udp_trailer const& wanted) noexcept : wanted_(wanted) {}

    // Before anything else. False: there is no memory.
    bool start() noexcept { return streams_.start(); }

    outcome take(std::span<std::byte const> datagram, channel_stats& stats) noexcept
    {
        if (datagram.size() < sizeof(udp_trailer)) {
            ++stats.dropped;
            return outcome::foreign;
        }
        frame_bytes_ = datagram.size() - sizeof(udp_trailer);
        udp_trailer const t = udp_trailer::at(datagram.data() + frame_bytes_);
        if (error_code const why = t.check(wanted_)) [[unlikely]] {
            ++stats.dropped;
            if (why == errc::untrusted_object)
                return outcome::foreign;
            rejection_ = {{}, t.stream};
            rejection_.said.why = static_cast<std::uint32_t>(why.value());
            return outcome::refused;
        }
        bool const is_new = streams_.see(t, stats);
        if (t.kind == stream_frame::end) {
            streams_.end(t);
            return outcome::end;
        }
        if (!is_new || t.kind == udp_trailer::hello)
            return outcome::nothing;
        if (t.kind != stream_frame::data)
            frame_bytes_ = 0;  // no sender of ours does that: it is malformed
        return outcome::frames;
    }

    std::size_t frame_bytes() const noexcept { return frame_bytes_; }
    udp_rejection const& rejection() const noexcept { return rejection_; }

    // Every sender that was heard of has said that it leaves.
    bool all_ended() const noexcept { return streams_.all_ended(); }

private:
    udp_trailer wanted_;
    udp_streams streams_;
    udp_rejection rejection_;
    std::size_t frame_bytes_ = 0;
};

}  // namespace strait::detail

#endif
