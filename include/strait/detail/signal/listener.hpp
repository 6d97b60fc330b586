// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SIGNAL_LISTENER_HPP
#define STRAIT_DETAIL_SIGNAL_LISTENER_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/signal/member.hpp>
#include <strait/detail/signal/numbers.hpp>
#include <strait/detail/signal/protocol.hpp>
#include <strait/detail/signal/target.hpp>
#include <strait/detail/socket/datagram_receiver.hpp>
#include <strait/stats.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include <signal.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace strait::detail {

// The receiver's part: the signal that its thread blocks, and the signalfd(2) that shows it. It is a Listener of
// datagram_receiver, to which it shows the messages of one read as one frame.
//
// Distinct objects: safe. Shared objects: unsafe. Of one thread.
class signal_listener {
public:
    explicit signal_listener(std::size_t message_size) : message_size_(message_size) {}

    // After an error it has left the channel.
    error_code open(participant member, location where)
    {
        member_ = std::move(member);
        where_ = std::move(where);
        quarter_ = std::max<std::uint64_t>(1, member_.block().capacity / 4);
        error_code const e = listen();
        if (e)
            leave(deadline::after(signal_membership::lock_timeout));
        return e;
    }

    bool start() noexcept
    {
        streams_.reset(new (std::nothrow) streams());
        return static_cast<bool>(streams_);
    }

    // If not, the end reports wrong_thread: a signalfd shows the signals of the thread that reads it.
    bool is_of_this_thread() const { return number_.is_of_this_thread(); }

    int fd() const noexcept { return signals_.get(); }
    std::uint64_t serial() const noexcept { return signals_.serial(); }
    int file() const noexcept { return member_.fd(); }
    static constexpr std::size_t packet() noexcept { return stream_frame::bytes(at_once * signal_payload); }
    end_reason senders_gone(bool slept) noexcept
    {
        return watch_.gone(member_, deadline::now(), slept, sender_watch::when_polled);
    }
    bool is_removed(bool slept) const noexcept { return member_.is_removed(deadline::now(), slept); }
    void count_in() noexcept { member_.count_in(); }
    bool usable() const noexcept { return member_.is_member(); }
    errc missing() const noexcept { return member_.missing(); }

    datagram_outcome receive(read_ahead& to, channel_stats& stats) noexcept
    {
        if (!member_.is_member()) [[unlikely]]
            return datagram_outcome::nothing;
        if (std::exchange(told_, false))
            return datagram_outcome::end;
        for (int others = 0; others != most_others; ++others) {
            STRAIT_STEP();
            std::array<::signalfd_siginfo, at_once> come;
            auto const n = ::read(signals_.get(), come.data(), sizeof come);
            if (n < 0) {
                make_room();
                return errno == EAGAIN || errno == EINTR ? datagram_outcome::nothing : datagram_outcome::failure;
            }
            auto const count = static_cast<std::size_t>(n) / sizeof come[0];
            std::size_t messages = 0;
            for (std::size_t i = 0; i != count; ++i)
                if (take(signal_frame::of(come[i]), stats, to.data() + sizeof(stream_frame) + messages * message_size_))
                    ++messages;
            if (messages != 0) {
                stream_frame const f{static_cast<std::uint32_t>(messages * message_size_), stream_frame::data};
                std::memcpy(to.data(), &f, sizeof f);
                to.at = 0;
                to.have = stream_frame::bytes(f.size);
                since_told_ += messages;
                if (since_told_ >= quarter_)
                    make_room();
                return datagram_outcome::datagram;
            }
            if (std::exchange(told_, false))
                return datagram_outcome::end;
        }
        return datagram_outcome::nothing;
    }

    void leave(deadline until) noexcept
    {
        if (!member_.is_member())
            return;
        auto const memory = member_.memory();  // stays mapped, to look at the waiters
        signal_address().publish(member_.block());
        signal_mechanism mechanism;
        signal_membership::leave(member_, where_, mechanism, until);
        signal_eventcounts::of(member_).senders.wake_all();  // after leaving: a sender that is woken must see that we have gone
        if (signals_ && number_.is_of_this_thread())
            discard();  // or they would stay pending as long as the thread lives
        signals_.reset();
        number_.reset();
    }

private:
    // Signals of one read. They make room for their senders at once, so a larger number would make small channels
    // large.
    static constexpr std::size_t at_once = 64;
    // Reads without a message, after which the caller looks at its clock.
    static constexpr int most_others = 64;
    static constexpr int most_discarded = 1024;  // reads

