// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_STREAM_RECEIVER_HPP
#define STRAIT_DETAIL_SOCKET_STREAM_RECEIVER_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/socket/connection_set.hpp>
#include <strait/detail/socket/idle_wait.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <poll.h>

namespace strait::detail {

// The receiving end over stream sockets: one listener, any number of senders, taken in turns.
template <message_layout L, class Listener, class Ledger = no_ledger>
class stream_receiver {
    using progress = stream_connection::progress;

public:
    stream_receiver(Listener listener, std::uint64_t limit, std::chrono::nanoseconds linger, Ledger ledger = {})
        : come_(std::move(listener), limit, std::move(ledger)), linger_(linger)
    {
    }

    // Before anything else; an error leaves the channel.
    error_code start()
    {
        error_code const e = come_.start();
        if (e)
            (void)close(deadline::after(linger_));
        return e;
    }

    stream_receiver(stream_receiver&&) = default;
    stream_receiver& operator=(stream_receiver&&) = default;
    ~stream_receiver() { (void)close(deadline::after(linger_)); }

    // A connection that needs no accepting.
    error_code adopt(descriptor socket, peer_identity who)
    {
        silence_.seen();
        return come_.add(std::move(socket), who);
    }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (!come_.fd()) [[unlikely]]  // what is buffered belongs to the parent
            return come_.fd().missing();
        if (shown_) [[unlikely]]
            return aligned_.show(come_.front().payload());
        for (bool waited = false;;) {
            error_code const found = look();
            if (!found) {
                silence_.over();
                return aligned_.show(come_.front().payload());
            }
            if (found != look_again)
                return found;
            if (error_code const e = silence_.wait(come_, until, stats_, waited))
                return e;
        }
    }

    void release() noexcept
    {
        if (!shown_ || !come_.fd())
            return;
        shown_ = false;
        ++stats_.messages;
        std::size_t const size = come_.front().payload().size();
        stats_.bytes += size;
        come_.release(1, size);
        tell_if_drained();
    }

    // Those that came with the message that is shown; what nobody moves away is closed with its release.
    std::span<descriptor> handles() noexcept
        requires(L.handles)
    {
        return come_.front().handles();
    }

    // Copies messages as long as the same sender has more.
    result<std::size_t> take_n(std::span<std::byte> to, deadline until)
        requires(L.fixed_size != 0)
    {
        if (auto first = peek(until); !first)
            return first.error();
        std::size_t const most = to.size() / L.fixed_size;
        std::size_t taken = 0;
        do {
            stream_connection& from = come_.front();
            std::size_t const n = std::min(from.available(), most - taken);
            std::memcpy(to.data() + taken * L.fixed_size, from.payload().data(), n * L.fixed_size);
            come_.release(n, L.fixed_size);
            taken += n;
            shown_ = false;
        } while (taken != most && has_message());
        tell_if_drained();
        stats_.messages += taken;
        stats_.bytes += taken * L.fixed_size;
        return taken;
    }

    // The sender of the last one has another. What ends the stream is left to peek().
    bool has_message()
    {
        if (shown_ || come_.empty())
            return shown_;
        progress const p = come_.next();
        return p == progress::message ||
               (p == progress::drained && come_.read() == progress::more && come_.next() == progress::message);
    }

    end_reason ended() const noexcept { return silence_.why(); }

    result<void> close(deadline until)
    {
        if (!open_)
            return {};
        open_.clear();
        shown_ = false;
        (void)come_.ledger().settle(true);
        come_.close();
        if (come_.listener().usable())
            come_.listener().leave(until);
        return {};
    }

    channel_stats stats() const noexcept
    {
        channel_stats s = stats_;
        s.dropped += come_.turned_away();
        return s;
    }

    int native_handle() const noexcept { return come_.fd().get(); }

    // While there are no descriptors for those who come, nothing tells when there are some.
    wake_source arm() noexcept
    {
        (void)come_.ledger().settle(true);  // nobody may ask again for long
        return {.descriptor = come_.fd().get(), .events = POLLIN, .file = come_.listener().file(), .again = come_.is_deaf()};
    }
    void disarm() const noexcept {}
    Listener const& listener() const noexcept { return come_.listener(); }
    peer_identity const& last_peer() const noexcept { return last_peer_; }

private:
    // What look() says when it has neither a message (no error) nor a failure.
    static inline error_code const look_again{EAGAIN, boost::system::system_category()};

    // Nobody need wait for the next look to learn what was consumed. Where messages come fast many were read at a time.
    void tell_if_drained() noexcept(!Ledger::counts)
    {
        if constexpr (Ledger::counts)
            if (come_.next() != progress::message)
                (void)come_.ledger().settle(true);
    }

    // Takes the connections that have something in turns: a message of one, or nothing more to be had without waiting.
    error_code look()
    {
        while (!come_.empty()) {
            progress p = come_.next();
            if (p == progress::drained) {
                if (come_.front().is_exhausted()) {
                    come_.rest();
                    continue;
                }
                p = come_.read();
                if (p == progress::drained) {
                    come_.rest();
                    continue;
                }
            }
            switch (p) {
            case progress::message:
                shown_ = true;
                last_peer_ = come_.front().peer();
                silence_.seen();
                return {};
            case progress::more:
                if (++reads_ % 64 == 0 || come_.count() > 1) {
                    come_.rotate();
                    come_.gather(deadline::poll());  // others may have come meanwhile
                }
                break;
            case progress::no_memory:
                return errc::out_of_memory;
            case progress::no_descriptors:
                silence_.seen();
                ++stats_.dropped;
                come_.front().release();
                return errc::descriptor_limit;
            case progress::left:
                come_.ledger().ended(come_.front());
                finish();
                break;
            case progress::malformed:
                silence_.died();
                ++stats_.dropped;
                come_.ledger().bar(come_.front());
                finish();
                return errc::malformed_message;
            case progress::died:
                if (come_.front().is_greeted() || come_.listener().fd() < 0) {
                    if (!Ledger::counts)  // else it may come back
                        silence_.died();
                    finish();
                    break;
                }
                [[fallthrough]];
            default:
                come_.turn_away();
            }
        }
        return look_again;
    }

    // The first connection is over.
    void finish()
    {
        silence_.gone();
        come_.finish();
    }

    stream_arrivals<L, Listener, Ledger> come_;
    stream_silence silence_;
    [[no_unique_address]] aligned_message<L> aligned_;
    channel_stats stats_;
    std::chrono::nanoseconds linger_;
    peer_identity last_peer_;
    std::uint64_t reads_ = 0;
    bool shown_ = false;  // the message in front of the first that is ready
    open_flag open_;
};

}  // namespace strait::detail

#endif
