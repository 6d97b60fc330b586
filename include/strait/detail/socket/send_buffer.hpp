// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_SEND_BUFFER_HPP
#define STRAIT_DETAIL_SOCKET_SEND_BUFFER_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/frame/writer.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/socket/connector.hpp>
#include <strait/detail/socket/large_frame.hpp>
#include <strait/detail/socket/socket_bytes.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include <poll.h>
#include <sys/socket.h>

namespace strait::detail {

// Messages that are to leave by a connected socket: frames are staged, and leave in one system call. It knows bytes and a
// socket, and nothing of the receiver.
//
// Once one byte of a frame has left, its messages are accepted, and its rest goes first next time. What writes to the socket
// reports no_receiver when the connection is over: then lose() what is staged.
template <message_layout L>
class send_buffer {
public:
    bool empty() const noexcept { return buffer().size() == 0; }

    // A part of an accepted message waits for room in the socket.
    bool has_unsent() const noexcept { return buffer().begin < accepted_end_; }

    // With so many bytes more, what is staged would be too much for one system call: let it leave first.
    bool is_enough(std::size_t bytes, std::size_t chunk) const noexcept
    {
        return buffer().end - accepted_end_ != 0 && buffer().size() + bytes > chunk;
    }

    // Room for a message of this size; out_of_memory.
    result<std::span<std::byte>> reserve(std::size_t size) { return writer_.reserve(size, 0, moved()); }

    // These go with the message that is reserved. They belong to the caller and must stay open until forget_handles().
    void attach(std::span<int const> handles) noexcept { handles_ = handles; }
    void forget_handles() noexcept { handles_ = {}; }

    void commit(std::size_t used) noexcept
    {
        writer_.commit(used, L.handles ? stream_frame::kind_of(handles_.size()) : stream_frame::data);
    }

    // Stages a run of messages; out_of_memory.
    error_code append(std::span<std::byte const> run)
    {
        return writer_.append(run, stream_frame::data, 0, moved()) ? error_code() : make_error_code(errc::out_of_memory);
    }

    // Stages the end frame. It is not a message: it is not counted, and its rest is not withdrawn.
    error_code append_end()
    {
        if (!writer_.append({}, stream_frame::end, 0, moved()))
            return errc::out_of_memory;
        accepted_end_ = buffer().end;
        return {};
    }

    // Sends all that is staged, as the connector does that. An error, except no_receiver, leaves the rest as it is.
    // removed: there is no room, and no other receiver can come.
    template <connector Connector>
    result<void> drain(Connector& by, int fd, deadline until)
    {
        while (buffer().begin != buffer().end) {
            STRAIT_STEP();
            auto const n = send_some(by, fd);
            if (n > 0) [[likely]] {
                buffer().begin += static_cast<std::size_t>(n);
                accept();
                continue;
            }
            if (errno == EINTR)
                continue;
            if (errno == ENOBUFS || errno == ENOMEM)
                return errc::out_of_memory;  // for a long packet, perhaps; the connection is as it was
            if (errno != EAGAIN)
                return errc::no_receiver;
            if (until.is_poll() && accepted_end_ == buffer().end)
                return {};
            if (accepted_end_ != buffer().end && by.is_removed(false))
                return errc::removed;
            if (until.is_poll())
                return by.receiver_gone() ? errc::no_receiver : errc::full;
            ++stats_.waits;
            if (auto waited = wait_for_room(by, fd, POLLOUT, until); !waited) {
                bool const later = waited.error() == errc::timed_out || waited.error() == errc::removed;
                return later && accepted_end_ == buffer().end ? result<void>() : waited;
            }
        }
        buffer().begin = buffer().end = accepted_end_ = 0;
        return {};
    }

    // Takes back what is staged and not accepted.
    void withdraw() noexcept { buffer().end = accepted_end_; }

