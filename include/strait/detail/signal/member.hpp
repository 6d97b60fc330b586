// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SIGNAL_MEMBER_HPP
#define STRAIT_DETAIL_SIGNAL_MEMBER_HPP

#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/membership.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/kernel_space.hpp>
#include <strait/detail/signal/protocol.hpp>
#include <strait/detail/signal/target.hpp>
#include <strait/detail/wait/wait_for_peer.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include <sys/random.h>

namespace strait::detail {

inline constexpr char signal_transport[] = "realtime_signal";

// Pending signals belong to the receiver's thread, and go with it.
struct signal_mechanism : no_backing_object {
    static constexpr kernel_space needs = kernel_space::pid;
};
static_assert(backing_object<signal_mechanism>);
using signal_membership = membership<signal_mechanism>;

template <message_layout L>
error_code join_signals(endpoint const& at, channel_options const& how, message_type const& type, role r,
                        location& place, participant& member)
{
    constexpr std::uint64_t usual = 1024;
    if (!has_paths_of_descriptors())
        return errc::no_proc;  // there each end looks whether the other one's thread lives
    if (error_code const e = location::find(at, how.access, place))
        return e;
    channel_traits traits = traits_beside<L>(signal_transport, type, how);
    traits.capacity = std::min<std::uint64_t>(how.capacity != 0 ? how.capacity : usual, std::uint64_t{1} << 30);
    traits.max_message_size = signal_payload;
    signal_mechanism mechanism;
    return signal_membership::join(place, traits, r, r == role::sender ? ::off_t{signal_eventcounts::senders_at_most} : 1, mechanism,
                             member);
}

// Says whether an end is open. In a child of fork() it is not.
class signal_end {
public:
    explicit operator bool() const noexcept { return open_ && !mark_.is_inherited(); }
    errc missing() const noexcept { return open_ && mark_.is_inherited() ? errc::inherited_handle : errc::not_open; }
    void reset() noexcept { open_.clear(); }

private:
    open_flag open_;
    fork_mark mark_;
};

// A sender's part of the channel: a Member of queue_sender.
struct signal_member {
    participant member;
    location where;
    signal_end queue;
    std::size_t message_size = signal_payload;
    alignas(signal_payload) std::byte staged[signal_payload] = {};

    signal_target target;
    std::uint64_t capacity = 0;  // how many messages may wait unread
    std::uint32_t stream = 0;    // made for the receiver that was found
    std::uint32_t sent = 0;      // of this stream
    std::uint32_t taken = 0;     // of these, as far as is known
    deadline connect_until = deadline::never();
    bool lost = false;  // a receiver was there and has gone; the next one is not waited for
    waiter waiting;

    bool is_member() const noexcept { return member.is_member(); }
    std::byte* payload() noexcept { return staged; }
    std::uint64_t depth() const noexcept { return sent - taken; }
    static constexpr bool sends_from_anywhere = true;

    bool send(std::byte const* bytes, std::size_t size) noexcept
    {
        if (!target) [[unlikely]]
            return failed(ENOTCONN);
        // The receiver has left, or another one has taken its place.
        if (signal_address::line_now(member.block()) != target.address().line) [[unlikely]]
            return failed(ESRCH);
        if (sent - taken >= capacity && !has_room()) [[unlikely]]
            return failed(sent - taken > capacity ? EPROTO : EAGAIN);
        signal_frame f{signal_frame::data, sent, stream, target.address().cookie(), {}};
        std::memcpy(f.payload, bytes, size);
        if (!target.send(f)) [[unlikely]]
            return false;
        ++sent;
        return true;
    }

    [[gnu::noinline, gnu::cold]] error_code send_or_wait(std::byte const* bytes, std::size_t size, deadline until,
                                                         std::uint64_t& waits)
    {
        int number = errno;
        std::uint64_t const before = waiting.waits;
        error_code e;
        for (bool first = true; number != 0 && !e; first = false) {
            STRAIT_STEP();
            if (!queue || !is_member())
                e = queue ? member.missing() : queue.missing();
            else if (number == ENOTCONN)
                e = connect(until, first, waits);
            else if (number == ESRCH)
                e = lose();
            else if (number == EAGAIN)
                e = wait_for_room(bytes, size, until, number);
            else if (number == EPROTO)
                e = errc::peer_corrupt;  // more was taken than sent
            else
                e = system_failure(number);
            if (!e && number != 0)
                number = send(bytes, size) ? 0 : errno;
        }
        waits += waiting.waits - before;
        return e;
    }

