// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_STREAM_CONNECTION_HPP
#define STRAIT_DETAIL_SOCKET_STREAM_CONNECTION_HPP

#include <strait/detail/codec/handles.hpp>
#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/socket/passed_handles.hpp>
#include <strait/peer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace strait::detail {

struct ack_session;

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
        introduced,  // greeted, and said who it is: introduction()
        no_memory,
        no_descriptors,  // a message whose descriptors this process cannot have; it is there without them
    };

    // `packet`: the largest that comes in one piece, for sockets that keep pieces apart; 0: a stream. `introduction`: bytes
    // that come behind the greeting.
    stream_connection(descriptor socket, peer_identity who, std::size_t packet, bool takes_handles, std::size_t introduction = 0)
        : socket_(std::move(socket)), peer_(who), packet_(packet), introduction_(introduction)
    {
        if (takes_handles)
            handles_.reserve(most_passed + most_handles);
    }

    int fd() const noexcept { return socket_.get(); }
    bool is_greeted() const noexcept { return greeted_; }
    peer_identity const& peer() const noexcept { return peer_; }

    // The next whole frame among the bytes read ahead. Every length is looked at before anything is done with it.
    progress next(stream_greeting const& wanted, std::uint64_t limit, std::uint64_t fixed_size)
    {
        if (!greeted_) [[unlikely]] {
            if (buffer_.size() < sizeof(stream_greeting))
                return progress::drained;
            if (!is_understood(wanted))
                return progress::refused;
            if (buffer_.size() < sizeof(stream_greeting) + introduction_)
                return progress::drained;
            buffer_.begin += sizeof(stream_greeting) + introduction_;
            greeted_ = true;
            if (introduction_ != 0)
                return progress::introduced;
        }
        if (!in_frame_) {
            if (buffer_.size() < sizeof(stream_frame))
                return buffer_.size() == 0 && !handles_.empty() ? progress::malformed : progress::drained;
            stream_frame const f = stream_frame::at(buffer_.data() + buffer_.begin);
            if (f.kind != stream_frame::data) [[unlikely]] {
                if (f.kind == stream_frame::end && f.size == 0)
                    return progress::left;
                if (!claims_handles(f, fixed_size))
                    return progress::malformed;
            }
            if ((fixed_size == 0 && f.size > limit) || !stream_frame::fits(f.size, fixed_size)) [[unlikely]]
                return progress::malformed;
            buffer_.begin += sizeof f;
            in_frame_ = true;
            size_ = fixed_size != 0 ? fixed_size : f.size;
            left_ = f.size;
            padding_ = stream_frame::bytes(f.size) - sizeof f - f.size;
        }
        if (buffer_.size() < (left_ == size_ ? size_ + padding_ : size_))
            return progress::drained;
        return lacking_ ? progress::no_descriptors : progress::message;
    }

    // What came behind the greeting; until the next read().
    std::span<std::byte const> introduction() const noexcept { return {buffer_.data() + buffer_.begin - introduction_, introduction_}; }

    // What came beside the message that is shown.
    std::span<descriptor> handles() noexcept { return {handles_.data(), own_}; }

    std::span<std::byte const> payload() const noexcept { return {buffer_.data() + buffer_.begin, size_}; }

    // How many of the frame's messages are there, when next() has said that there is one.
    std::size_t available() const noexcept
    {
        return buffer_.size() >= left_ + padding_ ? left_ / size_ : std::min(buffer_.size(), left_ - size_) / size_;
    }

    void release() noexcept { release_bytes(size_); }
    void release(std::size_t messages) noexcept { release_bytes(messages * size_); }

    // One read of what the kernel has. Grows only for a frame whose beginning is there, and by what such frames need.
    progress read()
    {
        if (over_ != progress::drained) [[unlikely]]
            return over_;
        std::size_t const greeting = sizeof(stream_greeting) + introduction_;
        std::size_t wanted = greeting - std::min(buffer_.size(), greeting);
        if (greeted_) {
            // At most as much again as has come: a length alone makes nobody allocate.
            wanted = packet_ != 0 ? packet_ : std::max(buffer_.size(), stream_chunk);
            if (in_frame_ && packet_ == 0)
                wanted = std::min(wanted, left_ + padding_ - std::min(buffer_.size(), left_ + padding_));
            if (buffer_.size() == 0)
                buffer_.begin = buffer_.end = 0;
        }
        if (!buffer_.make_room(wanted))
            return progress::no_memory;
        std::size_t const most = greeted_ && packet_ == 0 ? buffer_.room() : wanted;  // a silent peer costs us no more than a greeting
        std::span const to(buffer_.data() + buffer_.end, most);
        int const flags = MSG_DONTWAIT | (packet_ != 0 ? MSG_TRUNC : 0);
        if (greeted_ && handles_.capacity() != 0 && handles_.size() > most_handles)
            return over_ = progress::malformed;  // more than any message has
        auto const n = greeted_ && handles_.capacity() != 0
                           ? receive_with_handles(socket_.get(), to, flags, handles_, cut_)
                           : uninterrupted([&] { return ::recv(socket_.get(), to.data(), to.size(), flags); });
        if (n > 0 && static_cast<std::size_t>(n) <= most) {
            buffer_.end += static_cast<std::size_t>(n);
            exhausted_ = packet_ == 0 && static_cast<std::size_t>(n) < most;
            return progress::more;
        }
        if (n < 0 && errno == EAGAIN)
            return progress::drained;
        // An empty packet looks like an end. Of one longer than all that a sender of ours makes the rest is gone.
        over_ = n <= 0 ? progress::died : greeted_ ? progress::malformed : progress::refused;
        return over_;
    }

    // Its greeting will be answered so.
    void refuse() noexcept { unwanted_ = true; }

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

    // Of an acknowledged stream.
    ack_session* session = nullptr;
    std::uint64_t repeated = 0;  // the next messages have been consumed before