    // Sends a large message straight from the caller's memory, when nothing is staged. Of one that has begun to leave the
    // rest is copied and goes later. no_receiver, and out_of_memory for the copy: the connection is over.
    template <connector Connector>
    result<void> send_large(Connector const& by, int fd, std::span<std::byte const> message, deadline until)
    {
        large_frame frame(message);
        auto const left = frame.drain(by, fd, until, stats_.waits);
        if (frame.sent() == 0)
            return left;
        buffer().begin = buffer().end = 0;
        bool const over = !left && left.error() == errc::no_receiver;
        if (left || over) {
            begun(message.size(), over ? 1 : 0);
            return left;
        }
        if (!buffer().make_room(frame.left() + 8)) {
            begun(message.size(), 1);
            return errc::out_of_memory;
        }
        buffer().begin = frame.sent() % 8;  // frames stay aligned
        frame.copy_rest(buffer().data() + buffer().begin);
        begun(message.size(), frame.left());
        return left.error() == errc::full || left.error() == errc::timed_out || left.error() == errc::removed ? result<void>() : left;
    }

    // Drops what is staged, since the connection is over. Messages that had left in part are counted as dropped.
    void lose() noexcept
    {
        stats_.dropped += torn();
        buffer().begin = buffer().end = accepted_end_ = 0;
    }

    std::uint64_t& waits() noexcept { return stats_.waits; }
    std::uint64_t accepted() const noexcept { return stats_.messages; }

    channel_stats stats() const noexcept
    {
        channel_stats s = stats_;
        s.depth = accepted_end_ - std::min(accepted_end_, buffer().begin);
        return s;
    }

private:
    stream_buffer& buffer() noexcept { return writer_.bytes; }
    stream_buffer const& buffer() const noexcept { return writer_.bytes; }

    // Keeps the offset right when the writer moves the bytes.
    auto moved() noexcept
    {
        return [this](std::size_t by) { accepted_end_ -= std::min(accepted_end_, by); };
    }

    template <connector Connector>
    ::ssize_t send_some(Connector& by, int fd)
    {
        std::size_t bytes = buffer().size();
        if constexpr (L.handles)
            if (!handles_.empty()) {
                // Descriptors go with the first byte of their message, so not before the rest of the one before it has left.
                if (accepted_end_ <= buffer().begin) {
                    auto const n = send_with_handles(fd, {buffer().data() + buffer().begin, bytes}, handles_);
                    if (n > 0)
                        handles_ = {};
                    return n;
                }
                bytes = accepted_end_ - buffer().begin;
            }
        return by.transmit(fd, buffer(), bytes, stats_.messages);
    }

    // A large message is accepted, of which `rest` bytes are, or would be, buffered.
    void begun(std::size_t size, std::size_t rest) noexcept
    {
        last_size_ = static_cast<std::uint32_t>(size);
        ++stats_.messages;
        stats_.bytes += size;
        buffer().end = accepted_end_ = buffer().begin + rest;
    }

    void accept() noexcept
    {
        while (accepted_end_ < buffer().begin) {
            STRAIT_STEP();
            stream_frame const f = stream_frame::at(buffer().data() + accepted_end_);
            accepted_end_ += stream_frame::bytes(f.size);
            last_size_ = f.size;
            stats_.messages += frame_writer<L>::messages_in(f);
            stats_.bytes += f.size;
        }
    }

    // How many accepted messages have not left as a whole: those of one frame at most, since a frame is accepted as a whole.
    std::uint64_t torn() const noexcept
    {
        if (accepted_end_ <= buffer().begin)
            return 0;
        if (L.fixed_size == 0)
            return 1;
        std::size_t const padding = stream_frame::bytes(last_size_) - sizeof(stream_frame) - last_size_;
        std::size_t const rest = accepted_end_ - buffer().begin;
        std::size_t const payload = std::clamp<std::size_t>(rest - std::min(rest, padding), 1, last_size_);
        return (payload + L.fixed_size - 1) / std::max<std::uint64_t>(1, L.fixed_size);
    }

    frame_writer<L> writer_;
    std::span<int const> handles_;  // of the message that was reserved or committed last
    std::size_t accepted_end_ = 0;  // where the first frame begins of which no byte has left
    std::uint32_t last_size_ = 0;   // of the frame before it
    channel_stats stats_;
};

}  // namespace strait::detail

#endif
