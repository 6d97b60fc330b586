// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSLESS_SENDER_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSLESS_SENDER_HPP

#include <strait/detail/broadcast/lossless_writer.hpp>
#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/end.hpp>
#include <strait/options.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

namespace strait::detail {

template <class Geometry, class Sender, class Receiver>
class ring_pair;

// The sender of a ring whose messages go to every receiver: when it waits for the slowest, and when it wakes them.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, waiting_strategy Wait, class Geometry = lossless_geometry<L>>
class lossless_sender : ring_end<Geometry, lossless_writer<L>, role::sender> {
    using base = ring_end<Geometry, lossless_writer<L>, role::sender>;
    using base::participant_;
    using base::ring_;
    using base::waiter_;
    static constexpr unsigned pace = std::conditional_t<L.fixed_size == 0, record_shape<L>, slot_shape<L>>::pace;

public:
    static result<lossless_sender> open(endpoint const& where, channel_options const& how, std::string_view type_name)
    {
        lossless_sender s;
        s.connect_until_ = deadline::after(how.connect_timeout);
        if (error_code const e = s.base::open(where, how, type_name))
            return e;
        return s;
    }

    lossless_sender(lossless_sender&&) = default;
    lossless_sender& operator=(lossless_sender&&) = default;
    ~lossless_sender() { close(deadline::after(base::linger_)); }

    result<std::span<std::byte>> reserve(std::size_t n, deadline until)
    {
        if (!ring_.has_room(n)) [[unlikely]]
            if (error_code const e = make_room(n, until))
                return e;
        STRAIT_CRASH_POINT("reserve: room found");
        return ring_.room(n);
    }

    // A large message, which receivers copy out while we copy it in; those who sleep are woken before. As reserve() and
    // commit().
    result<void> copy_in(std::span<std::byte const> message, deadline until)
        requires(slot_progress<L>::shown)
    {
        return copy_in_pieces(*this, ring_, message, until);
    }

    // The message is in the ring at once; flush() wakes receivers that sleep.
    void commit(std::size_t used) noexcept { ring_.commit(used); }

    result<void> flush(deadline)
    {
        if (ring_.all().receivers.any(waiter_.fence)) [[unlikely]]
            return wake_receivers();
        return {};
    }

    result<void> close(deadline until)
    {
        result<void> done;
        if (base::can_leave(done)) {
            base::leave(until);
            STRAIT_CRASH_POINT("close: left");
            ring_.all().receivers.wake_all();  // now that our place is free: the end of the stream, at once
            base::forget();
        }
        return done;
    }

    channel_stats stats() const noexcept
    {
        channel_stats s = base::count();
        s.depth = ring_.depth();
        return s;
    }

    // A receiver posts room now and then, and before it waits; one that died tells nobody.
    wake_source arm() noexcept { return base::arm_at(ring_.all().gate.sender_sleeps, true); }
    void disarm() noexcept { base::disarm_at(ring_.all().gate.sender_sleeps); }

private:
    template <class, class, class>
    friend class ring_pair;

    lossless_sender() = default;

    [[gnu::noinline, gnu::cold]] error_code make_room(std::size_t n, deadline until)
    {
        if (!participant_.is_member())
            return participant_.missing();
        if (ring_.too_large(n))
            return errc::message_too_large;
        if (refresh(n))
            return {};
        // What was committed since the last flush is still unannounced, and only receivers that run make room.
        if (ring_.all().receivers.any(waiter_.fence))
            ring_.all().receivers.wake(participant_.fd());
        return wait_for_peer<Wait, pace>(
            ring_.all().gate.sender_sleeps, waiter_, until, errc::full, [&] { return refresh(n); },
            [&](std::int64_t now, bool slept) { return look_closely(n, now, slept); });
    }

    bool refresh(std::size_t n) noexcept
    {
        bool const room = ring_.refresh(n);
        met_ = met_ || room;  // given by a receiver
        return room;
    }

    // Laggards are asked for their locks as seldom as can be: that takes system calls.
    std::optional<error_code> look_closely(std::size_t n, std::int64_t now, bool slept)
    {
        if (ring_.has_members()) {
            met_ = true;
            if (auto const seen = ring_.inspect(n))
                return seen;
            if (!slept && now - asked_at_ < sender_watch::when_spinning)
                return {};
            asked_at_ = now;
            if (!ring_.reap(participant_.fd()))
                return {};
            if (auto const seen = ring_.inspect(n))
                return seen;
            if (ring_.has_members())
                return {};
        }
        if (met_ || now >= connect_until_.nanoseconds() || (participant_.is_nameless() && participant_.receivers_gone()))
            return make_error_code(errc::no_receiver);
        return {};
    }

    [[gnu::noinline, gnu::cold]] result<void> wake_receivers()
    {
        if (!participant_.is_member())
            return participant_.missing();
        ring_.all().receivers.wake(participant_.fd());
        return {};
    }

    deadline connect_until_ = deadline::never();
    std::int64_t asked_at_ = 0;
    bool met_ = false;  // a receiver, whenever
};

}  // namespace strait::detail

#endif
