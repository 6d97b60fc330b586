// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SYSV_RECEPTION_HPP
#define STRAIT_DETAIL_SYSV_RECEPTION_HPP

#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/queue/receiver.hpp>
#include <strait/detail/sysv/member.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

namespace strait::detail {

// How a receiver takes messages out of a System V queue: the reception of queue_receiver. It never waits in the kernel's
// queue, because msgrcv(2) has no deadline and sees neither the end of the stream nor a death. It sleeps at an eventcount
// of the control file, where senders wake it. A sender that is killed after msgsnd(2) wakes no receiver: then the message
// is found after a wait slice.
class sysv_reception {
public:
    // Asks for one byte more than a message may have. A message that is longer is cut, or it would lie in front for ever.
    template <class Member>
    queue_outcome receive(Member& end, std::size_t fixed_size, std::size_t& length) noexcept
    {
        if (!end.queue) [[unlikely]] {
            errno = EINVAL;
            return queue_outcome::failure;
        }
        ::ssize_t const size =
            ::msgrcv(end.queue.get(), end.record(), end.message_size + 1, Member::wanted_type, IPC_NOWAIT | MSG_NOERROR);
        if (size < 0)
            return errno == ENOMSG || errno == EINTR ? queue_outcome::nothing : queue_outcome::failure;
        length = static_cast<std::size_t>(size);
        long type = 0;
        std::memcpy(&type, end.record(), sizeof type);
        if (type > Member::last_type || length > end.message_size || (fixed_size != 0 && length != fixed_size)) [[unlikely]]
            return queue_outcome::malformed;
        return queue_outcome::message;
    }

    template <class Member>
    [[gnu::noinline, gnu::cold]] error_code wait(Member& end, std::size_t fixed_size, std::size_t& length,
                                                 queue_outcome found, deadline until)
    {
        if (found == queue_outcome::nothing) {
            wake_senders(end);
            bool looked = until.is_poll();  // just now
            auto const came = [&] { return (found = receive(end, fixed_size, length)) != queue_outcome::nothing; };
            std::int64_t const interval = looked ? sender_watch::when_polled : sender_watch::when_spinning;
            error_code const e = wait_for_peer<adaptive, 100>(
                end.eventcounts().receivers, end.waiting, until, errc::empty, came, [&](std::int64_t now, bool slept) {
                    return stream_.look(end.member, now, slept, interval, [&] {
                        return !std::exchange(looked, false) && came() ? std::optional(error_code()) : std::nullopt;
                    });
                });
            if (e)
                return e;
        }
        if (found == queue_outcome::failure)
            return end.failure(errno);
        return found == queue_outcome::malformed ? make_error_code(errc::malformed_message) : error_code();
    }

    // Senders that wait for room are woken when a quarter of the queue was taken, and before this end waits itself.
    void received(sysv_member& end, std::size_t length) noexcept
    {
        since_woken_ += length + 1;
        if (since_woken_ >= end.bytes / 4) [[unlikely]]
            wake_senders(end);
    }

    void leaving(sysv_member& end) noexcept { end.wake_senders(); }
    end_reason ended() const noexcept { return stream_.why(); }
    std::uint64_t waits(sysv_member const& end) const noexcept { return end.waiting.waits; }
    wake_source arm(sysv_member& end) noexcept { return end.arm_at(&sysv_eventcounts::receivers, false); }

private:
    [[gnu::noinline]] void wake_senders(sysv_member& end) noexcept
    {
        since_woken_ = 0;
        end.wake_senders();
    }

    std::uint64_t since_woken_ = 0;  // bytes and messages, so that empty messages count too
    end_of_stream stream_;
};

}  // namespace strait::detail

#endif
