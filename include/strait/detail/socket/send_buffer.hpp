// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_SEND_BUFFER_HPP
#define STRAIT_DETAIL_SOCKET_SEND_BUFFER_HPP

#include <strait/detail/codec/handles.hpp>
#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/socket/large_frame.hpp>
#include <strait/detail/socket/passed_handles.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <poll.h>
#include <sys/socket.h>

namespace strait::detail {

// Messages on their way into a connected socket: frames are staged, and leave in one system call. Knows bytes and a socket,
// not who is at the other end of it.
//
// Once one byte of a frame has gone its messages are accepted, and its rest goes first next time. What writes to the socket
// says errc::no_receiver when the connection is over: then lose() what is here.
template <message_layout L>
class send_buffer {
public:
    // How bytes leave. Others may do more; as this one, they return -1, and errno, when nothing has left.
    struct by_send {
        ::ssize_t operator()(int fd, stream_buffer& b, std::size_t bytes, std::uint64_t) const noexcept
        {
            return ::send(fd, b.data() + b.begin, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    };

    bool empty() const noexcept { return buffer_.size() == 0; }

    // A part of an accepted message waits for room.
    bool has_unsent() const noexcept { return buffer_.begin < accepted_end_; }

    // With so many bytes more, what is staged would be too much for one system call: let it leave first.
    bool is_enough(std::size_t bytes, std::size_t chunk) const noexcept
    {
        return buffer_.end - accepted_end_ != 0 && buffer_.size() + bytes > chunk;
    }

    // Room for a message of this size; out_of_memory.
    result<std::span<std::byte>> reserve(std::size_t size)
    {
        std::size_t const bytes = stream_frame::bytes(size);
        if (buffer_.room() < bytes) [[unlikely]]
            if (auto room = enlarge(bytes); !room)
                return room.error();
        if constexpr (aligned_message<L>::needed) {
            std::byte* const p = aligned_.data(size);
            if (!p)
                return errc::out_of_memory;
            return std::span(p, size);
        }
        else
            return std::span(buffer_.data() + buffer_.end + sizeof(stream_frame), size);
    }

    // These go with the message that is reserved. They stay their owner's, and are looked at until they are forgotten.
    void attach(std::span<int const> handles) noexcept { handles_ = handles; }
    void forget_handles() noexcept { handles_ = {}; }

    void commit(std::size_t used) noexcept
    {
        if constexpr (aligned_message<L>::needed)
            std::memcpy(buffer_.data() + buffer_.end + sizeof(stream_frame), aligned_.data(used), used);
        frame(used);
    }

    // A run of messages.
    result<void> append(std::span<std::byte const> run)
    {
        std::size_t const bytes = stream_frame::bytes(run.size());
        if (buffer_.room() < bytes)
            if (auto room = enlarge(bytes); !room)
                return room;
        std::memcpy(buffer_.data() + buffer_.end + sizeof(stream_frame), run.data(), run.size());
        frame(run.size());
        return {};
    }

    // Says that nothing follows. Not a message: never counted, and its rest is not withdrawn.
    result<void> append_end()
    {
        stream_frame const end{0, stream_frame::end};
        if (!buffer_.make_room(sizeof end))
            return errc::out_of_memory;
        std::memcpy(buffer_.data() + buffer_.end, &end, sizeof end);
        buffer_.end += sizeof end;
        accepted_end_ = buffer_.end;
        return {};
    }

    // Lets all that is staged leave. An error, but no_receiver, leaves it as it is.
    template <class Send = by_send>
    result<void> drain(int fd, deadline until, Send send = {})
    {
        while (buffer_.begin != buffer_.end) {
            auto const n = send_some(fd, send);
            if (n > 0) [[likely]] {
                buffer_.begin += static_cast<std::size_t>(n);
                accept();
                continue;
            }
            if (errno == EINTR)
                continue;
            if (errno == ENOBUFS || errno == ENOMEM)
                return errc::out_of_memory;  // for a long packet, perhaps; the connection is as it was
            if (errno != EAGAIN)
                return errc::no_receiver;
            if (until.is_poll())
                return accepted_end_ == buffer_.end ? result<void>() : errc::full;
            ++stats_.waits;
            if (auto waited = wait_descriptor(fd, POLLOUT, until); !waited)
                return waited.error() == errc::timed_out && accepted_end_ == buffer_.end ? result<void>() : waited;
        }
        buffer_.begin = buffer_.end = accepted_end_ = 0;
        return {};
    }

    // Takes back what is staged and not accepted.
    void withdraw() noexcept { buffer_.end = accepted_end_; }

    // A large message, straight from the caller's memory, when nothing is staged; what stays behind of one that has begun to
    // leave is kept. no_receiver, and out_of_memory for that rest: the connection is over.
    result<void> send_large(int fd, std::span<std::byte const> message, deadline until)
    {
        large_frame frame(message);
        auto const left = frame.drain(fd, until, stats_.waits);
        if (frame.sent() == 0)
            return left;
        buffer_.begin = buffer_.end = 0;
        bool const over = !left && left.error() == errc::no_receiver;
        if (left || over) {
            begun(message.size(), over ? 1 : 0);
            return left;
        }
        if (!buffer_.make_room(frame.left() + 8)) {
            begun(message.size(), 1);
            return errc::out_of_memory;
        }
        buffer_.begin = frame.sent() % 8;  // frames stay aligned
        frame.copy_rest(buffer_.data() + buffer_.begin);
        begun(message.size(), frame.left());
        return left.error() == errc::full || left.error() == errc::timed_out ? result<void>() : left;
    }

    // The connection is over. What had left in part is lost, and counted.
    void lose() noexcept
    {
        stats_.dropped += torn();
        buffer_.begin = buffer_.end = accepted_end_ = 0;
    }

    std::uint64_t& waits() noexcept { return stats_.waits; }
    std::uint64_t accepted() const noexcept { return stats_.messages; }

    channel_stats stats() const noexcept
    {
        channel_stats s = stats_;
        s.depth = accepted_end_ - std::min(accepted_end_, buffer_.begin);
        return s;
    }

private:
    [[gnu::noinline, gnu::cold]] result<void> enlarge(std::size_t bytes)
    {
        std::size_t const sent = buffer_.begin;
        if (!buffer_.make_room(bytes))
            return errc::out_of_memory;
        accepted_end_ -= std::min(accepted_end_, sent - buffer_.begin);
        return {};
    }

    template <class Send>
    ::ssize_t send_some(int fd, Send& send)
    {
        std::size_t bytes = buffer_.size();
        if constexpr (L.handles)
            if (!handles_.empty()) {
                // With the first byte of their message, so not before the rest of the one before it has gone.
                if (accepted_end_ <= buffer_.begin) {
                    auto const n = send_with_handles(fd, {buffer_.data() + buffer_.begin, bytes}, handles_);
                    if (n > 0)
                        handles_ = {};
                    return n;
                }
                bytes = accepted_end_ - buffer_.begin;
            }
        return send(fd, buffer_, bytes, stats_.messages);
    }

    // A large message is accepted, of which so much is, or would be, buffered.
    void begun(std::size_t size, std::size_t rest) noexcept
    {
        last_size_ = static_cast<std::uint32_t>(size);
        ++stats_.messages;
        stats_.bytes += size;
        buffer_.end = accepted_end_ = buffer_.begin + rest;
    }

    // Around a payload of this size, which lies behind the place of its header.
    void frame(std::size_t used) noexcept
    {
        std::uint32_t const kind = L.handles ? stream_frame::kind_of(handles_.size()) : stream_frame::data;
        buffer_.end += stream_frame::write_around(buffer_.data() + buffer_.end, used, kind);
    }

    void accept() noexcept
    {
        while (accepted_end_ < buffer_.begin) {
            stream_frame const f = stream_frame::at(buffer_.data() + accepted_end_);
            accepted_end_ += stream_frame::bytes(f.size);
            last_size_ = f.size;
            stats_.messages += L.fixed_size == 0 ? 1 : f.size / std::max<std::uint64_t>(1, L.fixed_size);
            stats_.bytes += f.size;
        }
    }

    // Accepted messages of which not all has gone: of one frame at most, for that is accepted as a whole.
    std::uint64_t torn() const noexcept
    {
        if (accepted_end_ <= buffer_.begin)
            return 0;
        if (L.fixed_size == 0)
            return 1;
        std::size_t const padding = stream_frame::bytes(last_size_) - sizeof(stream_frame) - last_size_;
        std::size_t const rest = accepted_end_ - buffer_.begin;
        std::size_t const payload = std::clamp<std::size_t>(rest - std::min(rest, padding), 1, last_size_);
        return (payload + L.fixed_size - 1) / std::max<std::uint64_t>(1, L.fixed_size);
    }

    stream_buffer buffer_;
    [[no_unique_address]] aligned_message<L> aligned_;
    std::span<int const> handles_;  // of the message that is reserved or committed last
    std::size_t accepted_end_ = 0;  // where the first frame begins of which no byte has gone
    std::uint32_t last_size_ = 0;   // of the frame before it
    channel_stats stats_;
};

}  // namespace strait::detail

#endif
