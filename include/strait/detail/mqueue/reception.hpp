// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MQUEUE_RECEPTION_HPP
#define STRAIT_DETAIL_MQUEUE_RECEPTION_HPP

#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/mqueue/member.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/queue/receiver.hpp>
#include <strait/detail/wait/adaptive_spin.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <poll.h>

namespace strait::detail {

// How a receiver takes messages out of a POSIX queue: the reception of queue_receiver.
class mqueue_reception {
public:
    queue_outcome receive(mqueue_member& end, std::size_t fixed_size, std::size_t& length) noexcept
    {
        if (!end.pages) [[unlikely]] {  // moved from
            errno = EBADF;
            return queue_outcome::failure;
        }
        unsigned priority = 0;
        ::ssize_t const size = ::mq_receive(end.queue.get(), reinterpret_cast<char*>(end.payload()), end.message_size, &priority);
        if (size < 0)
            return errno == EAGAIN ? queue_outcome::nothing : queue_outcome::failure;
        length = static_cast<std::size_t>(size);
        if (priority != data_priority) [[unlikely]]
            return length == 0 ? queue_outcome::hint : queue_outcome::malformed;
        if (fixed_size != 0 && length != fixed_size) [[unlikely]]
            return queue_outcome::malformed;
        return queue_outcome::message;
    }

    // Sleeps in wait slices, because a death signals nothing. It asks the control file, which takes a system call, only
    // when its event says that a participant has come or left, after a hint, after a slice without messages, and now
    // and then when polling.
    [[gnu::noinline, gnu::cold]] error_code wait(mqueue_member& end, std::size_t fixed_size, std::size_t& length,
                                                 queue_outcome found, deadline until)
    {
        auto const again = [&] { return found = receive(end, fixed_size, length); };
        int hints = 0;  // in a row: others can send them without end
        auto const is_hint = [&] {
            bool const nothing_yet = found == queue_outcome::hint || (found == queue_outcome::failure && errno == EINTR);
            return nothing_yet && ++hints != most_hints;
        };
        bool counted = false;
        bool ask = until.is_poll() && deadline::now() - asked_at_ > sender_watch::when_polled;
        if (found == queue_outcome::nothing)
            try_before_sleeping(spin_, until, [&] { return again() != queue_outcome::nothing; });
        for (;; again()) {
            STRAIT_STEP();
            if (found == queue_outcome::message)
                return {};
            if (found == queue_outcome::malformed)
                return errc::malformed_message;
            if (found == queue_outcome::failure && errno != EINTR)
                return end.queue.failure();
            ask = ask || found == queue_outcome::hint;
            if (is_hint())
                continue;
            hints = 0;
            // It counts itself as asleep first and asks then; a sender leaves first and looks at that count then. So
            // one of the two sees the other. Pairs with mqueue_member::leave_as_sender().
            counted_sleep const asleep(end.member.block().mechanism[2]);
            auto const event = static_cast<std::uint64_t>(end.member.event());
            if (ask || event != checked_) {
                checked_ = event;
                asked_at_ = deadline::now();
                if (auto const why = end.member.senders_gone(); why != end_reason::none) {
                    // Everything that they have sent is visible by now.
                    do {
                        STRAIT_STEP();
                        again();
                    } while (is_hint());
                    if (found == queue_outcome::message)
                        return {};
                    if (found == queue_outcome::malformed)
                        return errc::malformed_message;
                    if (found == queue_outcome::failure && errno != EINTR)
                        return end.queue.failure();
                    checked_ = unchecked;  // a sender that joins later is looked for again
                    if (found == queue_outcome::nothing) {
                        ended_ = why;
                        return errc::closed;
                    }
                }
            }
            if (end.is_removed(ask))
                return errc::removed;
            if (until.is_poll())
                return errc::empty;
            if (until.passed())
                return errc::timed_out;
            waits_ += counted ? 0 : 1;
            counted = true;
            ask = !wait_descriptor(end.queue.get(), POLLIN, until.capped(wait_slice));
        }
    }

    void received(mqueue_member&, std::size_t) noexcept { ended_ = end_reason::none; }
    void leaving(mqueue_member&) noexcept {}
    end_reason ended() const noexcept { return ended_; }
    std::uint64_t waits(mqueue_member const&) const noexcept { return waits_; }

    // Not counted as asleep: a sender that leaves rings the doorbell, so it need not put a hint into the queue.
    wake_source arm(mqueue_member const& end) const noexcept
    {
        return {.descriptor = end.queue.get(), .events = POLLIN, .file = end.member.fd(), .serial = end.queue.serial()};
    }

private:
    struct counted_sleep {
        explicit counted_sleep(std::atomic<std::uint64_t>& n) noexcept : count(n) { count.fetch_add(1, std::memory_order_seq_cst); }
        counted_sleep(counted_sleep const&) = delete;
        counted_sleep& operator=(counted_sleep const&) = delete;
        ~counted_sleep() { count.fetch_sub(1, std::memory_order_relaxed); }

        std::atomic<std::uint64_t>& count;
    };

    // Hints after which a wait looks at its deadline.
    static constexpr int most_hints = 64;
    static constexpr std::uint64_t unchecked = static_cast<std::uint64_t>(-1);

    std::uint64_t checked_ = unchecked;  // the control file's event when it was last asked
    std::int64_t asked_at_ = 0;
    std::uint64_t waits_ = 0;
    adaptive_spin spin_;
    end_reason ended_ = end_reason::none;
};

}  // namespace strait::detail

#endif
