// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SYSV_MEMBER_HPP
#define STRAIT_DETAIL_SYSV_MEMBER_HPP

#include <strait/detail/membership/receiver_presence.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/kernel_limit.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/sysv/queue.hpp>
#include <strait/detail/wait/eventcount.hpp>
#include <strait/detail/wait/wait_for_peer.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace strait::detail {

// Where ends sleep, in the page of the control file behind its control block. While messages flow nothing is written there.
//
//   4096 receivers u32 futex     4224 senders u32 futex
struct sysv_eventcounts {
    static constexpr std::size_t offset = control_block::size_in_file;

    alignas(128) eventcount receivers;
    alignas(128) eventcount senders;
};
static_assert(sizeof(sysv_eventcounts) == 256);

class sysv_reception;

// What senders and receivers of a System V queue have: membership, the queue, and room for one message behind its type.
struct sysv_member {
    using reception = sysv_reception;

    participant member;
    location where;
    sysv_handle queue;
    std::size_t message_size = 0;
    std::uint64_t bytes = 0;  // that the queue takes
    std::size_t payload_at = 0;
    page_memory pages;
    receiver_presence receivers;
    waiter waiting;  // with a full fence, which costs nothing beside a system call

    bool is_member() const noexcept { return member.is_member(); }
    std::byte* payload() const noexcept { return pages.get() + payload_at; }
    // The struct msgbuf around payload().
    void* record() const noexcept { return payload() - sizeof(long); }
    sysv_eventcounts& eventcounts() const noexcept
    {
        return *reinterpret_cast<sysv_eventcounts*>(member.memory()->data() + sysv_eventcounts::offset);
    }

    std::uint64_t depth() const noexcept
    {
        ::msqid_ds now = {};
        return queue && ::msgctl(queue.get(), IPC_STAT, &now) == 0 ? now.msg_qnum : 0;
    }

    // The message type that a receiver asks the kernel for, 0 for any, and the highest one that it accepts.
    static constexpr long wanted_type = 0;
    static constexpr long last_type = sysv_data;

    static constexpr bool sends_from_anywhere = false;

    bool send(std::byte const*, std::size_t size) noexcept
    {
        if (!queue) [[unlikely]]
            return false;
        if (receivers.is_missing(member)) [[unlikely]] {
            errno = ENOTCONN;
            return false;
        }
        receivers.met();
        if (::msgsnd(queue.get(), record(), size, IPC_NOWAIT) != 0) [[unlikely]]
            return false;
        if (eventcounts().receivers.any(waiting.fence)) [[unlikely]]
            eventcounts().receivers.wake(member.fd());
        return true;
    }

    [[gnu::noinline, gnu::cold]] error_code send_or_wait(std::byte const* message, std::size_t size, deadline until,
                                                         std::uint64_t& waits)
    {
        int number = errno;
        for (bool first = true; queue && is_member() && number == ENOTCONN; first = false) {
            STRAIT_STEP();
            if (error_code const e = receivers.await(member, until, first, waits))
                return e;
            if (send(message, size))
                return {};
            number = errno;
        }
        if (!queue || !is_member() || number != EAGAIN)
            return failure(number);
        if (receivers.gone(member))
            return receivers.lose();
        if (until.is_poll())
            return errc::full;
        auto const tried = [&] {
            number = send(message, size) ? 0 : errno;
            return number != EAGAIN;
        };
        std::uint64_t const before = waiting.waits;
        error_code const e = wait_for_peer<adaptive, 100>(
            eventcounts().senders, waiting, until, errc::full, tried,
            [&](std::int64_t now, bool slept) -> std::optional<error_code> {
                if (tried())
                    return error_code();
                if (receivers.gone(member))
                    return receivers.lose();
                if (member.is_removed(now, slept))
                    return errc::removed;
                return {};
            });
        waits += waiting.waits - before;
        if (!e && number == ENOTCONN)
            return receivers.lose();  // the receiver has left while we waited
        return e || number == 0 ? e : failure(number);
    }

    bool awaits_receiver() const noexcept { return is_member() && receivers.awaited(member); }

    // For room, which receivers report after a quarter of the queue, or for the first receiver.
    wake_source arm() noexcept { return arm_at(&sysv_eventcounts::senders, true); }

    // For a doorbell that is rung when waiters of this eventcount are woken. `again`: the caller looks every wait
    // slice, too.
    wake_source arm_at(eventcount sysv_eventcounts::*asleep, bool again) noexcept
    {
        if (!is_member())
            return {};
        ++waiting.waits;
        (eventcounts().*asleep).await_doorbell(waiting.fence);
        return {.file = member.fd(), .again = again};
    }

    // To be called after making room.
    void wake_senders() noexcept
    {
        if (eventcounts().senders.any(waiting.fence))
            eventcounts().senders.wake(member.fd());
    }

    void leave_as_sender(deadline until) noexcept
    {
        auto const memory = member.memory();  // stays mapped for waking
        sysv_eventcounts& asleep = eventcounts();
        leave(until);
        asleep.receivers.wake_all();  // only after leaving: a receiver that is woken must see that we have gone
    }

