// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_SENDER_HPP
#define STRAIT_DETAIL_RING_SENDER_HPP

#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/end.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/options.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace strait::detail {

template <class Geometry, class Sender, class Receiver>
class ring_pair;

template <message_layout L>
using ring_writer = std::conditional_t<L.fixed_size == 0, record_writer<L>, slot_writer<L>>;

// These are found by what the writer is: to the receiver of many lanes there is more to say.
template <class Writer>
std::atomic<std::uint32_t>& receiver_word_of(Writer const& w) noexcept
{
    return w.header().receiver_sleeps;
}

template <class Writer>
void wake_receiver_of(Writer& w, int doorbell) noexcept
{
    wake_peer(w.header().receiver_sleeps, doorbell);
}

// The sending end of a ring, or of a lane of many: where its messages go, when it waits, and when it wakes the receiver.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, waiting_strategy Wait, class Geometry = ring_geometry<L>, class Writer = ring_writer<L>>
class ring_sender : ring_end<Geometry, Writer, role::sender> {
    using base = ring_end<Geometry, Writer, role::sender>;
    using base::participant_;
    using base::ring_;
    using base::waiter_;
    static constexpr unsigned pace = std::conditional_t<L.fixed_size == 0, record_shape<L>, slot_shape<L>>::pace;

public:
    static result<ring_sender> open(endpoint const& where, channel_options const& how, std::string_view type_name)
    {
        ring_sender s;
        if (error_code const e = s.base::open(where, how, type_name))
            return e;
        return s;
    }

    ring_sender(ring_sender&&) = default;
    ring_sender& operator=(ring_sender&&) = default;
    ~ring_sender() { close(deadline::after(base::linger_)); }

    result<std::span<std::byte>> reserve(std::size_t n, deadline until)
    {
        if (!ring_.has_room(n)) [[unlikely]]
            if (error_code const e = make_room(n, until))
                return e;
        STRAIT_CRASH_POINT("reserve: room found");
        return ring_.room(n);
    }

    // A large message, which the receiver copies out while we copy it in; it is woken before, if it sleeps. As reserve()
    // and commit().
    result<void> copy_in(std::span<std::byte const> message, deadline until)
        requires(slot_progress<L>::shown)
    {
        return copy_in_pieces(*this, ring_, message, until);
    }

    // The message is in the ring at once; flush() wakes a receiver that sleeps.
    void commit(std::size_t used) noexcept { ring_.commit(used); }

    result<void> flush(deadline)
    {
        if (peer_sleeps(ring_.header().receiver_sleeps, waiter_.fence)) [[unlikely]]
            return wake_receiver();
        return {};
    }

    result<void> close(deadline until)
    {
        result<void> done;
        if (base::can_leave(done)) {
            base::leave(until);
            STRAIT_CRASH_POINT("close: left");
            wake_from_futex(receiver_word_of(ring_));  // now that our place is free: the end of the stream, at once
            base::forget();
        }
        return done;
    }

    using base::expect_no_more_peers;

    channel_stats stats() const noexcept
    {
        channel_stats s = base::count();
        s.depth = ring_.depth();
        return s;
    }

    // The receiver posts room now and then, and before it waits.
    wake_source arm() noexcept { return base::arm_at(ring_.header().sender_sleeps, true); }
    void disarm() noexcept { base::disarm_at(ring_.header().sender_sleeps); }

private:
    template <class, class, class>
    friend class ring_pair;

    ring_sender() = default;

    [[gnu::noinline, gnu::cold]] error_code make_room(std::size_t n, deadline until)
    {
        if (!participant_.is_member())
            return participant_.missing();
        if (ring_.too_large(n))
            return errc::message_too_large;
        if (ring_.refresh(n))
            return {};
        // What was committed since the last flush is still unannounced, and only a receiver that runs makes room.
        if (peer_sleeps(ring_.header().receiver_sleeps, waiter_.fence))
            wake_receiver_of(ring_, participant_.fd());
        // Room is taken as the receiver posts it, and to the last message when it does not.
        return wait_for_peer<Wait, pace>(
            ring_.header().sender_sleeps, waiter_, until, errc::full, [&] { return ring_.refresh(n); },
            [&](std::int64_t now, bool slept) {
                return receivers_.no_receiver_possible(participant_, now, slept) ? make_error_code(errc::no_receiver) : ring_.inspect(n);
            });
    }

    [[gnu::noinline, gnu::cold]] result<void> wake_receiver()
    {
        if (!participant_.is_member())
            return participant_.missing();
        wake_receiver_of(ring_, participant_.fd());
        return {};
    }

    receiver_watch receivers_;
};

}  // namespace strait::detail

#endif
