// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSY_SENDER_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSY_SENDER_HPP

#include <strait/detail/broadcast/lossy_record_writer.hpp>
#include <strait/detail/broadcast/lossy_slots.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/end.hpp>
#include <strait/options.hpp>

#include <cstddef>
#include <span>
#include <type_traits>

namespace strait::detail {

template <class Geometry, class Sender, class Receiver>
class ring_pair;

template <message_layout L>
using lossy_writer = std::conditional_t<L.fixed_size == 0, lossy_record_writer<L>, lossy_slot_writer<L>>;

// The sender of a ring that overwrites the oldest message: it never waits.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, class Geometry = lossy_geometry<L>>
class lossy_sender : ring_end<Geometry, lossy_writer<L>, role::sender> {
    using base = ring_end<Geometry, lossy_writer<L>, role::sender>;
    using base::participant_;
    using base::ring_;
    using base::waiter_;

public:
    static result<lossy_sender> open(endpoint const& where, channel_options const& how, std::string_view type_name)
    {
        lossy_sender s;
        if (error_code const e = s.base::open(where, how, type_name))
            return e;
        return s;
    }

    lossy_sender(lossy_sender&&) = default;
    lossy_sender& operator=(lossy_sender&&) = default;
    ~lossy_sender() { close(deadline::after(base::linger_)); }

    result<std::span<std::byte>> reserve(std::size_t n, deadline)
    {
        if (!ring_.has_room(n)) [[unlikely]]
            return why_not();
        STRAIT_CRASH_POINT("reserve: room found");
        return ring_.room(n);
    }

    // The message is in the ring at once; flush() wakes receivers that sleep.
    void commit(std::size_t used) noexcept { ring_.commit(used); }

    result<void> flush(deadline)
    {
        if (ring_.header().receivers.any(waiter_.fence)) [[unlikely]]
            return wake_receivers();
        return {};
    }

    result<void> close(deadline until)
    {
        result<void> done;
        if (base::can_leave(done)) {
            base::leave(until);
            STRAIT_CRASH_POINT("close: left");
            ring_.header().receivers.wake_all();  // now that our place is free: the end of the stream, at once
            base::forget();
        }
        return done;
    }

    channel_stats stats() const noexcept { return base::count(); }

    // It never waits.
    wake_source arm() const noexcept { return {}; }
    void disarm() const noexcept {}

private:
    template <class, class, class>
    friend class ring_pair;

    lossy_sender() = default;

    [[gnu::noinline, gnu::cold]] error_code why_not() const
    {
        return participant_.is_member() ? errc::message_too_large : participant_.missing();
    }

    [[gnu::noinline, gnu::cold]] result<void> wake_receivers()
    {
        if (!participant_.is_member())
            return participant_.missing();
        ring_.header().receivers.wake(participant_.fd());
        return {};
    }
};

}  // namespace strait::detail

#endif
