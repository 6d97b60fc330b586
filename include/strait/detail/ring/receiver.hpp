// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_RECEIVER_HPP
#define STRAIT_DETAIL_RING_RECEIVER_HPP

#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/concepts.hpp>
#include <strait/detail/ring/end.hpp>
#include <strait/detail/ring/slot_progress.hpp>
#include <strait/options.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace strait::detail {

template <class Geometry, class Sender, class Receiver>
class ring_pair;

// The receiving end of a ring of any topology: when it waits, when it wakes the senders, and when the stream is over. What
// it shows and where that lies is decided by `Reader`.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, waiting_strategy Wait, class Geometry, ring_reader<typename Geometry::view_type> Reader>
class ring_receiver : ring_end<Geometry, Reader, role::receiver> {
    using base = ring_end<Geometry, Reader, role::receiver>;
    using base::participant_;
    using base::ring_;
    using base::waiter_;

public:
    static result<ring_receiver> open(endpoint const& where, channel_options const& how, message_type const& type)
    {
        ring_receiver r;
        if (error_code const e = r.base::open(where, how, type))
            return e;
        r.post();  // a sender may wait for a receiver, or for room that a dead one has made
        return r;
    }

    ring_receiver(ring_receiver&&) = default;
    ring_receiver& operator=(ring_receiver&&) = default;
    ~ring_receiver() { close(deadline::after(base::linger_)); }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (!ring_.look()) [[unlikely]]
            if (error_code const e = await_message(until))
                return e;
        if (ring_.room_is_due()) [[unlikely]]
            post();
        STRAIT_CRASH_POINT("peek: message found");
        return ring_.message();
    }

    // Copies a large message out while its sender still copies it in, and consumes it. Errors are those of peek(); also after
    // an error `message` may have been written to.
    error_code copy_out(std::span<std::byte> message, deadline until)
        requires(slot_progress<L>::shown && requires(Reader const& r) { r.progress(); })
    {
        error_code const e = copy_out_early<L>(ring_, message, until, [&](auto part) { return await_message(until, part); });
        if (!e)
            release();
        return e;
    }

    void release() noexcept
    {
        if (ring_.release()) [[unlikely]]
            post();
    }

    // Shows the newest message without consuming it, also when it was consumed before; valid until the next call. Errors:
    // empty (none was sent yet), timed_out (a sender has overwritten each that was tried), failures.
    result<std::span<std::byte const>> current()
        requires requires(Reader& r, std::span<std::byte const>& shown) { r.copy_newest(shown); }
    {
        if (!participant_.is_member())
            return participant_.missing();
        std::span<std::byte const> shown;
        if (error_code const e = ring_.copy_newest(shown))
            return e;
        return shown;
    }

    bool has_message() const noexcept
        requires requires(Reader const& r) { r.has_message(); }
    {
        return ring_.has_message();
    }

    end_reason ended() const noexcept { return end_.why(); }

    result<void> close(deadline until)
    {
        result<void> done;
        if (base::can_leave(done)) {
            post();
            if (participant_.is_removed(0, true))
                (void)base::arm_at(ring_.receivers(), false);  // so that a sender that has room looks, too
            STRAIT_CRASH_POINT("close: posted");
            ring_.leave();
            base::leave(until);
            ring_.left();
            base::forget();
        }
        return done;
    }

    using base::expect_no_more_peers;

    channel_stats stats() const noexcept { return base::count(); }
    using base::refused;

    wake_source arm() noexcept { return base::arm_at(ring_.receivers(), false); }
    void disarm() noexcept { base::disarm_at(ring_.receivers()); }

private:
    template <class, class, class>
    friend class ring_pair;

    ring_receiver() = default;

    error_code enter(participant member, std::optional<location> where, std::chrono::nanoseconds linger)
    {
        error_code const e = base::enter(std::move(member), std::move(where), linger);
        if (!e)
            post();
        return e;
    }

    [[gnu::noinline, gnu::cold]] void post() noexcept
    {
        if (participant_.is_member())
            ring_.post_and_wake(waiter_.fence, participant_.fd());
    }

    [[gnu::noinline, gnu::cold]] error_code await_message(deadline until)
    {
        return await_message(until, [] { return false; });
    }

    // Waits for a message, or until part() says that a part of one can be copied.
    template <class Part>
    [[gnu::noinline, gnu::cold]] error_code await_message(deadline until, Part part)
    {
        if (!participant_.is_member())
            return participant_.missing();
        if (!ring_.posted())
            post();
        std::int64_t const interval = until.is_poll() ? sender_watch::when_polled : sender_watch::when_spinning;
        return wait_for_peer<Wait, Reader::pace>(
            ring_.receivers(), waiter_, until, errc::empty, [&] { return ring_.look() || part(); },
            [&](std::int64_t now, bool slept) {
                return end_.look(participant_, now, slept, interval, [&] {
                    return part() ? std::optional<error_code>(error_code()) : ring_.inspect();
                });
            });
    }

    end_of_stream end_;
};

}  // namespace strait::detail

#endif
