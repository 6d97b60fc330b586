// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_PIPE_RECEIVER_HPP
#define STRAIT_DETAIL_PIPE_RECEIVER_HPP

#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/pipe/fifo.hpp>
#include <strait/detail/pipe/frame.hpp>
#include <strait/detail/pipe/reader.hpp>
#include <strait/options.hpp>
#include <strait/stats.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace strait::detail {

// The receiver of a channel over a pipe: frames, read ahead by a fifo_reader.
//
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class fifo_receiver {
    using frame = pipe_frame<L>;

public:
    static result<fifo_receiver> open(endpoint const& where, channel_options const& how, message_type const& type)
    {
        location place;
        if (error_code const e = location::find(where, how.access, place))
            return e;
        for (int attempts = 16;; --attempts) {
            STRAIT_STEP();
            participant member;
            if (error_code const e = join_fifo<L>(place, how, type, role::receiver, member))
                return e;
            auto reader = fifo_reader::open(std::move(member), place);
            if (reader)
                return fifo_receiver(std::move(*reader), how.linger);
            if (reader.error() != channel_removed || attempts == 0)
                return reader.error();  // else the channel was removed between joining and opening
        }
    }

    // For a pipe without a name, of a participant that has joined.
    static result<fifo_receiver> of(participant member, descriptor pipe, std::chrono::nanoseconds linger)
    {
        auto reader = fifo_reader::open(std::move(member), std::move(pipe));
        if (!reader)
            return reader.error();
        return fifo_receiver(std::move(*reader), linger);
    }

    fifo_receiver(fifo_receiver&&) = default;
    fifo_receiver& operator=(fifo_receiver&&) = default;
    ~fifo_receiver() { (void)close(deadline::after(linger_)); }

    result<std::span<std::byte const>> peek(deadline until)
    {
        auto& buffer = reader_.buffer;
        if (buffer.is_empty()) [[unlikely]]
            if (auto filled = fill(until); !filled)
                return filled.error();
        std::span<std::byte const> const rest(buffer.data() + buffer.at, buffer.have - buffer.at);
        if (frame::is_sound(rest)) [[likely]] {
            shown_ = frame::payload(rest.data());
            return rest.subspan(frame::header, shown_);
        }
        return resynchronise();
    }

    void release() noexcept
    {
        reader_.buffer.at += frame::bytes(shown_);
        ++taken_.messages;
        taken_.bytes += shown_;
    }

    // Takes as many messages as have been read ahead, and waits only for the first one.
    result<std::size_t> take_n(std::span<std::byte> to, deadline until)
        requires(L.fixed_size != 0)
    {
        if (auto first = peek(until); !first)
            return first.error();
        auto& buffer = reader_.buffer;
        std::size_t const n = std::min(to.size(), buffer.have - buffer.at) / L.fixed_size;
        std::size_t const bytes = n * L.fixed_size;
        std::memcpy(to.data(), buffer.data() + buffer.at, bytes);
        buffer.at += bytes;
        taken_.messages += n;
        taken_.bytes += bytes;
        return n;
    }

    // Whether the next message has been read ahead.
    bool has_message() const noexcept { return !reader_.buffer.is_empty(); }

    end_reason ended() const noexcept { return reader_.ended(); }

    result<void> close(deadline until)
    {
        if (!reader_.is_member())
            return reader_.missing() == errc::inherited_handle ? result<void>(errc::inherited_handle) : result<void>();
        reader_.leave(until);
        return {};
    }

    channel_stats stats() const
    {
        channel_stats s = taken_;
        s.waits = reader_.waits();
        s.depth = reader_.depth();
        return s;
    }

    refusals refused() const noexcept { return read_refusals(reader_.control_file()); }

    // Readable when a message may have come. It hangs up while no sender is connected.
    int native_handle() const noexcept { return reader_.fd(); }

    // Whether messages were read ahead, for which the descriptor is not readable.
    bool buffered() const noexcept { return !reader_.buffer.is_empty(); }

    wake_source arm() const noexcept { return reader_.arm(); }
    void disarm() const noexcept {}

    // The name was removed and the other end has joined: no further one will come.
    void expect_no_more_peers() noexcept { reader_.forget_name(); }

private:
    fifo_receiver(fifo_reader reader, std::chrono::nanoseconds linger) : reader_(std::move(reader)), linger_(linger) {}

    [[gnu::noinline]] result<void> fill(deadline until)
    {
        auto filled = reader_.fill(until, gather_);
        if (!filled)
            return filled;
        if constexpr (frame::fixed)
            if (reader_.buffer.have % L.fixed_size != 0)  // no sender of ours writes a part of a message
                return resynchronise();
        std::span<std::byte const> const got(reader_.buffer.data(), reader_.buffer.have);
        gather_ = got.size() <= gather_up_to && frame::is_sound(got) && got.size() > frame::bytes(frame::payload(got.data()));
        return filled;
    }

    [[gnu::noinline, gnu::cold]] error_code resynchronise() noexcept
    {
        ++taken_.dropped;
        reader_.buffer.clear();
        return errc::malformed_message;
    }

    static constexpr std::size_t gather_up_to = 1024;  // bytes; gathering more makes the kernel take fresh pages

    fifo_reader reader_;
    std::size_t shown_ = 0;
    bool gather_ = false;
    channel_stats taken_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait::detail

#endif
