// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_RETRANSMIT_BUFFER_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_RETRANSMIT_BUFFER_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/frame/writer.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace strait::detail {

// The frames of one session that are not acknowledged: first those that a socket has taken, then those that none has taken
// yet. A frame is dropped when all its messages are acknowledged. When a connection breaks, all that are left are unsent
// again.
template <message_layout L>
class retransmit_buffer {
public:
    explicit retransmit_buffer(std::uint64_t capacity) : capacity_(capacity) {}

    // Nothing is buffered, not even an end frame.
    bool empty() const noexcept { return buffer().size() == 0; }
    std::size_t bytes() const noexcept { return buffer().size(); }
    // How many messages were ever added.
    std::uint64_t accepted() const noexcept { return next_; }
    // How many messages are not acknowledged.
    std::uint64_t messages() const noexcept { return next_ - acknowledged_; }

    // How many messages of the session come before the first frame that is buffered.
    std::uint64_t first() const noexcept { return first_; }

    // Whether a frame of so many bytes may be added. One message is always taken, however large.
    bool has_room(std::size_t bytes) const noexcept { return buffer().size() == 0 || buffer().size() + bytes <= capacity_; }
    std::uint64_t capacity() const noexcept { return capacity_; }

    // Room for a message of this size; out_of_memory.
    result<std::span<std::byte>> reserve(std::size_t size) { return writer_.reserve(size, buffer().size(), moved()); }

    void commit(std::size_t used) noexcept
    {
        writer_.commit(used, stream_frame::data);
        count_accepted(used);
    }

    // Adds a run of messages. False: there is no memory.
    bool append(std::span<std::byte const> run)
    {
        if (!writer_.append(run, stream_frame::data, buffer().size(), moved()))
            return false;
        count_accepted(run.size());
        return true;
    }

    // Adds the end frame. False: there is no memory.
    bool append_end() { return writer_.append({}, stream_frame::end, buffer().size(), moved()); }

    std::span<std::byte const> unsent() const noexcept { return {buffer().data() + sent_, buffer().end - sent_}; }
    void count_sent(std::size_t bytes) noexcept
    {
        sent_ += bytes;
        while (begun_end_ < sent_) {
            STRAIT_STEP();
            stream_frame const f = frame_at(begun_end_);
            begun_ += frame_writer<L>::messages_in(f);
            begun_end_ += stream_frame::bytes(f.size);
        }
        if (first_ < acknowledged_) [[unlikely]]
            prune(sent_);
    }

    // Everything is to be sent once more, on another connection, which begins with first().
    void resend_all() noexcept
    {
        prune(begun_end_);
        sent_ = buffer().begin;
    }

    // So many messages of the session are consumed, and its end is if `end`. False: that cannot be, since so many were
    // never sent, or more were acknowledged before.
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
    stream_frame frame_at(std::size_t offset) const noexcept { return stream_frame::at(buffer().data() + offset); }

    // Drops the frames that are acknowledged, as far as they end before `end`. On a connection every frame is sent that
    // lies behind first() as it was when the connection began, also one that is acknowledged meanwhile because it was sent
    // on the connection before: the receiver counts them.
    void prune(std::size_t end) noexcept
    {
        while (buffer().begin != buffer().end) {
            STRAIT_STEP();
            stream_frame const f = frame_at(buffer().begin);
            std::uint64_t const last = first_ + frame_writer<L>::messages_in(f);
            std::size_t const bytes = stream_frame::bytes(f.size);
            // Of a run a part may be acknowledged.
            bool const done = f.kind == stream_frame::end ? end_acknowledged_ : last <= acknowledged_;
            if (!done || buffer().begin + bytes > end)
                break;
            first_ = last;
            buffer().begin += bytes;
        }
        if (buffer().begin == buffer().end)
            buffer().begin = buffer().end = sent_ = begun_end_ = 0;
    }

    stream_buffer& buffer() noexcept { return writer_.bytes; }
    stream_buffer const& buffer() const noexcept { return writer_.bytes; }

    // Keeps the offsets right when the writer moves the bytes. It is asked for as much room again as is buffered, so that
    // each byte is moved twice at most, on average.
    auto moved() noexcept
    {
        return [this](std::size_t by) {
            sent_ -= by;
            begun_end_ -= by;
        };
    }

    void count_accepted(std::size_t payload) noexcept
    {
        next_ += frame_writer<L>::messages_in({static_cast<std::uint32_t>(payload), stream_frame::data});
    }

    frame_writer<L> writer_;
    std::size_t sent_ = 0;       // up to this offset the socket of this connection has taken the bytes
    std::size_t begun_end_ = 0;  // where the first frame begins of which no byte has left on any connection
    std::uint64_t begun_ = 0;    // messages before that
    std::uint64_t first_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t next_ = 0;
    bool end_acknowledged_ = false;
    std::uint64_t capacity_;
};

}  // namespace strait::detail

#endif
