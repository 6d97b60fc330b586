// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_STREAM_SENDER_HPP
#define STRAIT_DETAIL_SOCKET_STREAM_SENDER_HPP

#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/socket/send_buffer.hpp>
#include <strait/detail/socket/stream_link.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace strait::detail {

// The sending end over a connected socket: a buffer of frames, and the connection that they leave by.
template <message_layout L, connector Connector>
class stream_sender {
public:
    stream_sender(Connector c, std::uint64_t limit, deadline connect_until, std::chrono::nanoseconds linger)
        : link_(std::move(c), connect_until), limit_(limit), linger_(linger)
    {
    }

    // Over a socket that is connected already. `both_ways`: a receiver of this process reads from it.
    stream_sender(Connector c, descriptor socket, std::uint64_t limit, std::chrono::nanoseconds linger, bool both_ways = false)
        : stream_sender(std::move(c), limit, deadline::never(), linger)
    {
        link_.adopt(std::move(socket), both_ways);
    }

    stream_sender(stream_sender&&) = default;
    stream_sender& operator=(stream_sender&&) = default;
    ~stream_sender() { (void)close(deadline::after(linger_)); }

    // The first try, when the end is opened: what fails for want of a receiver is tried again by later operations.
    // Without an error the end is open.
    error_code try_connect()
    {
        error_code const e = link_.try_connect();
        if (!e)
            link_.connector().count_in();
        return e;
    }

    // The peer of the socket that is connected already is this process and no other one.
    void watch_process(::pid_t peer) noexcept
        requires requires(Connector& c) { c.watch_process(peer); }
    {
        link_.connector().watch_process(peer);
    }

    // Whether the first receiver may still come: none was reached yet, and options.connect_timeout is not over.
    bool awaits_receiver() const noexcept { return link_.awaits_receiver(); }

    result<std::span<std::byte>> reserve(std::size_t size, deadline until)
    {
        if (size > limit_) [[unlikely]]
            return errc::message_too_large;
        if (out_.is_enough(stream_frame::bytes(size), link_.connector().chunk())) [[unlikely]]
            if (auto drained = drain(until); !drained)
                return drained.error();
        return out_.reserve(size);
    }

    result<void> attach(std::span<int const> handles)
        requires(L.handles)
    {
        if (handles.size() > stream_frame::most_handles)
            return errc::too_many_descriptors;
        out_.attach(handles);
        return {};
    }

    void commit(std::size_t used) noexcept { out_.commit(used); }

    result<void> copy_in(std::span<std::byte const> message, deadline until)
        requires(L.fixed_size >= stream_chunk)
    {
        if (auto left = flush(until); !left)
            return left;
        if (!out_.empty())  // of the one before
            return until.is_poll() ? errc::full : errc::timed_out;
        if (!link_.socket())
            if (error_code const e = link_.connect(until, out_.waits()))
                return e;
        auto const done = out_.send_large(link_.connector(), link_.socket().get(), message, until);
        if (!done && done.error() == errc::no_receiver)
            return lose();
        if (!done && done.error() == errc::out_of_memory)
            (void)lose();
        return done;
    }

    result<std::size_t> put_n(std::span<std::byte const> messages, deadline until)
        requires(L.fixed_size != 0)
    {
        // A run cannot be withdrawn in part: only a caller that waits for all of it sends one.
        std::size_t const fitting = std::clamp<std::size_t>((link_.connector().chunk() - sizeof(stream_frame)) / L.fixed_size, 1,
                                                            stream_frame::messages_in_run(L.fixed_size));
        std::size_t const longest = (until.is_never() ? fitting : 1) * L.fixed_size;
        std::uint64_t const before = out_.accepted();
        error_code failed;
        while (!failed && !messages.empty()) {
            STRAIT_STEP();
            auto const run = messages.first(std::min(messages.size(), longest));
            if (out_.is_enough(stream_frame::bytes(run.size()), link_.connector().chunk())) {
                failed = flush(until).error();
                continue;
            }
            if (failed = out_.append(run); !failed)
                messages = messages.subspan(run.size());
        }
        if (!failed)
            failed = flush(until).error();
        if (failed && out_.accepted() == before)
            return failed;
        return static_cast<std::size_t>(out_.accepted() - before);
    }

    result<void> flush(deadline until)
    {
        auto done = drain(until);
        if (!done) [[unlikely]]
            out_.withdraw();
        out_.forget_handles();
        return done;
    }

    result<void> close(deadline until)
    {
        if (!link_.is_open())
            return {};
        auto const done = link_.is_usable() ? say_goodbye(until) : result<void>();
        link_.close();
        return done;
    }

    channel_stats stats() const noexcept { return out_.stats(); }
    refusals refused() const noexcept { return read_refusals(link_.connector().file()); }
    int native_handle() const noexcept { return link_.socket().get(); }
    bool has_unsent() const noexcept { return out_.has_unsent(); }

    // Without a connection it tries again, and may have to give up. A death of the receiver is reported by the control
    // file; where there is none it is looked for.
    wake_source arm() const noexcept
    {
        bool look = !link_.socket();
        if constexpr (requires { link_.connector().watches_process(); })
            look = look || link_.connector().watches_process();
        return {.descriptor = native_handle(), .events = POLLOUT, .file = link_.connector().file(), .again = look};
    }
    void disarm() const noexcept {}

private:
    result<void> drain(deadline until)
    {
        if (!link_.socket()) [[unlikely]] {
            error_code e = link_.check();
            if (!e && !out_.empty())
                e = link_.connect(until, out_.waits());
            if (e || out_.empty())
                return e ? result<void>(e) : result<void>();
        }
        auto done = out_.drain(link_.connector(), link_.socket().get(), until);
        if (!done && done.error() == errc::no_receiver) [[unlikely]]
            return lose();
        return done;
    }

    [[gnu::noinline, gnu::cold]] result<void> lose()
    {
        if (!link_.socket())
            return link_.socket().missing();
        errc const why = link_.read_rejection();
        out_.lose();
        link_.lose();
        return why;
    }

    // Sends the rest and the end of the stream, up to the deadline. The channel is left before the end of the stream
    // shows: a receiver that sees the end need not wait for the leaving. What the receiver may have said is read, since
    // closing over unread bytes would send a reset.
    result<void> say_goodbye(deadline until)
    {
        auto done = drain_all(until);
        link_.leave(until);
        if (!done || !link_.socket())
            return done;
        int const fd = link_.socket().get();
        if (!link_.connector().greets()) {
            link_.connector().say_end(fd, out_.accepted());
            return done;
        }
        if (error_code const e = out_.append_end())
            return e;
        if (done = drain_all(until); !done)
            return done;
        ::shutdown(fd, SHUT_WR);
        errc const why = link_.read_rejection();
        if (why != errc::no_receiver)
            return why;
        return {};
    }

    result<void> drain_all(deadline until)
    {
        auto done = drain(until);
        return done && !out_.empty() ? result<void>(errc::timed_out) : done;
    }

    stream_link<L, Connector> link_;
    send_buffer<L> out_;
    std::uint64_t limit_ = 0;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait::detail

#endif
