// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MPMC_RECEIVER_HPP
#define STRAIT_DETAIL_MPMC_RECEIVER_HPP

#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/mpmc/reader.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/end.hpp>
#include <strait/detail/wait/eventcount.hpp>
#include <strait/options.hpp>

#include <cstddef>
#include <span>

namespace strait::detail {

template <class Geometry, class Sender, class Receiver>
class ring_pair;

// One of many receivers: what it shows is its own copy, and consumed. When it waits, when it wakes the senders, and when
// the stream is over.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, waiting_strategy Wait, class Geometry = mpmc_geometry<L>>
class mpmc_receiver : ring_end<Geometry, mpmc_reader<L>, role::receiver> {
    using base = ring_end<Geometry, mpmc_reader<L>, role::receiver>;
    using base::participant_;
    using base::ring_;
    using base::waiter_;
    static constexpr unsigned pace = 50;  // nanoseconds between polls: a message touches more than the polled line

public:
    static result<mpmc_receiver> open(endpoint const& where, channel_options const& how, std::string_view type_name)
    {
        mpmc_receiver r;
        if (error_code const e = r.base::open(where, how, type_name))
            return e;
        r.post();  // a receiver may have died between making room and waking
        return r;
    }

    mpmc_receiver(mpmc_receiver&&) = default;
    mpmc_receiver& operator=(mpmc_receiver&&) = default;
    ~mpmc_receiver() { close(deadline::after(base::linger_)); }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (!ring_.holds()) [[likely]] {
            if (!ring_.take()) [[unlikely]]
                if (error_code const e = await_message(until))
                    return e;
            if (ring_.ends_quarter()) [[unlikely]]
                post();
        }
        return ring_.message();
    }

    void release() noexcept { ring_.release(); }

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

    channel_stats stats() const noexcept { return base::count(); }

    wake_source arm() noexcept { return base::arm_at(ring_.header().receivers, false); }
    void disarm() noexcept {}

private:
    template <class, class, class>
    friend class ring_pair;

    mpmc_receiver() = default;

    [[gnu::noinline, gnu::cold]] void post() noexcept
    {
        ring_.post();
        if (ring_.header().senders.any(waiter_.fence))
            ring_.header().senders.wake(participant_.fd());
    }

    [[gnu::noinline, gnu::cold]] error_code await_message(deadline until)
    {
        if (!participant_.is_member())
            return participant_.missing();
        if (!ring_.posted())
            post();
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