    bool awaits_receiver() const noexcept
    {
        return queue && is_member() && !target && !lost && !connect_until.passed() && !member.has_lost_receiver();
    }

    // For room, which the receiver reports after a quarter of the capacity, or for a receiver.
    wake_source arm() noexcept
    {
        if (!is_member())
            return {};
        signal_eventcounts::of(member).senders.await_doorbell(waiting.fence);
        return {.file = member.fd(), .again = true};
    }

    // Sends the receiver a signal that a sender has left. If there is no room for it, the receiver finds that out a
    // little later.
    void leave_as_sender(deadline until) noexcept
    {
        auto const memory = member.memory();  // stays mapped, to look at the receiver
        bool const notify = target && signal_address::line_now(member.block()) == target.address().line;
        signal_mechanism mechanism;
        signal_membership::leave(member, where, mechanism, until);
        if (notify)
            (void)target.send({signal_frame::end, sent, stream, target.address().cookie(), {}});
        target.close();
    }

    template <message_layout L>
    static error_code join(endpoint const& at, channel_options const& how, message_type const& type, role r,
                           signal_member& joined)
    {
        static_assert(L.fixed_size != 0 && L.fixed_size <= signal_payload);
        joined.connect_until = deadline::after(how.connect_timeout);
        if (error_code const e = join_signals<L>(at, how, type, r, joined.where, joined.member))
            return e;
        joined.capacity = std::clamp<std::uint64_t>(joined.member.block().capacity, 1, std::uint64_t{1} << 30);
        return {};
    }

private:
    static bool failed(int number) noexcept
    {
        errno = number;
        return false;
    }

    std::atomic<std::uint64_t>& taken_word() const noexcept { return signal_eventcounts::of(member).taken[member.place()]; }

    // The word may still be that of a sender that died in this place, whose messages the receiver is taking.
    bool has_room() noexcept
    {
        std::uint64_t const word = taken_word().load(std::memory_order_acquire);  // pairs with signal_listener::take()
        if (word >> 32 == stream)
            taken = static_cast<std::uint32_t>(word);
        return sent - taken < capacity;
    }

    error_code find_receiver()
    {
        auto const a = signal_address::read(member.block());
        if (a.thread == 0 || !member.any_alive(role::receiver))
            return errc::no_receiver;
        if (error_code const e = target.open(a))
            return e;
        if (::getrandom(&stream, sizeof stream, 0) != static_cast<::ssize_t>(sizeof stream))
            return last_failure();
        stream = (stream | 0x100U) & ~0xffU;  // never 0
        stream |= static_cast<std::uint32_t>(member.place());
        sent = taken = 0;
        taken_word().store(signal_address::pair(stream, 0), std::memory_order_relaxed);
        lost = false;
        return {};
    }

    error_code connect(deadline until, bool first, std::uint64_t& waits)
    {
        std::uint32_t const seen = member.event();  // before looking: a receiver that comes after this wakes us
        error_code const e = find_receiver();
        if (!e || e != errc::no_receiver)
            return e;
        if (member.is_removed(deadline::now(), !first))
            return errc::removed;
        if (until.is_poll() || !awaits_receiver())
            return errc::no_receiver;
        if (until.passed())
            return errc::timed_out;
        waits += first ? 1 : 0;
        member.wait_event(seen, std::min(until, connect_until));
        return {};
    }

    error_code lose() noexcept
    {
        target.close();
        lost = true;
        return errc::no_receiver;
    }

    // Sets `number` to 0 when the message was sent, else to the errno that says why not. The kernel also takes signals
    // for a dead process that was not waited for yet, and for a program that the receiver's process has executed. Both
    // are found out here. A thread may also end before its receiver is closed.
    error_code wait_for_room(std::byte const* bytes, std::size_t size, deadline until, int& number)
    {
        auto const tried = [&] {
            number = send(bytes, size) ? 0 : errno;
            return number != EAGAIN;
        };
        return wait_for_peer<adaptive, 100>(signal_eventcounts::of(member).senders, waiting, until, errc::full, tried,
                                               [&](std::int64_t now, bool slept) -> std::optional<error_code> {
                                                   if (tried())
                                                       return error_code();
                                                   if (!member.any_alive(role::receiver) || !target.is_there())
                                                       return lose();
                                                   if (member.is_removed(now, slept))
                                                       return errc::removed;
                                                   return {};
                                               });
    }
};

}  // namespace strait::detail

#endif
