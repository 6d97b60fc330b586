// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSLESS_READER_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSLESS_READER_HPP

#include <strait/detail/broadcast/lossless_geometry.hpp>
#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/end.hpp>
#include <strait/detail/ring/receiver.hpp>
#include <strait/options.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

namespace strait::detail {

// One receiver's side of the ring: that of the only receiver of a ring, with a cursor of its own.
template <message_layout L>
class lossless_reader : public ring_reader<L> {
    using base = ring_reader<L>;

public:
    // Only while we hold the lock of this place. Begins at the end of what has been sent; why nothing of that can be
    // overwritten before we have seen it is said at lossless_writer. Killed here, we leave a bit, and a cursor that lets
    // nothing pass or says where we would have begun, until the sender finds our lock free.
    error_code attach(lossless_view const& v) noexcept
    {
        ring_header& own = *v.ring.header;
        own.head.store(lossless_header::joining, std::memory_order_relaxed);
        own.consumed.store(lossless_header::joining, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("join all: cursor unknown");
        v.header->members.fetch_or(bit(v.place), std::memory_order_seq_cst);
        STRAIT_CRASH_POINT("join all: member");
        std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with that of lossless_writer::farthest()
        std::uint64_t const now = v.header->tail.load(std::memory_order_acquire);  // pairs with lossless_writer::commit()
        own.head.store(now, std::memory_order_release);
        STRAIT_CRASH_POINT("join all: cursor half told");
        own.consumed.store(now, std::memory_order_release);
        STRAIT_CRASH_POINT("join all: cursor told");
        error_code e = base::attach(v.ring);
        if (!e && this->look()) {  // the tail counts a message a moment after it is there
            (void)base::release();
            e = base::attach(v.ring);
        }
        if (e) {
            v.header->members.fetch_and(~bit(v.place), std::memory_order_release);
        } else {
            all_ = v.header;
            place_ = v.place;
        }
        return e;
    }

    void detach() noexcept
    {
        base::detach();
        all_ = &lossless_closed_state;
    }

    lossless_header& all() const noexcept { return *all_; }

    // The sender waits for us no longer. Before the lock is given up: then the bit may be somebody else's.
    void leave() noexcept
    {
        all_->members.fetch_and(~bit(place_), std::memory_order_release);  // pairs with lossless_writer::farthest()
        STRAIT_CRASH_POINT("leave all: no member");
    }

private:
    static constexpr std::uint64_t bit(std::uint64_t place) noexcept { return std::uint64_t{1} << place; }

    lossless_header* all_ = &lossless_closed_state;
    std::uint64_t place_ = 0;
};

// One of many receivers that each see every message, where it lies.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, waiting_strategy Wait, class Geometry = lossless_geometry<L>>
class lossless_receiver : ring_end<Geometry, lossless_reader<L>, role::receiver> {
    using base = ring_end<Geometry, lossless_reader<L>, role::receiver>;
    using base::participant_;
    using base::ring_;
    using base::waiter_;
    static constexpr unsigned pace = std::conditional_t<L.fixed_size == 0, record_shape<L>, slot_shape<L>>::pace;

public:
    static result<lossless_receiver> open(endpoint const& where, channel_options const& how, std::string_view type_name)
    {
        lossless_receiver r;
        if (error_code const e = r.base::open(where, how, type_name))
            return e;
        r.wake_sender();  // it may wait for the first receiver
        return r;
    }

    lossless_receiver(lossless_receiver&&) = default;
    lossless_receiver& operator=(lossless_receiver&&) = default;
    ~lossless_receiver() { close(deadline::after(base::linger_)); }

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
            ring_.leave();
            base::leave(until);
            wake_from_futex(ring_.all().gate.sender_sleeps);  // now that our place is free: it may have waited for us
            base::forget();
        }
        return done;
    }

    channel_stats stats() const noexcept { return base::count(); }

    wake_source arm() noexcept { return base::arm_at(ring_.all().receivers, false); }
    void disarm() noexcept {}

private:
    template <class, class, class>
    friend class ring_pair;

    lossless_receiver() = default;

    error_code enter(participant member, std::optional<location> where, std::chrono::nanoseconds linger)
    {
        error_code const e = base::enter(std::move(member), std::move(where), linger);
        if (!e)
            wake_sender();
        return e;
    }

    void wake_sender() noexcept
    {
        if (peer_sleeps(ring_.all().gate.sender_sleeps, waiter_.fence))
            wake_peer(ring_.all().gate.sender_sleeps, participant_.fd());
    }

    [[gnu::noinline, gnu::cold]] void post() noexcept
    {
        if (!participant_.is_member())
            return;
        ring_.post();
        wake_sender();
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
            ring_.all().receivers, waiter_, until, errc::empty, [&] { return ring_.look() || part(); },
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
