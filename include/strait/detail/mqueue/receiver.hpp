// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MQUEUE_RECEIVER_HPP
#define STRAIT_DETAIL_MQUEUE_RECEIVER_HPP

#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/mqueue/member.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/wait/adaptive_spin.hpp>
#include <strait/options.hpp>
#include <strait/stats.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <poll.h>

namespace strait::detail {

// The receiver of a channel over a POSIX queue. It takes one message out of the kernel at a time.
//
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, class Member = mqueue_member>
class mqueue_receiver {
public:
    static result<mqueue_receiver> open(endpoint const& where, channel_options const& how, std::string_view type_name)
    {
        mqueue_receiver r(how.linger);
        if (error_code const e = Member::template join<L>(where, how, type_name, role::receiver, r.end_))
            return e;
        return r;
    }

    mqueue_receiver(mqueue_receiver&&) = default;
    mqueue_receiver& operator=(mqueue_receiver&&) = default;
    ~mqueue_receiver() { (void)close(deadline::after(linger_)); }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (hand_.is_empty()) [[likely]]
            if (auto got = fill(until); !got) [[unlikely]]
                return got.error();
        return std::span<std::byte const>(end_.pages.get(), length_);
    }

    void release() noexcept
    {
        hand_.clear();
        ++taken_.messages;
        taken_.bytes += length_;
    }

    end_reason ended() const noexcept { return ended_; }

    result<void> close(deadline until)
    {
        if (!end_.is_member())
            return end_.member.missing() == errc::inherited_handle ? result<void>(errc::inherited_handle) : result<void>();
        hand_.clear();
        end_.queue.reset();
        end_.leave(until);
        return {};
    }

    channel_stats stats() const
    {
        channel_stats s = taken_;
        s.depth = end_.depth() + (hand_.is_empty() ? 0 : 1);
        return s;
    }

    // Readable when a message is there, or a hint that a sender has left.
    int native_handle() const noexcept { return end_.queue.get(); }
    bool buffered() const noexcept { return !hand_.is_empty(); }

    // Not counted as asleep: a sender that leaves rings the doorbell, so it need not put a hint into the queue.
    wake_source arm() const noexcept { return {.descriptor = end_.queue.get(), .events = POLLIN, .file = end_.member.fd()}; }
    void disarm() const noexcept {}

private:
    enum class outcome { message, nothing, hint, malformed, failure };

    explicit mqueue_receiver(std::chrono::nanoseconds linger) : linger_(linger) {}

    result<void> fill(deadline until)
    {
        outcome const o = receive();
        if (o == outcome::message) [[likely]]
            return {};
        return wait(until, o);
    }

    outcome receive() noexcept
    {
        if (!end_.pages) [[unlikely]] {  // moved from
            errno = EBADF;
            return outcome::failure;
        }
        unsigned priority = 0;
        ::ssize_t const size = ::mq_receive(end_.queue.get(), reinterpret_cast<char*>(end_.pages.get()), end_.message_size, &priority);
        if (size < 0)
            return errno == EAGAIN ? outcome::nothing : outcome::failure;
        length_ = static_cast<std::size_t>(size);
        if (priority != data_priority) [[unlikely]]
            return length_ == 0 ? outcome::hint : outcome::malformed;
        if (L.fixed_size != 0 && length_ != L.fixed_size) [[unlikely]]
            return outcome::malformed;
        hand_.have = 1;
        ended_ = end_reason::none;
        return outcome::message;
    }

    result<void> malformed() noexcept
    {
        ++taken_.dropped;
        return errc::malformed_message;
    }

    // Sleeps in wait slices, because a death signals nothing. It asks the control file, which takes a system call, only
    // when its event says that a participant has come or left, after a hint, after a slice without messages, and now
    // and then when polling.
    [[gnu::noinline, gnu::cold]] result<void> wait(deadline until, outcome o)
    {
        if (!end_.is_member())
            return end_.member.missing();
        bool counted = false;
        bool ask = until.is_poll() && deadline::now() - asked_at_ > sender_watch::when_polled;
        if (o == outcome::nothing)
            try_before_sleeping(spin_, until, [&] { return (o = receive()) != outcome::nothing; });
        for (;; o = receive()) {
            if (o == outcome::message)
                return {};
            if (o == outcome::malformed)
                return malformed();
            if (o == outcome::failure && errno != EINTR)
                return end_.queue.failure();
            ask = ask || o == outcome::hint;
            if (o != outcome::nothing)
                continue;
            // It counts itself as asleep first and asks then; a sender leaves first and looks at that count then. So
            // one of the two sees the other. Pairs with mqueue_member::leave_as_sender().
            counted_sleep const asleep(end_.member.block().mechanism[2]);
            auto const event = static_cast<std::uint64_t>(end_.member.event());
            if (ask || event != checked_) {
                checked_ = event;
                asked_at_ = deadline::now();
                auto const why = end_.member.senders_gone();
                if (why != end_reason::none)
                    if (auto over = ends(why, o); !over || o == outcome::message)
                        return over;
            }
            if (until.is_poll())
                return errc::empty;
            if (until.passed())
                return errc::timed_out;
            taken_.waits += counted ? 0 : 1;
            counted = true;
            ask = !wait_descriptor(end_.queue.get(), POLLIN, until.capped(wait_slice));
        }
    }

    // Called when all senders have gone: everything that they sent is visible by now.
    result<void> ends(end_reason why, outcome& o)
    {
        do
            o = receive();
        while (o == outcome::hint || (o == outcome::failure && errno == EINTR));
        if (o == outcome::message)
            return {};
        if (o == outcome::malformed)
            return malformed();
        if (o == outcome::failure)
            return end_.queue.failure();
        ended_ = why;
        checked_ = unchecked;  // a sender that joins later is looked for again
        return errc::closed;
    }

    struct counted_sleep {
        explicit counted_sleep(std::atomic<std::uint64_t>& n) noexcept : count(n) { count.fetch_add(1, std::memory_order_seq_cst); }
        counted_sleep(counted_sleep const&) = delete;
        counted_sleep& operator=(counted_sleep const&) = delete;
        ~counted_sleep() { count.fetch_sub(1, std::memory_order_relaxed); }

        std::atomic<std::uint64_t>& count;
    };

    static constexpr std::uint64_t unchecked = static_cast<std::uint64_t>(-1);

    Member end_;
    read_ahead hand_;  // not empty: a message lies in end_.pages
    std::size_t length_ = 0;
    std::uint64_t checked_ = unchecked;  // the control file's event when it was last asked
    std::int64_t asked_at_ = 0;
    adaptive_spin spin_;
    channel_stats taken_;
    end_reason ended_ = end_reason::none;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait::detail

#endif