    // The error for this errno of a call on the queue.
    error_code failure(int number) const
    {
        if (!queue || !is_member())
            return queue ? member.missing() : queue.missing();
        ::msqid_ds now = {};
        if (number == EIDRM || (number == EINVAL && ::msgctl(queue.get(), IPC_STAT, &now) != 0))
            return errc::removed;
        // EINVAL of a queue that is there: msgmax was lowered.
        return number == EINVAL ? make_error_code(errc::message_too_large) : system_failure(number);
    }

    void leave(deadline until) noexcept
    {
        sysv_mechanism mechanism;
        sysv_membership::leave(member, where, mechanism, until);
    }

    // The size of the largest message where the options do not say it, in bytes.
    static std::size_t usual_size() { return std::min<std::size_t>(8192, host_setting("/proc/sys/kernel/msgmax", 8192)); }

    template <message_layout L>
    static error_code join(endpoint const& at, channel_options const& how, message_type const& type, role r, sysv_member& joined,
                           queue_traits const& kind = {sysv_transport, true})
    {
        auto const connect_until = deadline::after(how.connect_timeout);
        location place;
        if (error_code const e = location::find(at, how.access, place))
            return e;
        std::size_t const longest = host_setting("/proc/sys/kernel/msgmax", 8192);
        std::size_t const size = L.fixed_size != 0         ? L.fixed_size
                                 : how.max_message_size != 0 ? how.max_message_size
                                                             : std::min<std::size_t>(8192, longest);
        // The kernel would report these only when such a message is sent.
        constexpr std::size_t most = std::numeric_limits<int>::max();
        if (size > longest || how.capacity > most)
            return errc::queue_limit;
        sysv_mechanism mechanism(how.capacity * size);
        if (L.fixed_size == 0 && how.max_message_size == 0)
            mechanism.bytes = std::min<std::uint64_t>(mechanism.bytes, host_setting("/proc/sys/kernel/msgmnb", 16384));
        channel_traits traits = traits_beside<L>(kind.name, type, how);
        traits.max_message_size = size;
        traits.retained = kind.retained;
        for (int attempts = 16;; --attempts) {
            STRAIT_STEP();
            participant c;
            if (error_code const e = sysv_membership::join(place, traits, r, lock_bytes::most, mechanism, c))
                return e;
            joined.member = std::move(c);
            joined.where = place;
            error_code const e = joined.open<L>();
            if (!e) {
                joined.receivers.start(joined.member, connect_until);
                return e;
            }
            joined.queue.reset();
            joined.leave(deadline::after(sysv_membership::lock_timeout));
            if (e != errc::removed || attempts == 0)
                return e;  // else the channel was removed between joining and opening
        }
    }

private:
    template <message_layout L>
    error_code open()
    {
        std::uint64_t const size = member.block().max_message_size;
        int const found = sysv_mechanism::find(member);
        ::msqid_ds now = {};
        if (::msgctl(found, IPC_STAT, &now) != 0)
            return errno == EINVAL || errno == EIDRM ? make_error_code(errc::removed)
                   : errno == EACCES                 ? make_error_code(errc::untrusted_object)
                                                     : last_failure();
        if (!sysv_trusted(now, where.access()))
            return errc::untrusted_object;
        if (size < L.fixed_size || size > static_cast<std::uint64_t>(std::numeric_limits<int>::max()) || !sysv_mechanism::is_at_our_key(member, where))
            return errc::peer_corrupt;
        payload_at = std::max<std::size_t>(sizeof(long), L.alignment);
        // One byte more than a message has, so that a message that is too long is recognised.
        pages = allocate_pages(payload_at + size + 1);
        if (!pages)
            return errc::out_of_memory;
        message_size = size;
        bytes = now.msg_qbytes;
        queue.set(found);
        long const type = sysv_data;
        std::memcpy(record(), &type, sizeof type);
        return {};
    }
};

// A member of a channel over a System V queue whose messages have priorities. msgrcv(2) with a negative type gives the
// first message of the lowest type: so type 1 is the highest priority, and type 256 is priority 0. Receivers ask for
// any type: messages of other types, which another program may send, would stay in the queue and take room for ever.
struct prioritized_member : sysv_member {
    static constexpr long wanted_type = -std::numeric_limits<long>::max();
    static constexpr long last_type = sysv_data + std::numeric_limits<std::uint8_t>::max();

    void set_priority(std::uint8_t p) noexcept
    {
        long const type = last_type - p;
        if (pages)  // not after a move
            std::memcpy(record(), &type, sizeof type);
    }

    template <message_layout L>
    static error_code join(endpoint const& at, channel_options const& how, message_type const& type, role r,
                           prioritized_member& joined)
    {
        error_code const e = sysv_member::join<L>(at, how, type, r, joined, {prioritized_sysv_transport, true});
        joined.set_priority(0);
        return e;
    }
};

}  // namespace strait::detail

#endif
