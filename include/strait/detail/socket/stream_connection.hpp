// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_STREAM_CONNECTION_HPP
#define STRAIT_DETAIL_SOCKET_STREAM_CONNECTION_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/frame/stream_parser.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/schema/writer.hpp>
#include <strait/detail/socket/socket_bytes.hpp>
#include <strait/peer.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace strait::detail {

// Says to a sender why it is refused, and of another type what ours is, as far as its socket takes it.
[[gnu::noinline, gnu::cold]] inline void reject_stream(int socket, errc why, message_description const* type) noexcept
{
    struct {
        stream_rejection head;
        char behind[schema_limit];
    } said{};
    said.head.why = static_cast<std::uint32_t>(why);
    if (why == errc::type_mismatch) {
        schema_bytes schema;
        schema_writer::write(type, schema);
        said.head.schema = static_cast<std::uint32_t>(schema.size);
        std::memcpy(said.behind, schema.data, schema.size);
    }
    (void)!::send(socket, &said, sizeof said.head + said.head.schema, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// One sender's connection, seen from the receiver: reads its socket, and lets a parser say what the bytes are.
class stream_connection {
public:
    using progress = stream_progress;

    // `number`: differs from that of every other connection of this receiver.
    stream_connection(descriptor socket, peer_identity const& who, stream_rules const& rules, std::uint64_t number = 0)
        : socket_(std::move(socket)), parser_(rules), peer_(who), number_(number), type_(rules.type), is_stream_(rules.packet == 0)
    {
        if (rules.handles)
            handles_.reserve(2 * stream_frame::most_handles);  // those of the message in front, and of one that follows
    }

    int fd() const noexcept { return socket_.get(); }
    bool is_greeted() const noexcept { return parser_.is_greeted(); }
    peer_identity const& peer() const noexcept { return peer_; }
    std::uint64_t number() const noexcept { return number_; }

    // What the bytes are that were read ahead. A greeting that is refused is answered.
    progress next() noexcept
    {
        progress const p = parser_.next();
        if (p == progress::refused) [[unlikely]]
            reject(parser_.refusal());
        return p;
    }

    // Whether next() has refused a sender of another type or protocol. Answers so once.
    bool is_newly_refused() noexcept
    {
        errc const why = parser_.refusal();
        return (why == errc::type_mismatch || why == errc::transport_mismatch) && !std::exchange(is_counted_, true);
    }

    std::span<std::byte const> introduction() const noexcept { return parser_.introduction(); }
    std::span<std::byte const> payload() const noexcept { return parser_.payload(); }
    std::span<descriptor> handles() noexcept { return {handles_.data(), parser_.handles()}; }

    // Whether descriptors have come with a message of which a part is missing, and how many there are.
    bool has_early_handles() noexcept { return !handles_.empty() && next() == progress::drained; }
    std::size_t held_handles() const noexcept { return handles_.size(); }
    std::size_t available() const noexcept { return parser_.available(); }

    // So many messages in front are done with; their descriptors that were not moved away are closed.
    void release(std::size_t messages = 1) noexcept
    {
        std::size_t const handles = parser_.release(messages);
        if (handles != 0) [[unlikely]]
            handles_.erase(handles_.begin(), handles_.begin() + static_cast<std::ptrdiff_t>(handles));
        if (parser_.buffered() != 0)
            exhausted_ = false;  // messages come several at a time
    }

    // One read of what the kernel has: more, drained, or why nothing will come any more.
    progress read()
    {
        if (over_ != progress::drained) [[unlikely]]
            return over_;
        auto const to = parser_.room();
        if (!to.data())
            return progress::no_memory;
        int const flags = MSG_DONTWAIT | (is_stream_ ? 0 : MSG_TRUNC);
        bool const with_handles = is_greeted() && handles_.capacity() != 0;
        std::size_t const before = handles_.size();
        std::size_t const most = parser_.room_for_handles();
        bool cut = false;
        auto const n = with_handles ? receive_with_handles(socket_.get(), to, flags, most, handles_, cut)
                                    : receive_bytes(socket_.get(), to, flags);
        if (n > 0) {
            auto const bytes = static_cast<std::size_t>(n);
            if (cut && handles_.size() - before == most)
                return over_ = progress::malformed;  // more have come than any message has
            progress const p = parser_.take(bytes, handles_.size() - before, cut);
            if (p != progress::more) [[unlikely]]
                return over_ = p;
            exhausted_ = is_stream_ && bytes < to.size();
            return p;
        }
        if (n < 0 && errno == EAGAIN)
            return progress::drained;
        return over_ = progress::died;  // an empty packet looks like an end
    }

    // Its greeting will be refused.
    void refuse() noexcept { parser_.refuse(errc::refused); }

    // Whether the last read brought one message and less than there was room for: then another read is not worth a system
    // call before the kernel says that there is more. Answers so once for each such read.
    bool is_exhausted() noexcept { return std::exchange(exhausted_, false); }

    void shrink() noexcept { parser_.shrink(); }

    // Says to the sender why it is refused.
    void reject(errc why) noexcept { reject_stream(socket_.get(), why, type_); }

    // Throws away what has come and is not read, up to 16 MiB, so that closing the socket ends the connection in order.
    // If anything were unread the kernel would send a reset instead, and tcp would then drop what it has not sent yet.
    // Then goes on until the peer's kernel has acknowledged all that left by this socket, the peer has ended its side, or the deadline:
    // a message that reaches a socket which is closed already is answered by a reset, too. For a poll only the first is done.
    void discard_until_delivered(deadline until) noexcept
    {
        for (std::int64_t pause = 50'000; discard_unread() && !until.is_poll(); pause = std::min<std::int64_t>(2 * pause, 5'000'000)) {
            STRAIT_STEP();
            int left = 0;
            if (::ioctl(socket_.get(), SIOCOUTQ, &left) != 0 || left == 0 || until.passed())
                return;
            // The socket says when something has come, and not when what left was acknowledged.
            (void)wait_readable(socket_.get(), std::min(until, deadline::after(std::chrono::nanoseconds(pause))));
        }
    }

    // What an acknowledged receiver knows of the stream; null: nothing.
    void* session = nullptr;

    // When descriptors came last, as a number that grows with each read that brings some.
    std::uint64_t handles_came = 0;

    // Whether it stands among those that may have something to read.
    bool is_queued = false;

private:
    // False: the peer has ended its side, or the connection is broken.
    bool discard_unread() noexcept
    {
        std::array<std::byte, 16384> bytes;
        for (int reads = 0; reads != 1024; ++reads)
            if (auto const n = receive_bytes(socket_.get(), bytes, MSG_DONTWAIT); n <= 0)
                return n < 0 && errno == EAGAIN;
        return true;
    }

    guarded_descriptor socket_;
    stream_parser parser_;
    peer_identity peer_;
    std::uint64_t number_;
    message_description const* type_;
    std::vector<descriptor> handles_;    // without capacity: for messages that have none
    progress over_ = progress::drained;  // what read() has said when that was the last
    bool is_stream_;
    bool is_counted_ = false;
    bool exhausted_ = false;
};

}  // namespace strait::detail

#endif
