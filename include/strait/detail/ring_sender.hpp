// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_SENDER_HPP
#define STRAIT_DETAIL_RING_SENDER_HPP

#include <strait/detail/companion_door.hpp>
#include <strait/detail/fork_guard.hpp>
#include <strait/detail/ring_geometry.hpp>
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

// Leaves a channel that may have a name. What the other end must be told stays to be done.
inline void leave_ring(companion& c, std::optional<location> const& where, bool varies, deadline until) noexcept
{
    ring_mechanism mechanism{varies};
    if (where)
        companion_door<ring_mechanism>::leave(c, *where, mechanism, until);
    else
        c.leave_nameless();
}

// The sending end of a ring: where its messages go, when it waits, and when it wakes the receiver.
template <message_layout L, waiting_strategy Wait>
class ring_sender : fork_guard {
    using ring = std::conditional_t<L.fixed_size == 0, record_writer<L>, slot_writer<L>>;
    static constexpr unsigned pace = std::conditional_t<L.fixed_size == 0, record_shape<L>, slot_shape<L>>::pace;

public:
    ring_sender(ring_sender&& other)
        : fork_guard(&disarm), ring_(other.ring_), waiter_(other.waiter_), companion_(std::move(other.companion_)),
          where_(std::move(other.where_)), linger_(other.linger_)
    {
        other.ring_.detach();
    }
    ring_sender& operator=(ring_sender&& other)
    {
        if (this != &other) {
            close(deadline::after(linger_));
            ring_ = other.ring_;
            other.ring_.detach();
            waiter_ = other.waiter_;
            companion_ = std::move(other.companion_);
            where_ = std::move(other.where_);
            linger_ = other.linger_;
        }
        return *this;
    }
    ~ring_sender() { close(deadline::after(linger_)); }

    result<std::span<std::byte>> reserve(std::size_t n, deadline until)
    {
        if (!ring_.has_room(n)) [[unlikely]]
            if (error_code const e = make_room(n, until))
                return e;
        return ring_.room(n);
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
        if (!companion_.is_member()) {
            if (companion_.missing() == errc::inherited_handle)
                return errc::inherited_handle;
            return {};
        }
        leave_ring(companion_, where_, L.fixed_size == 0, until);
        wake_peer(ring_.header().receiver_sleeps);  // now that our place is free: the end of the stream, at once
        ring_.detach();
        companion_ = companion();
        return {};
    }

protected:
    ring_sender(ring r, companion c, std::optional<location> where, std::chrono::nanoseconds linger)
        : fork_guard(&disarm), ring_(r), companion_(std::move(c)), where_(std::move(where)), linger_(linger)
    {
        waiter_.fence = asymmetric_fence::attach();
    }

    // A ring of a companion that has been joined, or why it cannot be used; then the channel is left again.
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
    [[gnu::noinline, gnu::cold]] error_code make_room(std::size_t n, deadline until)
    {
        if (!companion_.is_member())
            return companion_.missing();
        if (ring_.too_large(n))
            return errc::message_too_large;
        if (ring_.refresh(n))
            return {};
        // What was committed since the last flush is still unannounced, and only a receiver that runs makes room.
        if (peer_sleeps(ring_.header().receiver_sleeps, waiter_.fence))
            wake_peer(ring_.header().receiver_sleeps);
        // Room is taken in quarters while the receiver keeps posting it, and to the last message when it does not.
        return wait_for_peer<Wait, pace>(
            ring_.header().sender_sleeps, waiter_, until, errc::full, [&] { return ring_.refresh(n); },
            [&](std::int64_t now, bool slept) { return nobody_can_come(now, slept) ? make_error_code(errc::no_receiver) : ring_.inspect(n); });
    }

    // Of a channel without a name: its messages wait for nobody once the receiver is gone and no pair promises another.
    bool nobody_can_come(std::int64_t now, bool slept) noexcept
    {
        if (!companion_.is_nameless() || (!slept && now - asked_at_ < sender_watch::when_spinning))
            return false;
        asked_at_ = now;
        return companion_.receivers_gone();
    }

    [[gnu::noinline, gnu::cold]] result<void> wake_receiver()
    {
        if (!companion_.is_member())
            return companion_.missing();
        wake_peer(ring_.header().receiver_sleeps);
        return {};
    }

    static void disarm(fork_guard& g) noexcept { static_cast<ring_sender&>(g).ring_.detach(); }

    ring ring_;
    waiter waiter_;
    companion companion_;
    std::optional<location> where_;
    std::chrono::nanoseconds linger_;
    std::int64_t asked_at_ = 0;
};

}  // namespace strait::detail

#endif
