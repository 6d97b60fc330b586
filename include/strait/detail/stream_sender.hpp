// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_STREAM_SENDER_HPP
#define STRAIT_DETAIL_STREAM_SENDER_HPP

#include <strait/detail/descriptor.hpp>
#include <strait/detail/large_frame.hpp>
#include <strait/detail/passed_handles.hpp>
#include <strait/detail/stream_buffer.hpp>
#include <strait/detail/stream_wire.hpp>
#include <strait/detail/wait_descriptor.hpp>
#include <strait/serialization/handles.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace strait::detail {

// The sending end over a stream socket: frames are staged, and leave in one system call.
//
// A Connector knows where to:
//   result<descriptor> attempt()             one try, without waiting; errc::no_receiver: nobody is there yet
//   void pause(deadline)                     until another try may help
//   std::size_t chunk() const                optional: how many bytes one call sends, unless a message is longer
//   bool greets() const                      optional: false: no greeting, and an end that need not arrive
//   ssize_t transmit(fd, buffer, sent)       optional: sends the frames of a stream_buffer in another way than send(2)
//   void goodbye(fd, sent)                   optional: as the end that need not arrive; `sent` messages went before
//   errc rejected(fd)                        optional: why the receiver wants nothing of us; else no_receiver
//   bool is_trying() const                   a handshake is under way
//   stream_cookie cookie() const             of the channel that was reached last
//   int file() const                         that of the companion, or -1
//   errc missing() const                     not_open or inherited_handle, when it is of no use any more
//   bool usable() const
//   void leave(deadline)
template <message_layout L, class Connector>
class stream_sender {
public:
    stream_sender(Connector connector, std::uint64_t limit, deadline connect_until, std::chrono::nanoseconds linger)
        : connector_(std::move(connector)), limit_(limit), connect_until_(connect_until), linger_(linger)
    {
    }

    // Over a socket that is connected already.
    stream_sender(Connector connector, descriptor socket, std::uint64_t limit, std::chrono::nanoseconds linger)
        : stream_sender(std::move(connector), limit, deadline::never(), linger)
    {
        lost_ = !greet(std::move(socket));  // the other end may be gone already, and nobody else can come
    }

    stream_sender(stream_sender&&) = default;
    stream_sender& operator=(stream_sender&&) = default;
    ~stream_sender() { (void)close(deadline::after(linger_)); }

    // The first try, at opening: what fails for want of a receiver is tried again later.
    result<void> try_connect()
    {
        auto connected = connect(deadline::poll());
        if (!connected && connected.error() != errc::full && connected.error() != errc::no_receiver)
            return connected;
        lost_ = false;
        return {};
    }

