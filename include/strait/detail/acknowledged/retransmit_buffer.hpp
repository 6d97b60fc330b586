// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_RETRANSMIT_BUFFER_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_RETRANSMIT_BUFFER_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace strait::detail {

// The frames of one session that are not acknowledged: those that a socket has taken, then those that none has yet. A frame
// goes when all its messages are acknowledged; a connection that breaks makes all that are left unsent again.
template <message_layout L>
class retransmit_buffer {
public:
    explicit retransmit_buffer(std::uint64_t capacity) : capacity_(capacity) {}

    // Nothing is kept, not even an end.
    bool empty() const noexcept { return buffer_.size() == 0; }
    std::size_t bytes() const noexcept { return buffer_.size(); }
    std::uint64_t accepted() const noexcept { return next_; }
    std::uint64_t unacknowledged() const noexcept { return next_ - acknowledged_; }

    // How many messages come before the first frame that is kept.
    std::uint64_t first() const noexcept { return first_; }

    // One message is always taken, however large.
    bool has_room(std::size_t bytes) const noexcept { return buffer_.size() == 0 || buffer_.size() + bytes <= capacity_; }
    std::uint64_t capacity() const noexcept { return capacity_; }

    result<std::span<std::byte>> reserve(std::size_t size)
    {
        if (!make_room(stream_frame::bytes(size))) [[unlikely]]
            return errc::out_of_memory;
        if constexpr (aligned_message<L>::needed) {
            std::byte* const p = aligned_.data(size);
            if (!p)
                return errc::out_of_memory;
            return std::span(p, size);
        }
        else
            return std::span(buffer_.data() + buffer_.end + sizeof(stream_frame), size);
    }

    void commit(std::size_t used) noexcept
    {
        if constexpr (aligned_message<L>::needed)
            std::memcpy(buffer_.data() + buffer_.end + sizeof(stream_frame), aligned_.data(used), used);
        frame(used);
    }

    // A run of messages; false when there is no memory.
    bool append(std::span<std::byte const> run) noexcept
    {
        if (!make_room(stream_frame::bytes(run.size())))
            return false;
        std::memcpy(buffer_.data() + buffer_.end + sizeof(stream_frame), run.data(), run.size());
        frame(run.size());
        return true;
    }

    bool append_end() noexcept
    {
        if (!make_room(sizeof(stream_frame)))
            return false;
        buffer_.end += stream_frame::write_around(buffer_.data() + buffer_.end, 0, stream_frame::end);
        return true;
    }

    std::span<std::byte const> unsent() const noexcept { return {buffer_.data() + sent_, buffer_.end - sent_}; }
    void count_sent(std::size_t bytes) noexcept
    {
        sent_ += bytes;
        while (begun_end_ < sent_) {
            stream_frame const f = frame_at(begun_end_);
            begun_ += messages_in(f);
            begun_end_ += stream_frame::bytes(f.size);
        }
        if (first_ < acknowledged_) [[unlikely]]
            prune(sent_);
    }

    // For another connection, which begins with first().
    void resend_all() noexcept
    {
        prune(begun_end_);
        sent_ = buffer_.begin;
    }

    // False: what was never sent cannot be acknowledged, and nothing twice.
    bool acknowledge(std::uint64_t consumed, bool end) noexcept
    {
        if (consumed < acknowledged_ || consumed > begun_)
            return false;
        acknowledged_ = consumed;
        end_acknowledged_ = end;
        prune(sent_);
        return true;
    }

private:
    stream_frame frame_at(std::size_t offset) const noexcept { return stream_frame::at(buffer_.data() + offset); }

    static std::uint64_t messages_in(stream_frame const& f) noexcept
    {
        return f.kind == stream_frame::end ? 0 : L.fixed_size == 0 ? 1 : f.size / std::max<std::uint64_t>(1, L.fixed_size);
    }

    // Drops the frames that are acknowledged, as far as they end before `end`. On a connection each frame is sent that comes
    // behind first() as it was said there, also one that is acknowledged meanwhile, since it was sent on the one before:
    // the receiver counts them.
    void prune(std::size_t end) noexcept
    {
        while (buffer_.begin != buffer_.end) {
            stream_frame const f = frame_at(buffer_.begin);
            std::uint64_t const last = first_ + messages_in(f);
            std::size_t const bytes = stream_frame::bytes(f.size);
            bool const done = f.kind == stream_frame::end ? end_acknowledged_ : last <= acknowledged_;  // else a part of a run
            if (!done || buffer_.begin + bytes > end)
                break;
            first_ = last;
            buffer_.begin += bytes;
        }
        if (buffer_.begin == buffer_.end)
            buffer_.begin = buffer_.end = sent_ = begun_end_ = 0;
    }

    bool make_room(std::size_t bytes) noexcept { return buffer_.room() >= bytes || move_or_grow(bytes); }

    // As much again as is kept: each byte is moved twice at most, on an average.
    [[gnu::noinline, gnu::cold]] bool move_or_grow(std::size_t bytes) noexcept
    {
        std::size_t const before = buffer_.begin;
        if (!buffer_.make_room(bytes + buffer_.size()))
            return false;
        sent_ -= before - buffer_.begin;
        begun_end_ -= before - buffer_.begin;
        return true;
    }

    void frame(std::size_t used) noexcept
    {
        next_ += messages_in({static_cast<std::uint32_t>(used), stream_frame::data});
        buffer_.end += stream_frame::write_around(buffer_.data() + buffer_.end, used, stream_frame::data);
    }

    stream_buffer buffer_;
    [[no_unique_address]] aligned_message<L> aligned_;
    std::size_t sent_ = 0;       // up to here in the buffer this connection has taken it
    std::size_t begun_end_ = 0;  // where the first frame begins of which no byte has gone on any
    std::uint64_t begun_ = 0;    // messages before that
    std::uint64_t first_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t next_ = 0;
    bool end_acknowledged_ = false;
    std::uint64_t capacity_;
};

}  // namespace strait::detail

#endif
