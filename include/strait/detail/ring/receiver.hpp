// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_RECEIVER_HPP
#define STRAIT_DETAIL_RING_RECEIVER_HPP

#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/end.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/options.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

namespace strait::detail {

template <class Geometry, class Sender, class Receiver>
class ring_pair;

template <message_layout L>
using ring_reader = std::conditional_t<L.fixed_size == 0, record_reader<L>, slot_reader<L>>;

// Found by what the reader is: that of many lanes has many senders, and words of its own to sleep at.
template <class Reader>
void post_room(Reader& r, asymmetric_fence const& fence, int doorbell) noexcept
{
    r.post();
    if (peer_sleeps(r.header().sender_sleeps, fence))
        wake_peer(r.header().sender_sleeps, doorbell);
}

template <class Reader>
std::atomic<std::uint32_t>& where_to_sleep(Reader& r) noexcept
{
    return r.header().receiver_sleeps;
}

// The receiving end of a ring, or of many lanes: what it shows, when it waits, when it wakes the sender, and when the
// stream is over.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, waiting_strategy Wait, class Geometry = ring_geometry<L>, class Reader = ring_reader<L>>
class ring_receiver : ring_end<Geometry, Reader, role::receiver> {
    using base = ring_end<Geometry, Reader, role::receiver>;
    using base::participant_;
    using base::ring_;
    using base::waiter_;
    static constexpr unsigned pace = std::conditional_t<L.fixed_size == 0, record_shape<L>, slot_shape<L>>::pace;

public:
    static result<ring_receiver> open(endpoint const& where, channel_options const& how, std::string_view type_name)
    {
        ring_receiver r;
        if (error_code const e = r.base::open(where, how, type_name))
            return e;
        r.post();  // the sender may have waited for a receiver since the last one died
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
        STRAIT_CRASH_POINT("peek: message found");
        return ring_.message();
    }

    // Copies a large message out while it is copied in, and consumes it. As peek(); `message` is not what it was, whatever
    // comes of it.
    error_code copy_out(std::span<std::byte> message, deadline until)
        requires(slot_progress<L>::shown)
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

    bool has_message() const noexcept { return ring_.has_message(); }

    end_reason ended() const noexcept { return end_.why(); }

    result<void> close(deadline until)
    {
        result<void> done;
        if (base::can_leave(done)) {
            post();
            STRAIT_CRASH_POINT("close: posted");
            base::leave(until);
            base::forget();
        }
        return done;
    }

    using base::expect_no_more_peers;

    channel_stats stats() const noexcept { return base::count(); }

    wake_source arm() noexcept { return base::arm_at(where_to_sleep(ring_), false); }
    void disarm() noexcept { base::disarm_at(where_to_sleep(ring_)); }

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
            post_room(ring_, waiter_.fence, participant_.fd());
    }

    [[gnu::noinline, gnu::cold]] error_code await_message(deadline until)
    {
        return await_message(until, [] { return false; });
    }

    // Or part of a message.
    template <class Part>
    [[gnu::noinline, gnu::cold]] error_code await_message(deadline until, Part part)
    {
        if (!participant_.is_member())
            return participant_.missing();
        if (!ring_.posted())
            post();
        std::int64_t const interval = until.is_poll() ? sender_watch::when_polled : sender_watch::when_spinning;
        return wait_for_peer<Wait, pace>(
            where_to_sleep(ring_), waiter_, until, errc::empty, [&] { return ring_.look() || part(); },
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
