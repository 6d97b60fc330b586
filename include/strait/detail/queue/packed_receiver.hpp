// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_QUEUE_PACKED_RECEIVER_HPP
#define STRAIT_DETAIL_QUEUE_PACKED_RECEIVER_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/frame/row.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/fork_guard.hpp>
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

// Takes packs, the rows of frames that a packed_sender makes of messages, out of an inner receiver, and hands out their
// messages. Of a pack that is not made of whole frames it drops everything from the first bad frame on, and reports
// malformed_message.
//
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, class Inner>
class packed_receiver {
public:
    // A receiver does not linger.
    packed_receiver(Inner inner, std::chrono::nanoseconds) : inner_(std::move(inner)) {}
    packed_receiver(packed_receiver&& other)
        : inner_(std::move(other.inner_)),
          mark_(std::move(other.mark_)),
          rest_(std::exchange(other.rest_, {})),
          row_(std::exchange(other.row_, {})),
          stats_(other.stats_)
    {
    }
    packed_receiver& operator=(packed_receiver&& other)
    {
        inner_ = std::move(other.inner_);
        mark_ = std::move(other.mark_);
        rest_ = std::exchange(other.rest_, {});
        row_ = std::exchange(other.row_, {});
        stats_ = other.stats_;
        return *this;
    }
    ~packed_receiver() = default;

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (rest_.empty() || mark_.is_inherited()) [[unlikely]] {
            row_.left = 0;
            auto const pack = inner_.peek(until);
            if (!pack)
                return pack.error();
            rest_ = *pack;
        }
        if (row_.left == 0 && !row_.enter(rest_.data(), rest_.size(), rest_.size()))
            return drop();
        return aligned_.show(rest_.subspan(row_.front, row_.size));
    }

    void release() noexcept { take(1); }

    // Copies the messages of the pack in front, and waits only for the first one.
    result<std::size_t> take_n(std::span<std::byte> to, deadline until) requires(L.fixed_size != 0)
    {
        if (auto const first = peek(until); !first)
            return first.error();
        std::size_t const most = to.size() / L.fixed_size;
        std::size_t taken = 0;
        do {
            STRAIT_STEP();
            std::size_t const n = std::min(row_.left, most - taken);
            std::memcpy(to.data() + taken * L.fixed_size, rest_.data() + row_.front, n * L.fixed_size);
            take(n);
            taken += n;
        } while (taken != most && has_message() &&
                 (row_.left != 0 || row_.enter(rest_.data(), rest_.size(), rest_.size())));
        return taken;
    }

    bool has_message() noexcept
    {
        return !rest_.empty() && (row_.left != 0 || row_.is_sound(rest_.data(), rest_.size(), rest_.size()));
    }

    end_reason ended() const noexcept { return inner_.ended(); }

    result<void> close(deadline until)
    {
        rest_ = {};
        row_.left = 0;
        return inner_.close(until);
    }

    channel_stats stats() const
    {
        channel_stats s = inner_.stats();
        s.messages = stats_.messages;
        s.bytes = stats_.bytes;
        s.dropped += stats_.dropped;
        return s;
    }

    refusals refused() const noexcept { return inner_.refused(); }

    wake_source arm() noexcept { return inner_.arm(); }
    void disarm() const noexcept {}

    int native_handle() const noexcept requires requires(Inner const& i) { i.native_handle(); }
    {
        return inner_.native_handle();
    }

private:
    void take(std::size_t messages) noexcept
    {
        if (rest_.empty() || mark_.is_inherited())
            return;
        stats_.messages += messages;
        stats_.bytes += messages * row_.size;
        rest_ = rest_.subspan(row_.take(messages));
        if (rest_.empty())
            inner_.release();
    }

    [[gnu::noinline, gnu::cold]] error_code drop() noexcept
    {
        ++stats_.dropped;
        rest_ = {};
        inner_.release();
        return errc::malformed_message;
    }

    Inner inner_;
    fork_mark mark_;
    std::span<std::byte const> rest_;  // of the pack that the inner receiver shows: from the frame in front on
    frame_row<L> row_;
    [[no_unique_address]] aligned_message<L> aligned_;
    channel_stats stats_;
};

}  // namespace strait::detail

#endif
