// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_SENDER_HPP
#define STRAIT_DETAIL_RING_SENDER_HPP

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

// Decides for a sender that waits for room whether a receiver can still make it. This one is for rings that retain unread
// messages: a later receiver can always come, except to a channel without a name. A topology that retains nothing has a
// specialisation beside its writer.
template <class Writer>
class room_watch {
public:
    // Before the sender is opened. A sender of a pair has no options.
    void start(channel_options const&) noexcept {}

    // A thorough look, as check(now, slept) of wait_for_peer(): for a message of n bytes. no_receiver: there will be no room.
    std::optional<error_code> look(Writer& ring, participant const& member, std::size_t n, std::int64_t now, bool slept)
    {
        return receivers_.no_receiver_possible(member, now, slept) ? make_error_code(errc::no_receiver) : ring.inspect(n);
    }

    // What a sender reports that never waits and finds no room.
    static errc poll_says(Writer const&) noexcept { return errc::full; }

    // Whether no receiver has come yet and the first one is still waited for.
    static bool awaits_receiver(Writer const&, participant const&) noexcept { return false; }

private:
    receiver_watch receivers_;
};

// For senders that never wait for room.
template <class Writer>
    requires(!requires(Writer& w) { w.refresh(0); })
class room_watch<Writer> {
public:
    static void start(channel_options const&) noexcept {}
    static bool awaits_receiver(Writer const&, participant const&) noexcept { return false; }
};

// The sending end of a ring of any topology: when it waits for room, and when it wakes the receivers. Where messages go, and
// whether there is room, is decided by `Writer`.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, waiting_strategy Wait, class Geometry, overwriting_ring_writer<typename Geometry::view_type> Writer>
class ring_sender : ring_end<Geometry, Writer, role::sender> {
    using base = ring_end<Geometry, Writer, role::sender>;
    using base::participant_;
    using base::ring_;
    using base::waiter_;
    static constexpr bool waits = ring_writer<Writer, typename Geometry::view_type>;
    static constexpr bool stages = staging_ring_writer<Writer>;

public:
    static result<ring_sender> open(endpoint const& where, channel_options const& how, message_type const& type)
    {
        ring_sender s;
        s.room_.start(how);
        if (error_code const e = s.base::open(where, how, type))
            return e;
        return s;
    }

    ring_sender(ring_sender&&) = default;
    ring_sender& operator=(ring_sender&&) = default;
    ~ring_sender() { close(deadline::after(base::linger_)); }

    result<std::span<std::byte>> reserve(std::size_t n, deadline until)
    {
        if (!ring_.has_room(n)) [[unlikely]] {
            error_code const e = make_room(n, until);
            if (e || !waits)  // a sender that never waits has room or an error: nothing is left to do after the call
                return e;
        }
        STRAIT_CRASH_POINT("reserve: room found");
        return ring_.room(n);
    }

    // Sends a large message, which receivers copy out while it is copied in; receivers that sleep are woken by its first
    // piece. Errors are those of reserve(). The message is committed afterwards, as by commit().
    result<void> copy_in(std::span<std::byte const> message, deadline until)
        requires(slot_progress<L>::shown && requires(Writer& w) { w.copy_in(nullptr, [] {}); })
    {
        return copy_in_pieces(*this, ring_, message, until);
    }

    // The message is in the ring at once; flush() wakes receivers that sleep. Where other senders may have filled the ring
    // since reserve(), it is in the ring after flush().
    void commit(std::size_t used) noexcept { ring_.commit(used); }

    result<void> flush(deadline until)
    {
        if constexpr (stages)
            if (ring_.is_staged()) [[unlikely]] {
                error_code const e = put_staged(until);
                ring_.withdraw();
                if (e)
                    return e;
            }
        if (peer_sleeps(ring_.receivers(), waiter_.fence)) [[unlikely]]
            return wake_receivers();
        return {};
    }

    result<void> close(deadline until)
    {
        result<void> done;
        if (base::can_leave(done)) {
            if constexpr (stages)
                if (ring_.is_staged())
                    done = flush(until);
            base::leave(until);
            STRAIT_CRASH_POINT("close: left");
            wake_from_futex(ring_.receivers());  // now that our place is free: they see the end of the stream at once
            base::forget();
        }
        return done;
    }

    using base::expect_no_more_peers;

    // Whether no receiver has come yet and the first one is still waited for: then no_receiver means "not yet" to a caller
    // that waits in another way than in this end. Makes a system call only while that is so.
    bool awaits_receiver() const noexcept
    {
        return participant_.is_member() && room_.awaits_receiver(ring_, participant_);
    }

    channel_stats stats() const noexcept { return base::count(); }
    using base::refused;

    // Receivers post room now and then, and before they wait; the dead post nothing. So its caller looks again from time to
    // time.
    wake_source arm() noexcept
    {
        if constexpr (waits)
            return base::arm_at(ring_.senders(), true);
        else
            return {};
    }
    void disarm() noexcept
    {
        if constexpr (waits)
            base::disarm_at(ring_.senders());
    }

private:
    template <class, class, class>
    friend class ring_pair;

    ring_sender() = default;

    [[gnu::noinline, gnu::cold]] error_code make_room(std::size_t n, deadline until)
    {
        if (!participant_.is_member())
            return participant_.missing();
        if (removed_)
            return errc::removed;
        if (ring_.too_large(n))
            return errc::message_too_large;
        if constexpr (stages)
            if (ring_.is_staged())
                if (error_code const e = put_staged(until))
                    return e;
        if constexpr (waits)
            return ring_.refresh(n) ? error_code() : wait(n, until, [&] { return ring_.refresh(n); });
        else
            return errc::message_too_large;  // else there is always room
    }

    error_code put_staged(deadline until)
        requires(stages)
    {
        return ring_.put() ? error_code() : wait(0, until, [&] { return ring_.put(); });
    }

    // Room is taken as the receivers post it, and to the last message when they do not.
    template <class Ready>
    error_code wait(std::size_t n, deadline until, Ready ready)
    {
        // What was committed since the last flush is still unannounced, and only receivers that run make room.
        if (peer_sleeps(ring_.receivers(), waiter_.fence))
            wake_peer(ring_.receivers(), participant_.fd());
        return wait_for_peer<Wait, Writer::pace>(
            ring_.senders(), waiter_, until, room_.poll_says(ring_), ready,
            [&](std::int64_t now, bool slept) -> std::optional<error_code> {
                std::optional<error_code> const seen = room_.look(ring_, participant_, n, now, slept);
                if constexpr (stages)
                    if (seen && !*seen && !ready())
                        return {};  // another sender has taken the room that was seen
                if (!seen && participant_.is_removed(now, slept))
                    return errc::removed;
                return seen;
            });
    }

    [[gnu::noinline, gnu::cold]] result<void> wake_receivers()
    {
        if (!participant_.is_member())
            return participant_.missing();
        wake_peer(ring_.receivers(), participant_.fd());
        // A sender that has room never waits. It looks here whether the channel was removed, because a receiver that has
        // found that out leaves its sleep word set. The message is in the ring: the next operation reports it.
        if (participant_.is_removed(0, true)) {
            removed_ = true;
            ring_.detach();
        }
        return {};
    }

    room_watch<Writer> room_;
    bool removed_ = false;  // and the ring is detached
};

}  // namespace strait::detail

#endif