private:
    bool is_understood(stream_greeting const& wanted) noexcept
    {
        stream_greeting g;
        std::memcpy(&g, buffer_.data() + buffer_.begin, sizeof g);
        error_code const wrong = unwanted_ ? make_error_code(errc::refused) : g.check(wanted);
        if (wrong) {
            reject(static_cast<errc>(wrong.value()));
            return false;
        }
        return true;
    }

    // They come with the first byte of their message, which nobody reads behind: so all that are here are this one's.
    bool claims_handles(stream_frame const& f, std::size_t fixed_size) noexcept
    {
        std::size_t const said = f.handles();
        if (handles_.capacity() == 0 || said == 0 || said > most_handles || (fixed_size != 0 && f.size != fixed_size) ||
            handles_.size() > said || (handles_.size() < said && !cut_))
            return false;
        own_ = handles_.size();
        lacking_ = std::exchange(cut_, false);
        return true;
    }

    void release_bytes(std::size_t n) noexcept
    {
        buffer_.begin += n;
        left_ -= n;
        if (left_ == 0) {
            buffer_.begin += padding_;
            in_frame_ = false;
            if (own_ != 0 || lacking_) [[unlikely]] {
                handles_.erase(handles_.begin(), handles_.begin() + static_cast<std::ptrdiff_t>(own_));
                own_ = 0;
                lacking_ = false;
            }
        }
        if (buffer_.size() != 0)
            exhausted_ = false;  // messages come in numbers
    }

    guarded_descriptor socket_;
    stream_buffer buffer_;
    peer_identity peer_;
    std::size_t packet_ = 0;
    std::size_t introduction_ = 0;
    std::size_t size_ = 0;     // of the message in front
    std::size_t left_ = 0;     // of the frame's payload, not yet released
    std::size_t padding_ = 0;  // behind it
    progress over_ = progress::drained;  // what read() has said when that was the last
    std::vector<descriptor> handles_;  // without capacity: for messages that have none
    std::size_t own_ = 0;              // of them, those of the message in front
    bool cut_ = false;                 // the last read had more of them
    bool lacking_ = false;             // so the message in front has not all
    bool in_frame_ = false;
    bool greeted_ = false;
    bool unwanted_ = false;
    bool exhausted_ = false;
};

}  // namespace strait::detail

#endif
