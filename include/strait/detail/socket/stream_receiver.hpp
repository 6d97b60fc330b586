// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_STREAM_RECEIVER_HPP
#define STRAIT_DETAIL_SOCKET_STREAM_RECEIVER_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/socket/connection_set.hpp>
#include <strait/detail/socket/idle_wait.hpp>
#include <strait/detail/socket/listener.hpp>
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

// The receiving end over stream sockets: one listener, any number of senders, whose connections are read in turns.
template <message_layout L, listener Listener, class Sessions = no_acknowledgement, class Connection = stream_connection>
    requires stream_sessions<Sessions, Connection>
class stream_receiver {
    using progress = stream_progress;

public:
    stream_receiver(Listener from, std::uint64_t limit, std::chrono::nanoseconds linger, Sessions sessions = {})
        : connections_(std::move(from), limit, std::move(sessions)), linger_(linger)
    {
    }

    // Before start(): what a sender of another type is told of ours.
    void describe(message_type const& type) noexcept { connections_.describe(type); }

    // Before anything else. The end is open then; an error leaves the channel.
    error_code start()
    {
        error_code const e = connections_.start();
        if (e)
            (void)close(deadline::after(linger_));
        else
            connections_.listener().count_in();
        return e;
    }

    stream_receiver(stream_receiver&&) = default;
    stream_receiver& operator=(stream_receiver&&) = default;
    ~stream_receiver() { (void)close(deadline::after(linger_)); }

    // Takes a connection that needs no accepting.
    error_code adopt(descriptor socket, peer_identity const& who)
    {
        idle_.seen();
        return connections_.add(std::move(socket), who);
    }

    // The peer of the connection that was adopted is this process and no other one.
    void watch_process(::pid_t peer) { connections_.watch_process(peer); }

    // When this end closes it waits, up to the deadline, until the peer's host has what left by the other direction of its socket.
    void await_delivery() noexcept { connections_.await_delivery(); }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (!connections_.fd()) [[unlikely]]  // in a child of fork() what is buffered belongs to the parent
            return connections_.fd().missing();
        if (shown_) [[unlikely]]
            return aligned_.show(connections_.front().payload());
        unsigned looks = 0;
        for (bool waited = false;;) {
            STRAIT_STEP();
            error_code const found = look(until);
            if (!found) {
                idle_.over();
                return aligned_.show(connections_.front().payload());
            }
            if (found != look_again)
                return found;
            if (++looks > most_late_looks && until.passed())
                return until.is_poll() ? errc::empty : errc::timed_out;
            if (error_code const e = idle_.wait(connections_, until, stats_, waited))
                return e;
        }
    }

    void release() noexcept
    {
        if (!shown_ || !connections_.fd())
            return;
        shown_ = false;
        ++stats_.messages;
        std::size_t const size = connections_.front().payload().size();
        stats_.bytes += size;
        connections_.release(1, size);
        acknowledge_if_drained();
    }

    // The descriptors that came with the message that is shown. Those that are not moved away are closed when it is
    // released.
    std::span<descriptor> handles() noexcept
        requires(L.handles)
    {
        return connections_.front().handles();
    }

    // Copies messages as long as the sender of the first one has more.
    result<std::size_t> take_n(std::span<std::byte> to, deadline until)
        requires(L.fixed_size != 0)
    {
        if (auto first = peek(until); !first)
            return first.error();
        std::size_t const most = to.size() / L.fixed_size;
        std::size_t taken = 0;
        do {
            STRAIT_STEP();
            Connection& from = connections_.front();
            std::size_t const n = std::min(from.available(), most - taken);
            std::memcpy(to.data() + taken * L.fixed_size, from.payload().data(), n * L.fixed_size);
            connections_.release(n, L.fixed_size);
            taken += n;
            shown_ = false;
        } while (taken != most && has_message());
        acknowledge_if_drained();
        stats_.messages += taken;
        stats_.bytes += taken * L.fixed_size;
        return taken;
    }

    // Whether the sender of the last message has another one. What ends the stream is left to peek().
    bool has_message()
    {
        if (shown_ || connections_.empty())
            return shown_;
        progress const p = connections_.next();
        return p == progress::message ||
               (p == progress::drained && connections_.read() == progress::more && connections_.next() == progress::message);
    }

    end_reason ended() const noexcept { return idle_.why(); }

    // The channel's name is removed on purpose.
    void expect_no_more_peers() noexcept
        requires requires(Listener& l) { l.forget_name(); }
    {
        connections_.listener().forget_name();
    }

    result<void> close(deadline until)
    {
        if (!open_)
            return {};
        open_.clear();
        shown_ = false;
        (void)connections_.sessions().settle(true);
        connections_.close(until);
        if (connections_.listener().usable())
            connections_.listener().leave(until);
        return {};
    }

    channel_stats stats() const noexcept
    {
        channel_stats s = stats_;
        s.dropped += connections_.turned_away();
        return s;
    }

    refusals refused() const noexcept { return connections_.refused(); }
    int native_handle() const noexcept { return connections_.fd().get(); }

    // While there are no descriptors for connections that come, nothing says when there are some again; nor when the
    // time is over that senders have for their last words.
    wake_source arm() noexcept
    {
        (void)connections_.sessions().settle(true);  // it may be long until the next operation
        if constexpr (requires { connections_.arm(); })
            (void)connections_.arm();
        return {.descriptor = connections_.fd().get(),
                .events = POLLIN,
                .file = connections_.listener().file(),
                .again = connections_.is_out_of_descriptors() || idle_.is_leaving(),
                .buffered = shown_ || !connections_.empty(),
                .serial = connections_.fd().serial()};
    }
    void disarm() noexcept
    {
        if constexpr (requires { connections_.disarm(); })
            connections_.disarm();
    }
    Listener const& listener() const noexcept { return connections_.listener(); }
    peer_identity const& last_peer() const noexcept { return last_peer_; }

