// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_RECEIVER_HPP
#define STRAIT_DETAIL_RING_RECEIVER_HPP

#include <strait/detail/fork_guard.hpp>
#include <strait/detail/ring_geometry.hpp>
#include <strait/detail/ring_sender.hpp>
#include <strait/detail/sender_watch.hpp>
#include <strait/detail/waiter.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace strait::detail {

// The receiving end of a ring: what it shows, when it waits, when it wakes the sender, and when the stream is over.
template <message_layout L, waiting_strategy Wait>
class ring_receiver : fork_guard {
    using ring = std::conditional_t<L.fixed_size == 0, record_reader<L>, slot_reader<L>>;
    static constexpr unsigned pace = std::conditional_t<L.fixed_size == 0, record_shape<L>, slot_shape<L>>::pace;

public:
    ring_receiver(ring_receiver&& other)
        : fork_guard(&disarm), ring_(other.ring_), waiter_(other.waiter_), watch_(other.watch_), ended_(other.ended_),
          companion_(std::move(other.companion_)), where_(std::move(other.where_)), linger_(other.linger_)
    {
        other.ring_.detach();
    }
    ring_receiver& operator=(ring_receiver&& other)
    {
        if (this != &other) {
            close(deadline::after(linger_));
            ring_ = other.ring_;
            other.ring_.detach();
            waiter_ = other.waiter_;
            watch_ = other.watch_;
            ended_ = other.ended_;
            companion_ = std::move(other.companion_);
            where_ = std::move(other.where_);
            linger_ = other.linger_;
        }
        return *this;
    }
    ~ring_receiver() { close(deadline::after(linger_)); }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (!ring_.look()) [[unlikely]]
            if (error_code const e = await_message(until))
                return e;
        return ring_.message();
    }

    void release() noexcept
    {
        if (ring_.release()) [[unlikely]]
            post();
    }

    end_reason ended() const noexcept { return ended_; }

    result<void> close(deadline until)
    {
        if (!companion_.is_member()) {
            if (companion_.missing() == errc::inherited_handle)
                return errc::inherited_handle;
            return {};
        }
        post();
        leave_ring(companion_, where_, L.fixed_size == 0, until);
        ring_.detach();
        companion_ = companion();
        return {};
    }

protected:
    ring_receiver(ring r, companion c, std::optional<location> where, std::chrono::nanoseconds linger)
        : fork_guard(&disarm), ring_(r), companion_(std::move(c)), where_(std::move(where)), linger_(linger)
    {
        waiter_.fence = asymmetric_fence::attach();
        post();  // the sender may have waited for a receiver since the last one died
    }

    // As of ring_sender.
    static result<ring> attach(companion& c, std::optional<location> const& where)
    {
        auto v = ring_geometry<L>::view(c);
        ring r;
        error_code const e = v ? r.attach(*v) : v.error();
        if (!e)
            return r;
        leave_ring(c, where, L.fixed_size == 0, deadline::poll());
        return e;
    }

    ring const& messages() const noexcept { return ring_; }
    std::uint64_t waits() const noexcept { return waiter_.waits; }

private:
    [[gnu::noinline, gnu::cold]] void post() noexcept
    {
        if (!companion_.is_member())
            return;
        ring_.post();
        if (peer_sleeps(ring_.header().sender_sleeps, waiter_.fence))
            wake_peer(ring_.header().sender_sleeps);
    }

    [[gnu::noinline, gnu::cold]] error_code await_message(deadline until)
    {
        if (!companion_.is_member())
            return companion_.missing();
        if (!ring_.posted())
            post();
        std::int64_t const interval = until.is_poll() ? sender_watch::when_polled : sender_watch::when_spinning;
        return wait_for_peer<Wait, pace>(
            ring_.header().receiver_sleeps, waiter_, until, errc::empty, [&] { return ring_.look(); },
            [&](std::int64_t now, bool slept) { return look_closely(now, slept, interval); });
    }

    std::optional<error_code> look_closely(std::int64_t now, bool slept, std::int64_t interval)
    {
        if (auto const seen = ring_.inspect())
            return seen;
        end_reason const why = watch_.gone(companion_, now, slept, interval);
        if (why == end_reason::none)
            return {};
        if (auto const seen = ring_.inspect())  // sent just before the last one went
            return seen;
        ended_ = why;
        return errc::closed;
    }

    static void disarm(fork_guard& g) noexcept { static_cast<ring_receiver&>(g).ring_.detach(); }

    ring ring_;
    waiter waiter_;
    sender_watch watch_;
    end_reason ended_ = end_reason::none;
    companion companion_;
    std::optional<location> where_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait::detail

#endif
