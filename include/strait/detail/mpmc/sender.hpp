// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MPMC_SENDER_HPP
#define STRAIT_DETAIL_MPMC_SENDER_HPP

#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/mpmc/writer.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/end.hpp>
#include <strait/detail/wait/eventcount.hpp>
#include <strait/options.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace strait::detail {

template <class Geometry, class Sender, class Receiver>
class ring_pair;

// One of many senders: when it waits for room, and when it wakes the receivers.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, waiting_strategy Wait, class Geometry = mpmc_geometry<L>>
class mpmc_sender : ring_end<Geometry, mpmc_writer<L>, role::sender> {
    using base = ring_end<Geometry, mpmc_writer<L>, role::sender>;
    using base::participant_;
    using base::ring_;
    using base::waiter_;
    static constexpr unsigned pace = 50;  // nanoseconds between polls of a word that its writers are busy with

public:
    static result<mpmc_sender> open(endpoint const& where, channel_options const& how, std::string_view type_name)
    {
        mpmc_sender s;
        if (error_code const e = s.base::open(where, how, type_name))
            return e;
        return s;
    }

    mpmc_sender(mpmc_sender&&) = default;
    mpmc_sender& operator=(mpmc_sender&&) = default;
    ~mpmc_sender() { close(deadline::after(base::linger_)); }

    result<std::span<std::byte>> reserve(std::size_t n, deadline until)
    {
        if (!ring_.has_room(n)) [[unlikely]]
            if (error_code const e = make_room(n, until))
                return e;
        STRAIT_CRASH_POINT("reserve: room found");
        return ring_.room(n);
    }

    // The message is in the ring at once, unless other senders have filled it since reserve(): then flush() waits.
    void commit(std::size_t used) noexcept { ring_.commit(used); }

    result<void> flush(deadline until)
    {
        if (ring_.is_staged()) [[unlikely]] {
            error_code const e = put_staged(until);
            ring_.withdraw();
            if (e)
                return e;
        }
        if (ring_.header().receivers.any(waiter_.fence)) [[unlikely]]
            return wake_receivers();
        return {};
    }

    result<void> close(deadline until)
    {
        result<void> done;
        if (base::can_leave(done)) {
            if (ring_.is_staged())
                done = flush(until);
            base::leave(until);
            STRAIT_CRASH_POINT("close: left");
            ring_.header().receivers.wake_all();  // now that our place is free: the end of the stream, at once
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

    // Receivers tell of room at every quarter of the ring, and before they wait.
    wake_source arm() noexcept { return base::arm_at(ring_.header().senders, true); }
    void disarm() noexcept {}

private:
    template <class, class, class>
    friend class ring_pair;

    mpmc_sender() = default;

    [[gnu::noinline, gnu::cold]] error_code make_room(std::size_t n, deadline until)
    {
        if (!participant_.is_member())
            return participant_.missing();
        if (ring_.too_large(n))
            return errc::message_too_large;
        if (ring_.is_staged())
            if (error_code const e = put_staged(until))
                return e;
        if (ring_.has_room(n))
            return {};
        return wait(until, [&] { return ring_.has_room(n); });
    }

    error_code put_staged(deadline until)
    {
        return ring_.put() ? error_code() : wait(until, [&] { return ring_.put(); });
    }

    template <class Ready>
    error_code wait(deadline until, Ready ready)
    {
        // What was committed since the last flush is still unannounced, and only receivers that run make room.
        if (ring_.header().receivers.any(waiter_.fence))
            ring_.header().receivers.wake(participant_.fd());
        return wait_for_peer<Wait, pace>(ring_.header().senders, waiter_, until, errc::full, ready,
                                            [&](std::int64_t now, bool slept) { return look_closely(now, slept, ready); });
    }

    template <class Ready>
    std::optional<error_code> look_closely(std::int64_t now, bool slept, Ready ready)
    {
        if (ready())
            return error_code();
        if (receivers_.no_receiver_possible(participant_, now, slept))
            return make_error_code(errc::no_receiver);
        if (auto const found = ring_.inspect(); found && *found)
            return found;
        if (ready())
            return error_code();
        return {};
    }

    [[gnu::noinline, gnu::cold]] result<void> wake_receivers()
    {
        if (!participant_.is_member())
            return participant_.missing();
        ring_.header().receivers.wake(participant_.fd());
        return {};
    }

    receiver_watch receivers_;
};

}  // namespace strait::detail

#endif