private:
    // What look() says when it has neither a message (no error) nor a failure.
    static inline error_code const look_again{EAGAIN, boost::system::system_category()};

    // When all that was read is consumed, acknowledgements leave at once: the next operation may be far off. Where
    // messages come fast, many are read at a time.
    void acknowledge_if_drained() noexcept(!Sessions::acknowledges)
    {
        if constexpr (Sessions::acknowledges)
            if (connections_.next() != progress::message)
                (void)connections_.sessions().settle(true);
    }

    // What peers send without end must not hold an operation for longer than its deadline. So when that has passed, or is
    // poll(), an operation looks at its connections so often, and makes so many reads in each look. What it leaves
    // behind is still unread in the kernel, which reports it again.
    static constexpr unsigned most_late_looks = 4;
    static constexpr unsigned most_late_reads = 64;

    // Reads the connections that have something, in turns, up to the first message. look_again: nothing more can be had
    // without waiting, or there is no time for more.
    error_code look(deadline until)
    {
        unsigned reads = 0;
        while (!connections_.empty()) {
            STRAIT_STEP();
            progress p = connections_.next();
            if (p == progress::drained) {
                if ((connections_.front().is_exhausted() && !connections_.has_process_ended()) || (++reads > most_late_reads && until.passed())) {
                    connections_.rest();
                    continue;
                }
                p = connections_.read();
                if (p == progress::drained) {
                    connections_.rest();
                    continue;
                }
            }
            switch (p) {
            case progress::message:
                shown_ = true;
                if (connections_.front().number() != last_sender_) [[unlikely]]
                    note_sender();
                idle_.seen();
                return {};
            case progress::more:
                connections_.rotate();
                if (++reads_ % 64 == 0)
                    connections_.gather(deadline::poll());  // others may have something meanwhile
                break;
            case progress::no_memory:
                return errc::out_of_memory;
            case progress::no_descriptors:
                idle_.seen();
                ++stats_.dropped;
                connections_.front().release();
                return errc::descriptor_limit;
            case progress::left:
                connections_.sessions().ended(connections_.front());
                finish();
                break;
            case progress::malformed:
                idle_.died();
                ++stats_.dropped;
                connections_.sessions().bar(connections_.front());
                finish();
                return errc::malformed_message;
            case progress::corrupt:
                idle_.died();
                ++stats_.dropped;
                finish();
                return errc::peer_corrupt;
            case progress::died:
                if (connections_.front().is_greeted() || connections_.listener().fd() < 0) {
                    if (!Sessions::acknowledges)  // else its sender may come back
                        idle_.died();
                    finish();
                    break;
                }
                [[fallthrough]];
            default:
                connections_.turn_away();
            }
        }
        return look_again;
    }

    // The messages shown from now on are those of another connection.
    [[gnu::noinline]] void note_sender() noexcept
    {
        last_sender_ = connections_.front().number();
        last_peer_ = connections_.front().peer();
    }

    // The first connection is over.
    void finish()
    {
        idle_.gone();
        connections_.finish();
    }

    connection_set<L, Listener, Sessions, Connection> connections_;
    idle_wait idle_;
    [[no_unique_address]] aligned_message<L> aligned_;
    channel_stats stats_;
    std::chrono::nanoseconds linger_;
    peer_identity last_peer_;
    std::uint64_t last_sender_ = 0;  // the number of its connection
    std::uint64_t reads_ = 0;
    bool shown_ = false;  // the message in front of the first that is ready
    open_flag open_;
};

}  // namespace strait::detail

#endif
