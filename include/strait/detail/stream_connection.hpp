// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_STREAM_CONNECTION_HPP
#define STRAIT_DETAIL_STREAM_CONNECTION_HPP

#include <strait/detail/descriptor.hpp>
#include <strait/detail/stream_buffer.hpp>
#include <strait/detail/stream_wire.hpp>
#include <strait/peer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <sys/socket.h>

namespace strait::detail {

// One sender's connection, seen from the receiver. Knows bytes and frames, not who waits for them.
class stream_connection {
public:
    enum class progress : std::uint8_t {
        message,    // shown by payload()
        more,       // bytes came; ask next() again
        drained,    // nothing to be read now
        left,       // an end frame, then the end
        died,       // the end without one, perhaps in the middle of a frame
        malformed,  // a frame that cannot be
        refused,    // no greeting, or a wrong one
        no_memory,
    };

    stream_connection(descriptor socket, peer_identity who) : socket_(std::move(socket)), peer_(who) {}

    int fd() const noexcept { return socket_.get(); }
    bool is_greeted() const noexcept { return greeted_; }
    peer_identity const& peer() const noexcept { return peer_; }

    // The next whole frame among the bytes read ahead. Every length is looked at before anything is done with it.
    progress next(stream_greeting const& wanted, std::uint64_t limit, std::uint64_t fixed_size)
    {
        if (!greeted_) [[unlikely]] {
            if (buffer_.size() < sizeof(stream_greeting))
                return progress::drained;
            if (!greet(wanted))
                return progress::refused;
        }
        if (buffer_.size() < sizeof(stream_frame))
            return progress::drained;
        stream_frame const f = stream_frame::at(buffer_.data() + buffer_.begin);
        if (f.kind != stream_frame::data) [[unlikely]] {
            if (f.kind != stream_frame::end || f.size != 0)
                return progress::malformed;
            return progress::left;
        }
        if (f.size > limit || (fixed_size != 0 && f.size != fixed_size)) [[unlikely]]
            return progress::malformed;
        if (buffer_.size() < stream_frame::bytes(f.size))
            return progress::drained;
        size_ = f.size;
        return progress::message;
    }

    std::span<std::byte const> payload() const noexcept
    {
        return {buffer_.data() + buffer_.begin + sizeof(stream_frame), size_};
    }

    void release() noexcept
    {
        buffer_.begin += stream_frame::bytes(size_);
        if (buffer_.size() != 0)
            exhausted_ = false;  // messages come in numbers
    }

    // One read of what the kernel has. Grows only for a frame whose beginning is there, and by what such frames need.
    progress read(std::uint64_t limit)
    {
        std::size_t wanted = sizeof(stream_greeting) - std::min(buffer_.size(), sizeof(stream_greeting));
        if (greeted_) {
            wanted = stream_chunk;
            if (buffer_.size() >= sizeof(stream_frame)) {
                stream_frame const f = stream_frame::at(buffer_.data() + buffer_.begin);
                if (f.size <= limit) {
                    // At most as much again as has come: a length alone makes nobody allocate.
                    std::size_t const rest = stream_frame::bytes(f.size) - std::min(buffer_.size(), stream_frame::bytes(f.size));
                    wanted = std::min(rest, std::max(buffer_.size(), stream_chunk));
                }
            }
            if (buffer_.size() == 0)
                buffer_.begin = buffer_.end = 0;
        }
        if (!buffer_.make_room(wanted))
            return progress::no_memory;
        std::size_t const most = greeted_ ? buffer_.room() : wanted;  // a silent peer costs us no more than a greeting
        auto const n = uninterrupted(
            [&] { return ::recv(socket_.get(), buffer_.data() + buffer_.end, most, MSG_DONTWAIT); });
        if (n > 0) {
            buffer_.end += static_cast<std::size_t>(n);
            exhausted_ = static_cast<std::size_t>(n) < most;
            return progress::more;
        }
        if (n < 0 && errno == EAGAIN)
            return progress::drained;
        return progress::died;
    }

    // Whether the last read brought one message and less than it had room for: then another one is not worth a system
    // call before the kernel says that there is more. Asked once for each such read.
    bool is_exhausted() noexcept { return std::exchange(exhausted_, false); }

    void shrink() noexcept { buffer_.shrink(); }

    // Tells the sender why, as far as its socket takes it.
    void reject(errc why) noexcept
    {
        stream_rejection r;
        r.why = static_cast<std::uint32_t>(why);
        (void)!::send(socket_.get(), &r, sizeof r, MSG_NOSIGNAL | MSG_DONTWAIT);
    }

private:
    bool greet(stream_greeting const& wanted) noexcept
    {
        stream_greeting g;
        std::memcpy(&g, buffer_.data() + buffer_.begin, sizeof g);
        if (error_code const wrong = g.check(wanted)) {
            reject(static_cast<errc>(wrong.value()));
            return false;
        }
        buffer_.begin += sizeof g;
        greeted_ = true;
        return true;
    }

    guarded_descriptor socket_;
    stream_buffer buffer_;
    peer_identity peer_;
    std::size_t size_ = 0;
    bool greeted_ = false;
    bool exhausted_ = false;
};

}  // namespace strait::detail

#endif
