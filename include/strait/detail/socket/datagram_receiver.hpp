// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_DATAGRAM_RECEIVER_HPP
#define STRAIT_DETAIL_SOCKET_DATAGRAM_RECEIVER_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/frame/row.hpp>
#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/socket/listener.hpp>
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

// The receiving end over one descriptor that all senders share. Each datagram is a row of whole frames. From the first bad
// frame of a datagram on its rest is dropped, and no other datagram suffers. A frame that says `end` means that a sender
// has left: then the control file is asked whether the stream is over. A death is said by no frame, so the control file is
// asked now and then.
//
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, datagram_listener Listener>
class datagram_receiver {
public:
    datagram_receiver(Listener listener, std::uint64_t limit, std::chrono::nanoseconds linger)
        : listener_(std::move(listener)), limit_(limit), linger_(linger)
    {
    }

    // Before anything else. The end is open then; an error leaves the channel.
    error_code start()
    {
        std::size_t const size = listener_.packet();
        auto pages = allocate_pages(size);
        if (!pages || !listener_.start()) {
            (void)close(deadline::after(linger_));
            return errc::out_of_memory;
        }
        buffer_ = read_ahead(std::move(pages), size);
        listener_.count_in();
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

    // Copies messages up to the end of the datagram.
    result<std::size_t> take_n(std::span<std::byte> to, deadline until)
        requires(L.fixed_size != 0)
    {
        if (auto first = peek(until); !first)
            return first.error();
        std::size_t const most = to.size() / L.fixed_size;
        std::size_t taken = 0;
        do {
            STRAIT_STEP();
            std::size_t const n = std::min(row_.left, most - taken);
            std::memcpy(to.data() + taken * L.fixed_size, front(), n * L.fixed_size);
            take(n);
            taken += n;
        } while (taken != most && !buffer_.is_empty() && enter_frame());
        return taken;
    }

    // Whether the datagram has another message. What is wrong with it is left to peek().
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
    refusals refused() const noexcept { return read_refusals(listener_.file()); }
    int native_handle() const noexcept { return listener_.fd(); }

    wake_source arm() const noexcept
    {
        return {.descriptor = listener_.fd(),
                .events = POLLIN,
                .file = listener_.file(),
                .buffered = !buffer_.is_empty(),
                .serial = listener_.serial()};
    }
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
        outcome const o = listener_.receive(buffer_, stats_);
        if (o == outcome::datagram)
            ended_ = end_reason::none;
        return o;
    }

    // How many ends of streams are read before the caller looks at its deadline.
    static constexpr int most_ends = 64;

    // Reads on behind datagrams that say `end`, of which one was `told`. Returns `end` when so many have come in a row.
    outcome behind_ends(outcome o, bool& told) noexcept
    {
        for (int ends = 0; o == outcome::end && ends != most_ends; ++ends) {
            STRAIT_STEP();
            told = true;
            o = receive();
        }
        return o;
    }

    // Success: a datagram lies in the buffer, good or bad.
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
            STRAIT_STEP();
            o = behind_ends(o, ask);
            if (o == outcome::datagram)
                return {};
            if (o == outcome::malformed)
                return drop();
            if (o == outcome::failure)
                return last_failure();
            if (auto const why = listener_.senders_gone(ask); why != end_reason::none) {
                o = behind_ends(receive(), ask);  // sent just before the last one went
                if (o == outcome::nothing) {
                    ended_ = why;
                    return errc::closed;
                }
                if (o == outcome::datagram)
                    return {};
                if (o != outcome::end)
                    return o == outcome::malformed ? drop() : last_failure();
            }
            if (listener_.is_removed(ask))
                return errc::removed;
            if (until.is_poll())
                return errc::empty;
            stats_.waits += counted ? 0 : 1;  // also when it was held up while it polled
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
