// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSY_RECEIVER_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSY_RECEIVER_HPP

#include <strait/detail/broadcast/lossy_record_reader.hpp>
#include <strait/detail/broadcast/lossy_slots.hpp>
#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/ring/end.hpp>
#include <strait/detail/wait/eventcount.hpp>
#include <strait/options.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace strait::detail {

template <class Geometry, class Sender, class Receiver>
class ring_pair;

template <message_layout L>
using lossy_reader = std::conditional_t<L.fixed_size == 0, lossy_record_reader<L>, lossy_slot_reader<L>>;

template <message_layout L>
using latest_reader = std::conditional_t<L.fixed_size == 0, lossy_record_reader<L, true>, lossy_slot_reader<L, true>>;

// One of many receivers of a ring that overwrites the oldest message: what it shows is its own copy.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, waiting_strategy Wait, class Geometry = lossy_geometry<L>, class Reader = lossy_reader<L>>
class lossy_receiver : ring_end<Geometry, Reader, role::receiver> {
    using base = ring_end<Geometry, Reader, role::receiver>;
    using base::participant_;
    using base::ring_;
    using base::waiter_;
    static constexpr unsigned pace = record_shape<L>::pace;

public:
    static result<lossy_receiver> open(endpoint const& where, channel_options const& how, std::string_view type_name)
    {
        lossy_receiver r;
        if (error_code const e = r.base::open(where, how, type_name))
            return e;
        return r;
    }

    lossy_receiver(lossy_receiver&&) = default;
    lossy_receiver& operator=(lossy_receiver&&) = default;
    ~lossy_receiver() { close(deadline::after(base::linger_)); }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (!ring_.holds() && !ring_.take()) [[unlikely]]
            if (error_code const e = await_message(until))
                return e;
        return ring_.message();
    }

    void release() noexcept { ring_.release(); }

    end_reason ended() const noexcept { return end_.why(); }

    result<void> close(deadline until)
    {
        result<void> done;
        if (base::can_leave(done)) {
            base::leave(until);
            base::forget();
        }
        return done;
    }

    channel_stats stats() const noexcept
    {
        channel_stats s = base::count();
        s.depth = ring_.depth();
        s.dropped = ring_.dropped();
        return s;
    }

    wake_source arm() noexcept { return base::arm_at(ring_.header().receivers, false); }
    void disarm() noexcept {}

private:
    template <class, class, class>
    friend class ring_pair;

    lossy_receiver() = default;

    [[gnu::noinline, gnu::cold]] error_code await_message(deadline until)
    {
        if (!participant_.is_member())
            return participant_.missing();
        std::int64_t const interval = until.is_poll() ? sender_watch::when_polled : sender_watch::when_spinning;
        return wait_for_peer<Wait, pace>(
            ring_.header().receivers, waiter_, until, errc::empty, [&] { return ring_.take(); },
            [&](std::int64_t now, bool slept) {
                return end_.look(participant_, now, slept, interval, [&] { return ring_.inspect(); });
            });
    }

    end_of_stream end_;
};

}  // namespace strait::detail

#endif