    struct stream {
        std::uint32_t id = 0;
        std::uint32_t next = 0;
    };
    using streams = std::array<stream, signal_eventcounts::senders_at_most>;

    error_code listen()
    {
        if (error_code const e = number_.take())
            return e;
        ::sigset_t one;
        ::sigemptyset(&one);
        ::sigaddset(&one, number_.get());
        signals_ = guarded_descriptor(descriptor(::signalfd(-1, &one, SFD_NONBLOCK | SFD_CLOEXEC)));
        if (!signals_)
            return last_failure();
        discard();  // signals that came late, for an earlier receiver
        ::pid_t const thread = static_cast<::pid_t>(::syscall(SYS_gettid));
        descriptor const task = open_task(::getpid(), thread);
        signal_address a;
        if (!task || (a.start = thread_start(task.get())) == 0)
            return last_failure();
        do
            if (::getrandom(&cookie_, sizeof cookie_, 0) != static_cast<::ssize_t>(sizeof cookie_))
                return last_failure();
        while (cookie_ == 0);
        a.thread = signal_address::pair(static_cast<std::uint32_t>(::getpid()), static_cast<std::uint32_t>(thread));
        a.line = signal_address::pair(static_cast<std::uint32_t>(number_.get()), cookie_);
        a.publish(member_.block());
        member_.signal();
        return {};
    }

    // Reads signals away, but no more than so many: others can send them without end. Those that stay are counted as foreign.
    void discard() const noexcept
    {
        std::array<::signalfd_siginfo, at_once> come;
        for (int reads = 0; reads != most_discarded && ::read(signals_.get(), come.data(), sizeof come) > 0; ++reads)
            STRAIT_STEP();
    }

    // Copies a message; false: it is none. Any process may have sent it, so nothing breaks whatever it holds.
    bool take(signal_frame const& f, channel_stats& stats, std::byte* to) noexcept
    {
        bool const ours = f.code == signal_frame::data || f.code == signal_frame::end;
        if (!ours || f.cookie != cookie_) [[unlikely]] {
            stats.dropped += ours ? 0 : 1;  // another program's; a message for an earlier receiver was lost with that one
            return false;
        }
        std::size_t const place = f.stream % signal_eventcounts::senders_at_most;
        stream& s = (*streams_)[place];
        if (s.id != f.stream)
            s = {f.stream, 0};
        // A gap: another part of this process has taken signals, or changed how they are handled.
        if (std::uint32_t const gap = f.sequence - s.next; gap != 0 && gap < 0x8000'0000U) [[unlikely]]
            stats.dropped += gap;
        if (f.code == signal_frame::end) {
            s.next = f.sequence;
            told_ = true;
            return false;
        }
        s.next = f.sequence + 1;
        std::memcpy(to, f.payload, message_size_);
        signal_eventcounts::of(member_).taken[place].store(signal_address::pair(f.stream, s.next),
                                                    std::memory_order_release);  // pairs with has_room()
        return true;
    }

    // Wakes senders that wait for room.
    void make_room() noexcept
    {
        since_told_ = 0;
        auto& senders = signal_eventcounts::of(member_).senders;
        if (senders.any(waiting_.fence)) [[unlikely]]
            senders.wake(member_.fd());
    }

    participant member_;
    location where_;
    signal_number number_;
    guarded_descriptor signals_;
    std::unique_ptr<streams> streams_;
    sender_watch watch_;
    waiter waiting_;
    std::size_t message_size_;
    std::uint64_t quarter_ = 1;
    std::uint64_t since_told_ = 0;  // messages
    std::uint32_t cookie_ = 0;
    bool told_ = false;  // that a sender has left
};

}  // namespace strait::detail

#endif
