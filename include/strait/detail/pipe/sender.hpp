// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_PIPE_SENDER_HPP
#define STRAIT_DETAIL_PIPE_SENDER_HPP

#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/pipe/fifo.hpp>
#include <strait/detail/pipe/frame.hpp>
#include <strait/detail/pipe/writer.hpp>
#include <strait/options.hpp>
#include <strait/stats.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace strait::detail {

// The sender of a channel over a pipe: frames, handed to a fifo_writer when they are flushed or would not fit into
// PIPE_BUF.
//
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class fifo_sender {
    using frame = pipe_frame<L>;

public:
    static result<fifo_sender> open(endpoint const& where, channel_options const& how, message_type const& type)
    {
        auto const connect_until = deadline::after(how.connect_timeout);
        location place;
        participant member;
        if (error_code const e = location::find(where, how.access, place))
            return e;
        if (error_code const e = join_fifo<L>(place, how, type, role::sender, member))
            return e;
        auto pages = allocate_pages(pipe_frame_limit);
        fifo_writer writer(std::move(member), std::move(place), connect_until);
        if (auto sound = pages ? writer.check() : errc::out_of_memory; !sound) {
            writer.leave(deadline::after(fifo_membership::lock_timeout));
            return sound.error();
        }
        writer.count_in();
        return fifo_sender(std::move(writer), std::move(pages), how.linger);
    }

    // For a pipe without a name, of a participant that has joined.
    static result<fifo_sender> of(participant member, descriptor pipe, std::chrono::nanoseconds linger)
    {
        auto pages = allocate_pages(pipe_frame_limit);
        if (!pages) {
            member.leave_nameless();
            return errc::out_of_memory;
        }
        fifo_writer writer(std::move(member), std::move(pipe));
        writer.count_in();
        return fifo_sender(std::move(writer), std::move(pages), linger);
    }

    fifo_sender(fifo_sender&&) = default;
    fifo_sender& operator=(fifo_sender&&) = default;
    ~fifo_sender() { (void)close(deadline::after(linger_)); }

    result<std::span<std::byte>> reserve(std::size_t size, deadline until)
    {
        if (size > frame::largest) [[unlikely]]
            return errc::message_too_large;
        if (!writer_.is_connected()) [[unlikely]]
            if (auto connected = writer_.connect(until); !connected)
                return connected.error();
        if (staged_.used + frame::bytes(size) > pipe_frame_limit) [[unlikely]]
            if (auto drained = drain(until); !drained)
                return drained.error();
        return std::span(pages_.get() + staged_.used + frame::header, size);
    }

    void commit(std::size_t used) noexcept
    {
        frame::close(pages_.get() + staged_.used, used);
        staged_.used += frame::bytes(used);
        staged_.bytes += used;
        ++staged_.messages;
    }

    result<void> flush(deadline until)
    {
        if (staged_.used == 0) [[unlikely]]
            return check_member();
        auto done = drain(until);
        if (!done) [[unlikely]]
            staged_ = {};
        return done;
    }

    // Writes straight from the caller's array, and returns how many messages were accepted; an error only if none was.
    result<std::size_t> put_n(std::span<std::byte const> messages, deadline until)
        requires(L.fixed_size != 0)
    {
        if (auto before = flush(until); !before)
            return before.error();
        if (!writer_.is_connected())
            if (auto connected = writer_.connect(until); !connected)
                return connected.error();
        std::uint64_t const earlier = accepted_.messages;
        while (!messages.empty()) {
            STRAIT_STEP();
            auto const run = messages.first(std::min(messages.size(), pipe_frame_limit / L.fixed_size * L.fixed_size));
            auto const [sent, failed] = hand_over(run, run.size() == L.fixed_size, until);
            messages = messages.subspan(sent);
            if (!failed)
                continue;
            if (accepted_.messages == earlier)
                return failed;
            break;
        }
        return static_cast<std::size_t>(accepted_.messages - earlier);
    }

    result<void> close(deadline until)
    {
        if (!writer_.is_member()) {
            staged_ = {};
            return writer_.missing() == errc::inherited_handle ? result<void>(errc::inherited_handle) : result<void>();
        }
        auto flushed = flush(until);
        writer_.leave(until);
        return flushed;
    }

    channel_stats stats() const
    {
        return {accepted_.messages, accepted_.bytes, writer_.waits(), writer_.depth(), 0};
    }

    refusals refused() const noexcept { return read_refusals(writer_.control_file()); }

    // Whether the first receiver may still come, so that after no_receiver it pays to wait.
    bool awaits_receiver() const noexcept { return writer_.awaits_receiver(); }

    wake_source arm() const noexcept { return writer_.arm(); }
    void disarm() const noexcept {}

    // The name was removed and the other end has joined: no further one will come.
    void expect_no_more_peers() noexcept { writer_.forget_name(); }

    // Writable when there is room; -1 before the first receiver has come.
    int native_handle() const noexcept { return writer_.fd(); }

private:
    struct count {
        std::size_t used = 0;  // bytes of frames
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0;
    };

    fifo_sender(fifo_writer writer, page_memory pages, std::chrono::nanoseconds linger)
        : writer_(std::move(writer)), pages_(std::move(pages)), linger_(linger)
    {
    }

    result<void> check_member() const
    {
        if (!writer_.is_member())
            return writer_.missing();
        return {};
    }

    void accept(count const& c) noexcept
    {
        accepted_.messages += c.messages;
        accepted_.bytes += c.bytes;
    }

    result<void> drain(deadline until)
    {
        if (staged_.messages == 1) [[likely]] {
            auto written = writer_.write(pages_.get(), staged_.used, until);
            if (written) [[likely]]
                accept(std::exchange(staged_, {}));
            return written;
        }
        return drain_several(until);
    }

    // After an error the frames that were not handed over stay staged, moved to the front.
    [[gnu::noinline]] result<void> drain_several(deadline until)
    {
        std::span const all(pages_.get(), staged_.used);
        auto const [sent, failed] = hand_over(all, false, until);
        if (!failed) {
            staged_ = {};
            return {};
        }
        std::copy(all.begin() + static_cast<std::ptrdiff_t>(sent), all.end(), all.begin());
        auto const left = frame::count(all.first(all.size() - sent));
        staged_ = {all.size() - sent, left.messages, left.bytes};
        return failed;
    }

    // Hands over whole frames, at most PIPE_BUF bytes: in one write if there is room, else as many frames as there is
    // room for, and waits for room for the rest then. Returns the bytes handed over.
    std::pair<std::size_t, error_code> hand_over(std::span<std::byte const> frames, bool single, deadline until)
    {
        auto const whole = writer_.write(frames.data(), frames.size(), single ? until : deadline::poll());
        std::size_t sent = whole ? frames.size() : 0;
        error_code failed = whole ? error_code() : whole.error();
        if (failed == errc::full && !single) {
            failed = {};
            while (sent < frames.size()) {
                STRAIT_STEP();
                std::size_t const one = frame::bytes(frame::payload(frames.data() + sent));
                if (!writer_.write(frames.data() + sent, one, deadline::poll()))
                    break;
                sent += one;
            }
            if (sent != frames.size()) {
                auto const rest = writer_.write(frames.data() + sent, frames.size() - sent, until);
                if (rest)
                    sent = frames.size();
                else
                    failed = rest.error();
            }
        }
        auto const done = frame::count(frames.first(sent));
        accept({sent, done.messages, done.bytes});
        return {sent, failed};
    }

    fifo_writer writer_;
    page_memory pages_;
    count staged_;
    count accepted_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait::detail

#endif
