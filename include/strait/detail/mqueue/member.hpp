// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MQUEUE_MEMBER_HPP
#define STRAIT_DETAIL_MQUEUE_MEMBER_HPP

#include <strait/detail/membership/membership.hpp>
#include <strait/detail/membership/receiver_presence.hpp>
#include <strait/detail/mqueue/queue.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/kernel_limit.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <poll.h>

namespace strait::detail {

class mqueue_reception;

using mqueue_membership = membership<mqueue_mechanism>;

// What senders and receivers of a POSIX queue have: membership, the queue, and room for one message.
struct mqueue_member {
    using reception = mqueue_reception;

    participant member;
    location where;
    guarded_descriptor queue;
    std::size_t message_size = 0;
    page_memory pages;
    mutable receiver_presence receivers;

    bool is_member() const noexcept { return member.is_member(); }

    std::byte* payload() const noexcept { return pages.get(); }
    int native_handle() const noexcept { return queue.get(); }

    std::uint64_t depth() const noexcept
    {
        ::mq_attr now = {};
        return queue && ::mq_getattr(queue.get(), &now) == 0 ? static_cast<std::uint64_t>(now.mq_curmsgs) : 0;
    }

    static constexpr bool sends_from_anywhere = true;

    bool send(std::byte const* bytes, std::size_t size) const noexcept
    {
        if (receivers.is_missing(member)) [[unlikely]] {
            errno = ENOTCONN;
            return false;
        }
        receivers.met();
        return ::mq_send(queue.get(), reinterpret_cast<char const*>(bytes), size, data_priority) == 0;
    }

    [[gnu::noinline, gnu::cold]] error_code send_or_wait(std::byte const* bytes, std::size_t size, deadline until,
                                                         std::uint64_t& waits) const
    {
        for (bool first = true;; first = false) {
            STRAIT_STEP();
            int const number = errno;
            if (!queue || !is_member()) {
                return queue ? make_error_code(member.missing()) : make_error_code(queue.missing());
            } else if (number == EAGAIN) {
                if (receivers.gone(member))
                    return receivers.lose();
                if (is_removed(!first))
                    return errc::removed;
                if (until.is_poll())
                    return errc::full;
                if (until.passed())
                    return errc::timed_out;
                waits += first ? 1 : 0;
                (void)wait_descriptor(queue.get(), POLLOUT, until.capped(wait_slice));
            } else if (number == ENOTCONN) {
                if (error_code const e = receivers.await(member, until, first, waits))
                    return e;
            } else if (number == EMSGSIZE) {
                return errc::message_too_large;
            } else if (number != EINTR) {
                return system_failure(number);
            }
            if (send(bytes, size))
                return {};
        }
    }

    // Whether the channel was removed, or its queue alone.
    bool is_removed(bool asked) const noexcept
    {
        return member.is_removed(deadline::now(), asked) || (asked && participant::has_no_name(queue.get()));
    }

    bool awaits_receiver() const noexcept { return is_member() && receivers.awaited(member); }

    // For room, or for the first receiver: while that is missing the queue has room, which says nothing.
    wake_source arm() const noexcept
    {
        bool const missing = awaits_receiver() && receivers.is_missing(member);
        return {.descriptor = missing ? -1 : queue.get(), .events = POLLOUT, .file = member.fd(), .again = missing};
    }

    void leave_as_sender(deadline until) noexcept
    {
        auto const memory = member.memory();  // stays mapped, to look at the number of waiters
        auto const& sleeping = member.block().mechanism[2];
        leave(until);
        // Only after leaving, because a receiver that is woken must see that we have gone. Pairs with
        // mqueue_reception::wait().
        if (sleeping.load(std::memory_order_seq_cst) != 0)
            ::mq_send(queue.get(), "", 0, hint_priority);
    }

    void leave(deadline until) noexcept
    {
        mqueue_mechanism mechanism;
        mqueue_membership::leave(member, where, mechanism, until);
    }

    // The size of the largest message where the options do not say it, in bytes.
    static std::size_t usual_size() { return std::min<std::size_t>(8192, host_setting("/proc/sys/fs/mqueue/msgsize_max", 8192)); }

    template <message_layout L>
    static error_code join(endpoint const& at, channel_options const& how, message_type const& type, role r, mqueue_member& joined,
                           queue_traits const& kind = {mqueue_transport, true})
    {
        auto const connect_until = deadline::after(how.connect_timeout);
        location place;
        if (error_code const e = location::find(at, how.access, place))
            return e;
        mqueue_mechanism mechanism;
        mechanism.messages = how.capacity != 0
                                 ? how.capacity
                                 : std::min<std::size_t>(10, host_setting("/proc/sys/fs/mqueue/msg_max", 10));
        if (L.fixed_size != 0)
            mechanism.message_size = L.fixed_size;
        else if (how.max_message_size != 0)
            mechanism.message_size = how.max_message_size;
        else
            mechanism.message_size = usual_size();
        channel_traits traits = traits_beside<L>(kind.name, type, how);
        traits.capacity = mechanism.messages;
        traits.max_message_size = mechanism.message_size;
        traits.retained = kind.retained;
        for (int attempts = 16;; --attempts) {
            STRAIT_STEP();
            participant c;
            if (error_code const e = mqueue_membership::join(place, traits, r, lock_bytes::most, mechanism, c))
                return e;
            joined.member = std::move(c);
            joined.where = place;
            auto opened = joined.open(r == role::sender ? O_WRONLY : O_RDONLY, L.fixed_size);
            if (opened) {
                joined.receivers.start(joined.member, connect_until);
                return {};
            }
            joined.leave(deadline::after(mqueue_membership::lock_timeout));
            if (opened.error() != queue_removed || attempts == 0)
                return opened.error();  // else the channel was removed between joining and opening
        }
    }

private:
    result<void> open(int mode, std::size_t least)
    {
        auto opened = open_queue(member, where, mode);
        if (!opened)
            return opened.error();
        if (opened->second < least)
            return errc::peer_corrupt;
        pages = allocate_pages(opened->second);
        if (!pages)
            return errc::out_of_memory;
        queue = guarded_descriptor(std::move(opened->first));
        message_size = opened->second;
        return {};
    }
};

}  // namespace strait::detail

#endif
