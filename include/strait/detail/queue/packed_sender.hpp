// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_QUEUE_PACKED_SENDER_HPP
#define STRAIT_DETAIL_QUEUE_PACKED_SENDER_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace strait::detail {

// The layout of packs of these messages. A pack varies in size, so the fingerprint says what size its messages have.
constexpr message_layout pack_layout(message_layout const& l) noexcept
{
    return {0, 8, (l.fingerprint ^ l.fixed_size) * 0x9e37'79b9'7f4a'7c15U, false};
}

// Sends packs, which are rows of frames, as the messages of an inner sender. So a batch of small messages becomes a few
// messages of the inner queue, each of which is accepted or refused as a whole.
//
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, class Inner>
class packed_sender {
public:
    packed_sender(Inner inner, std::chrono::nanoseconds linger)
        : inner_(std::move(inner)), pack_(inner_.message_size() / 8 * 8), linger_(linger)
    {
    }
    packed_sender(packed_sender&& other)
        : inner_(std::move(other.inner_)),
          staged_(std::exchange(other.staged_, {})),
          stats_(other.stats_),
          pack_(other.pack_),
          linger_(other.linger_)
    {
    }
    packed_sender& operator=(packed_sender&& other)
    {
        inner_ = std::move(other.inner_);
        staged_ = std::exchange(other.staged_, {});
        stats_ = other.stats_;
        pack_ = other.pack_;
        linger_ = other.linger_;
        return *this;
    }
    ~packed_sender() { (void)close(deadline::after(linger_)); }

    result<std::span<std::byte>> reserve(std::size_t size, deadline until)
    {
        if (size > pack_ || stream_frame::bytes(size) > pack_) [[unlikely]]
            return errc::message_too_large;
        if (error_code const e = make_room(stream_frame::bytes(size), until)) [[unlikely]]
            return e;
        if constexpr (aligned_message<L>::needed) {
            std::byte* const p = aligned_.data(size);
            if (!p)
                return errc::out_of_memory;
            return std::span(p, size);
        } else
            return std::span(payload(), size);
    }

    void commit(std::size_t used) noexcept
    {
        if constexpr (aligned_message<L>::needed)
            std::memcpy(payload(), aligned_.data(used), used);
        frame(used, 1);
    }

    result<void> flush(deadline until)
    {
        auto const sent = send_pack(until);
        if (!sent) [[unlikely]]
            staged_ = {.room = staged_.room};  // a message that was reserved still lies there: its commit can be repeated
        return sent;
    }

    result<std::size_t> put_n(std::span<std::byte const> messages, deadline until) requires(L.fixed_size != 0)
    {
        constexpr std::size_t least = stream_frame::bytes(L.fixed_size);
        constexpr std::size_t longest = stream_frame::messages_in_run(L.fixed_size);
        if (least > pack_)
            return errc::message_too_large;
        std::uint64_t const before = stats_.messages;
        error_code failed;
        while (!messages.empty() && !(failed = make_room(least, until))) {
            STRAIT_STEP();
            std::size_t const fitting = (pack_ - staged_.bytes - sizeof(stream_frame)) / L.fixed_size;
            std::size_t const n = std::min({fitting, longest, messages.size() / L.fixed_size});
            std::memcpy(payload(), messages.data(), n * L.fixed_size);
            frame(n * L.fixed_size, n);
            messages = messages.subspan(n * L.fixed_size);
        }
        if (auto const left = flush(until); !left && !failed)
            failed = left.error();
        if (failed && stats_.messages == before)
            return failed;
        return static_cast<std::size_t>(stats_.messages - before);
    }

    result<void> close(deadline until)
    {
        result<void> flushed;
        if (staged_.bytes != 0)
            flushed = flush(until);
        auto const closed = inner_.close(until);
        return flushed ? closed : flushed;
    }

    channel_stats stats() const
    {
        channel_stats s = inner_.stats();
        s.messages = stats_.messages;
        s.bytes = stats_.bytes;
        return s;
    }

    refusals refused() const noexcept { return inner_.refused(); }

    bool awaits_receiver() const noexcept { return inner_.awaits_receiver(); }

    wake_source arm() noexcept { return inner_.arm(); }
    void disarm() const noexcept {}

    int native_handle() const noexcept requires requires(Inner const& i) { i.native_handle(); }
    {
        return inner_.native_handle();
    }

private:
    struct staged {
        std::byte* room = nullptr;  // what the inner sender has reserved for the pack; null: nothing
        std::size_t bytes = 0;
        std::uint64_t messages = 0;
        std::uint64_t payload = 0;
    };

    std::byte* payload() const noexcept { return staged_.room + staged_.bytes + sizeof(stream_frame); }

    error_code make_room(std::size_t bytes, deadline until)
    {
        if (staged_.bytes + bytes > pack_)
            if (auto const sent = send_pack(until); !sent)
                return sent.error();
        if (staged_.bytes == 0) {
            auto const room = inner_.reserve(pack_, until);
            if (!room)
                return room.error();
            staged_.room = room->data();
        }
        return {};
    }

    // Completes the frame of messages that lie behind the place of its header.
    void frame(std::size_t used, std::size_t messages) noexcept
    {
        std::byte* const at = staged_.room + staged_.bytes;
        stream_frame const header{static_cast<std::uint32_t>(used), stream_frame::data};
        std::size_t const bytes = stream_frame::bytes(used);
        std::memset(at + sizeof header + used, 0, bytes - sizeof header - used);
        std::memcpy(at, &header, sizeof header);
        staged_.bytes += bytes;
        staged_.messages += messages;
        staged_.payload += used;
    }

    // A pack that could not be sent stays where it is: the inner sender's room is its only memory.
    result<void> send_pack(deadline until)
    {
        if (staged_.bytes == 0)
            return inner_.flush(until);
        inner_.commit(staged_.bytes);
        auto const sent = inner_.flush(until);
        if (sent) [[likely]] {
            stats_.messages += staged_.messages;
            stats_.bytes += staged_.payload;
            staged_ = {};
        }
        return sent;
    }

    Inner inner_;
    staged staged_;
    [[no_unique_address]] aligned_message<L> aligned_;
    channel_stats stats_;
    std::size_t pack_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait::detail

#endif