    result<std::span<std::byte>> reserve(std::size_t size, deadline until)
    {
        if (size > limit_) [[unlikely]]
            return errc::message_too_large;
        std::size_t const bytes = stream_frame::bytes(size);
        if (buffer_.end - accepted_end_ != 0 && buffer_.size() + bytes > chunk()) [[unlikely]]
            if (auto drained = drain(until); !drained)
                return drained.error();
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

    // These go with the message that is reserved. They stay their owner's, and are looked at until flush() has returned.
    result<void> attach(std::span<int const> handles)
        requires(L.handles)
    {
        if (handles.size() > most_handles)
            return errc::message_too_large;
        handles_ = handles;
        return {};
    }

    void commit(std::size_t used) noexcept
    {
        if constexpr (aligned_message<L>::needed)
            std::memcpy(buffer_.data() + buffer_.end + sizeof(stream_frame), aligned_.data(used), used);
        frame(used);
    }

    // A large message, straight from the caller's memory; what stays behind of one that has begun to leave is kept.
    result<void> copy_in(std::span<std::byte const> message, deadline until)
        requires(L.fixed_size >= stream_chunk)
    {
        if (auto left = flush(until); !left)
            return left;
        if (buffer_.size() != 0)  // of the one before
            return until.is_poll() ? errc::full : errc::timed_out;
        if (!socket_)
            if (auto connected = connect(until); !connected)
                return connected;
        large_frame frame(message);
        result<void> room;
        while (room && frame.left() != 0) {
            if (frame.send(socket_.get()) || errno == EINTR)
                continue;
            if (errno != EAGAIN) {
                if (frame.sent() != 0)
                    begun(message.size(), 1);
                return lose();
            }
            room = until.is_poll() ? errc::full : wait_for_room(until);
        }
        return frame.sent() == 0 ? room : keep(frame, message.size(), room);
    }

    result<std::size_t> put_n(std::span<std::byte const> messages, deadline until)
        requires(L.fixed_size != 0)
    {
        // A run cannot be withdrawn in part: only one who waits for all of it may send one.
        std::size_t const fitting = std::clamp<std::size_t>((chunk() - sizeof(stream_frame)) / L.fixed_size, 1,
                                                            stream_frame::messages_in_run(L.fixed_size));
        std::size_t const longest = (until.is_never() ? fitting : 1) * L.fixed_size;
        std::uint64_t const before = stats_.messages;
        result<void> left;
        while (left && !messages.empty()) {
            auto const run = messages.first(std::min(messages.size(), longest));
            std::size_t const bytes = stream_frame::bytes(run.size());
            if (buffer_.end - accepted_end_ != 0 && buffer_.size() + bytes > chunk()) {
                left = flush(until);
                continue;
            }
            if (buffer_.room() < bytes)
                if (left = enlarge(bytes); !left)
                    break;
            append(run);
            messages = messages.subspan(run.size());
        }
        if (left)
            left = flush(until);
        if (!left && stats_.messages == before)
            return left.error();
        return static_cast<std::size_t>(stats_.messages - before);
    }

    result<void> flush(deadline until)
    {
        auto done = drain(until);
        if (!done) [[unlikely]]
            buffer_.end = accepted_end_;
        handles_ = {};
        return done;
    }

    result<void> close(deadline until)
    {
        if (!open_)
            return {};
        if (!connector_.usable() || socket_.is_inherited()) {
            open_.clear();
            socket_.reset();
            return {};
        }
        auto const done = say_goodbye(until);
        socket_.reset();
        open_.clear();
        return done;
    }

    channel_stats stats() const noexcept
    {
        channel_stats s = stats_;
        s.depth = accepted_end_ - std::min(accepted_end_, buffer_.begin);
        return s;
    }

    int native_handle() const noexcept { return socket_.get(); }

    // A part of an accepted message waits for room.
    bool has_unsent() const noexcept { return buffer_.begin < accepted_end_; }

    // Unconnected, it tries again and may have to give up.
    wake_source arm() const noexcept
    {
        return {.descriptor = socket_.get(), .events = POLLOUT, .file = socket_ ? -1 : connector_.file(), .again = !socket_};
    }
    void disarm() const noexcept {}
    Connector const& connector() const noexcept { return connector_; }

private:
    std::size_t chunk() const noexcept
    {
        if constexpr (requires { connector_.chunk(); })
            return connector_.chunk();
        else
            return stream_chunk;
    }

    bool greets() const noexcept
    {
        if constexpr (requires { connector_.greets(); })
            return connector_.greets();
        else
            return true;
    }

    [[gnu::noinline, gnu::cold]] result<void> enlarge(std::size_t bytes)
    {
        std::size_t const sent = buffer_.begin;
        if (!buffer_.make_room(bytes))
            return errc::out_of_memory;
        accepted_end_ -= std::min(accepted_end_, sent - buffer_.begin);
        return {};
    }

    result<void> check() const
    {
        if (!open_)
            return errc::not_open;
        if (socket_.is_inherited())
            return errc::inherited_handle;
        if (!connector_.usable())
            return connector_.missing();
        return {};
    }

    [[gnu::noinline, gnu::cold]] result<void> connect(deadline until)
    {
        if (auto fit = check(); !fit)
            return fit;
        for (bool first = true;; first = false) {
            auto socket = connector_.attempt();
            if (socket) {
                lost_ = false;
                return greet(std::move(*socket));
            }
            if (socket.error() != errc::no_receiver)
                return socket.error();
            if ((lost_ && !connector_.is_trying()) || connect_until_.passed())
                return errc::no_receiver;
            if (until.is_poll())
                return errc::full;
            if (until.passed())
                return errc::timed_out;
            stats_.waits += first ? 1 : 0;
            connector_.pause(std::min(until, connect_until_));
        }
    }

    // 64 bytes always fit into a fresh socket.
    result<void> greet(descriptor socket)
    {
        if (greets()) {
            auto const greeting = stream_greeting::of(L, connector_.cookie());
            auto const sent =
                uninterrupted([&] { return ::send(socket.get(), &greeting, sizeof greeting, MSG_NOSIGNAL | MSG_DONTWAIT); });
            if (sent != static_cast<::ssize_t>(sizeof greeting))
                return errc::no_receiver;
        }
        socket_ = guarded_descriptor(std::move(socket));
        return {};
    }

    // Once one byte of a frame has gone its messages are accepted, and its rest goes first next time.
    result<void> drain(deadline until)
    {
        if (!socket_) [[unlikely]] {
            if (auto fit = check(); !fit || buffer_.size() == 0)
                return fit;
            if (auto connected = connect(until); !connected)
                return connected;
        }
        while (buffer_.begin != buffer_.end) {
            auto const n = send_some();
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
                return lose();
            if (until.is_poll())
                return accepted_end_ == buffer_.end ? result<void>() : errc::full;
            if (auto waited = wait_for_room(until); !waited) {
                if (waited.error() == errc::timed_out && accepted_end_ == buffer_.end)
                    return {};
                return waited;
            }
        }
        buffer_.begin = buffer_.end = accepted_end_ = 0;
        return {};
    }

    ::ssize_t send_some()
    {
        std::size_t bytes = buffer_.size();
        if constexpr (L.handles)
            if (!handles_.empty()) {
                // With the first byte of their message, so not before the rest of the one before it has gone.
                if (accepted_end_ <= buffer_.begin) {
                    auto const n = send_with_handles(socket_.get(), {buffer_.data() + buffer_.begin, bytes}, handles_);
                    if (n > 0)
                        handles_ = {};
                    return n;
                }
                bytes = accepted_end_ - buffer_.begin;
            }
        if constexpr (requires { connector_.transmit(0, buffer_, 0); })
            return connector_.transmit(socket_.get(), buffer_, stats_.messages);
        else
            return ::send(socket_.get(), buffer_.data() + buffer_.begin, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    }

    result<void> wait_for_room(deadline until)
    {
        ++stats_.waits;
        return wait_descriptor(socket_.get(), POLLOUT, until);
    }

    // A large message is accepted, of which so much is, or would be, buffered.
    void begun(std::size_t size, std::size_t rest) noexcept
    {
        last_size_ = static_cast<std::uint32_t>(size);
        ++stats_.messages;
        stats_.bytes += size;
        buffer_.end = accepted_end_ = buffer_.begin + rest;
    }

    result<void> keep(large_frame const& frame, std::size_t size, result<void> const& stopped)
    {
        buffer_.begin = buffer_.end = 0;
        if (frame.left() == 0) {
            begun(size, 0);
            return {};
        }
        if (!buffer_.make_room(frame.left() + 8)) {
            begun(size, 1);
            (void)lose();
            return errc::out_of_memory;
        }
        buffer_.begin = frame.sent() % 8;  // frames stay aligned
        frame.copy_rest(buffer_.data() + buffer_.begin);
        begun(size, frame.left());
        return stopped.error() == errc::full || stopped.error() == errc::timed_out ? result<void>() : stopped;
    }

    // Around a payload of this size, which lies behind the place of its header.
    void frame(std::size_t used) noexcept
    {
        std::byte* const at = buffer_.data() + buffer_.end;
        stream_frame const header{static_cast<std::uint32_t>(used),
                                  L.handles ? stream_frame::kind_of(handles_.size()) : stream_frame::data};
        std::size_t const bytes = stream_frame::bytes(used);
        std::memset(at + sizeof header + used, 0, bytes - sizeof header - used);
        std::memcpy(at, &header, sizeof header);
        buffer_.end += bytes;
    }

    void append(std::span<std::byte const> payload) noexcept
    {
        std::memcpy(buffer_.data() + buffer_.end + sizeof(stream_frame), payload.data(), payload.size());
        frame(payload.size());
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

    // The receiver is gone, or wants nothing of us. What had left in part is lost, and counted.
    [[gnu::noinline, gnu::cold]] result<void> lose()
    {
        if (!socket_)
            return socket_.missing();
        errc const why = rejected();
        stats_.dropped += torn();
        socket_.reset();
        buffer_.begin = buffer_.end = accepted_end_ = 0;
        lost_ = true;
        return why;
    }

    errc rejected() noexcept
    {
        if constexpr (requires { connector_.rejected(0); }) {
            return connector_.rejected(socket_.get());
        }
        else {
            stream_rejection r;
            auto const n = uninterrupted([&] { return ::recv(socket_.get(), &r, sizeof r, MSG_DONTWAIT); });
            return n == static_cast<::ssize_t>(sizeof r) ? r.reason() : errc::no_receiver;
        }
    }

    // Reading what may have come avoids the reset that closing over unread bytes would send.
    // The channel is left before the end of the stream shows: whoever sees the end need not wait for the leaving.
    result<void> say_goodbye(deadline until)
    {
        auto done = drain(until);
        if (done && buffer_.size() != 0)
            done = errc::timed_out;
        connector_.leave(until);
        if (!done || !socket_)
            return done;
        stream_frame const end{0, stream_frame::end};
        if constexpr (requires { connector_.goodbye(0, 0); }) {
            connector_.goodbye(socket_.get(), stats_.messages);
            return done;
        }
        if (!greets()) {  // only wakes the receiver
            (void)!::send(socket_.get(), &end, sizeof end, MSG_NOSIGNAL | MSG_DONTWAIT);
            return done;
        }
        if (!buffer_.make_room(sizeof end))
            return errc::out_of_memory;
        std::memcpy(buffer_.data() + buffer_.end, &end, sizeof end);
        buffer_.end += sizeof end;
        accepted_end_ = buffer_.end;  // not a message: never counted, and its rest is not withdrawn
        if (done = drain(until); done && buffer_.size() != 0)
            done = errc::timed_out;
        if (!done)
            return done;
        ::shutdown(socket_.get(), SHUT_WR);
        errc const why = rejected();
        if (why != errc::no_receiver)
            return why;
        return {};
    }

    Connector connector_;
    guarded_descriptor socket_;
    stream_buffer buffer_;
    [[no_unique_address]] aligned_message<L> aligned_;
    std::span<int const> handles_;  // of the message that is reserved or committed last
    std::size_t accepted_end_ = 0;  // where the first frame begins of which no byte has gone
    std::uint32_t last_size_ = 0;   // of the frame before it
    std::uint64_t limit_ = 0;
    channel_stats stats_;
    deadline connect_until_;
    std::chrono::nanoseconds linger_;
    bool lost_ = false;
    open_flag open_;
};

}  // namespace strait::detail

#endif
