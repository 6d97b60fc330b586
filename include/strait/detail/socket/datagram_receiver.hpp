// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_DATAGRAM_RECEIVER_HPP
#define STRAIT_DETAIL_SOCKET_DATAGRAM_RECEIVER_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/frame/row.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/wait/adaptive_spin.hpp>
#include <strait/detail/wait/futex.hpp>
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

enum class datagram_outcome { datagram, nothing, end, malformed, failure };

// The receiving end over one datagram socket, whoever sends to it. Each datagram is a row of whole frames; what is not is
// dropped, from its first bad frame on, and takes nothing else along. A frame that says `end` says: look at the control file,
// a sender has left. A death says nothing: hence the slices. The Listener is that of connection_set, and may have
//   bool start()                                            false: there is no memory for what it keeps
//   datagram_outcome receive(read_ahead&, channel_stats&)   where a datagram is more than its frames; does not wait
//
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, class Listener>
class datagram_receiver {
public:
    datagram_receiver(Listener listener, std::uint64_t limit, std::chrono::nanoseconds linger)
        : listener_(std::move(listener)), limit_(limit), linger_(linger)
    {
    }

    // Before anything else; an error leaves the channel.
    error_code start()
    {
        std::size_t const size = listener_.packet();
        auto pages = allocate_pages(size);
        bool ready = static_cast<bool>(pages);
        if constexpr (requires { listener_.start(); })
            ready = ready && listener_.start();
        if (!ready) {
            (void)close(deadline::after(linger_));
            return errc::out_of_memory;
        }
        buffer_ = read_ahead(std::move(pages), size);
        return {};
    }

    datagram_receiver(datagram_receiver&&) = default;
    datagram_receiver& operator=(datagram_receiver&&) = default;
    ~datagram_receiver() { (void)close(deadline::after(linger_)); }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (buffer_.is_empty()) {  // also in a child of fork()
            row_.left = 0;
            if (error_code const e = fill(until))
                return e;
        }
        if (row_.left == 0 && !enter_frame())
            return drop();
        return aligned_.show({front(), row_.size});
    }

    void release() noexcept { take(1); }

    // Copies messages as long as the datagram has more.
    result<std::size_t> take_n(std::span<std::byte> to, deadline until)
        requires(L.fixed_size != 0)
    {
        if (auto first = peek(until); !first)
            return first.error();
        std::size_t const most = to.size() / L.fixed_size;
        std::size_t taken = 0;
        do {
            std::size_t const n = std::min(row_.left, most - taken);
            std::memcpy(to.data() + taken * L.fixed_size, front(), n * L.fixed_size);
            take(n);
            taken += n;
        } while (taken != most && !buffer_.is_empty() && enter_frame());
        return taken;
    }

    // The datagram has another one. What is wrong with it is left to peek().
    bool has_message() noexcept
    {
        return !buffer_.is_empty() && (row_.left != 0 || row_.is_sound(frame(), buffer_.have - buffer_.at, limit_));
    }

    end_reason ended() const noexcept { return ended_; }

    result<void> close(deadline until)
    {
        if (!listener_.usable())
            return listener_.missing() == errc::inherited_handle ? result<void>(errc::inherited_handle) : result<void>();
        buffer_.clear();
        listener_.leave(until);
        return {};
    }

    channel_stats stats() const noexcept { return stats_; }
    int native_handle() const noexcept { return listener_.fd(); }

    wake_source arm() const noexcept { return {.descriptor = listener_.fd(), .events = POLLIN, .file = listener_.file()}; }
    void disarm() const noexcept {}

protected:
    Listener const& listener() const noexcept { return listener_; }

private:
    std::byte* frame() const noexcept { return buffer_.data() + buffer_.at; }
    std::byte* front() const noexcept { return frame() + row_.front; }
    bool enter_frame() noexcept { return row_.enter(frame(), buffer_.have - buffer_.at, limit_); }

    void take(std::size_t messages) noexcept
    {
        if (buffer_.is_empty())
            return;
        stats_.messages += messages;
        stats_.bytes += messages * row_.size;
        buffer_.at += row_.take(messages);
    }

    [[gnu::noinline, gnu::cold]] error_code drop() noexcept
    {
        ++stats_.dropped;
        buffer_.clear();
        return errc::malformed_message;
    }

    using outcome = datagram_outcome;

    outcome receive() noexcept
    {
        if constexpr (requires { listener_.receive(buffer_, stats_); }) {
            outcome const o = listener_.receive(buffer_, stats_);
            if (o == outcome::datagram)
                ended_ = end_reason::none;
            return o;
        }
        else
            return receive_frames();
    }

    outcome receive_frames() noexcept
    {
        auto const n = ::recv(listener_.fd(), buffer_.data(), buffer_.size, MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? outcome::nothing : outcome::failure;
        auto const size = static_cast<std::size_t>(n);
        if (size > buffer_.size || size < sizeof(stream_frame))  // cut, or nothing of ours
            return outcome::malformed;
        stream_frame const f = stream_frame::at(buffer_.data());
        if (size == sizeof f && f.kind == stream_frame::end && f.size == 0)
            return outcome::end;
        buffer_.at = 0;
        buffer_.have = size;
        ended_ = end_reason::none;
        return outcome::datagram;
    }

    // Success: a datagram lies in the buffer, which is good or not.
    error_code fill(deadline until)
    {
        outcome o = receive();
        return o == outcome::datagram ? error_code() : wait(until, o);
    }

    [[gnu::noinline, gnu::cold]] error_code wait(deadline until, outcome o)
    {
        if (!listener_.usable())
            return listener_.missing();
        bool counted = false;
        bool ask = false;
        if (o == outcome::nothing)
            try_before_sleeping(spin_, until, [&] { return (o = receive()) != outcome::nothing; });
        for (;; o = receive()) {
            if (o == outcome::datagram)
                return {};
            if (o == outcome::malformed)
                return drop();
            if (o == outcome::failure)
                return last_failure();
            ask = ask || o == outcome::end;
            if (o == outcome::end)
                continue;
            if (auto const why = listener_.senders_gone(ask); why != end_reason::none) {
                do
                    o = receive();  // sent just before the last one went
                while (o == outcome::end);
                if (o == outcome::nothing) {
                    ended_ = why;
                    return errc::closed;
                }
                if (o == outcome::datagram)
                    return {};
                return o == outcome::malformed ? drop() : last_failure();
            }
            if (until.is_poll())
                return errc::empty;
            stats_.waits += counted ? 0 : 1;  // also of one who was held up while it spun
            counted = true;
            if (until.passed())
                return errc::timed_out;
            ask = !wait_descriptor(listener_.fd(), POLLIN, until.capped(wait_slice));
        }
    }

    Listener listener_;
    read_ahead buffer_;
    [[no_unique_address]] aligned_message<L> aligned_;
    frame_row<L> row_;
    std::uint64_t limit_;
    channel_stats stats_;
    std::chrono::nanoseconds linger_;
    adaptive_spin spin_;
    end_reason ended_ = end_reason::none;
};

}  // namespace strait::detail

#endif
