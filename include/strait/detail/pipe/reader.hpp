// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_PIPE_READER_HPP
#define STRAIT_DETAIL_PIPE_READER_HPP

#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/pipe/fifo.hpp>
#include <strait/detail/wait/adaptive_spin.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace strait::detail {

// The receiving side of a pipe, with a name (a FIFO) or without one. It does not know frames.
//
// Every read takes all bytes in the pipe, because the buffer is as large as the pipe. So a read ends where a write
// ended, and a reader that is killed at any instruction leaves no half frame to the next one.
//
// It holds no descriptor for writing, or the kernel would never report the end. It holds two for reading, of which one
// blocks: a blocking read is the cheapest way to wait, and RWF_NOWAIT does not work on a FIFO (Linux 6.18: EOPNOTSUPP).
// Only a pipe without a name is waited for in this way: of a FIFO the reader must learn that its channel was removed.
// While another process holds a pipe without a name open for writing, a wait without a deadline sees no end.
//
// Distinct objects: safe. Shared objects: unsafe.
class fifo_reader {
public:
    static result<fifo_reader> open(participant member, location where)
    {
        auto polling = open_fifo(member, where, O_RDONLY);
        if (!polling)
            return fail(member, where, polling.error());
        auto blocking = open_fifo(member, where, O_RDONLY);
        if (!blocking)
            return fail(member, where, blocking.error());
        return open(std::move(member), std::move(where), std::move(*polling), std::move(*blocking));
    }

    // For a pipe without a name.
    static result<fifo_reader> open(participant member, descriptor pipe)
    {
        descriptor blocking;
        if (error_code const e = reopen(pipe.get(), O_RDONLY | O_NONBLOCK, blocking))
            return fail(member, {}, e);
        return open(std::move(member), {}, std::move(pipe), std::move(blocking));
    }

    bool is_member() const noexcept { return member_.is_member(); }
    int control_file() const noexcept { return member_.fd(); }
    void forget_name() noexcept { member_.forget_name(); }
    errc missing() const noexcept { return member_.missing(); }
    int fd() const noexcept { return polling_.get(); }
    std::uint64_t waits() const noexcept { return waits_; }
    end_reason ended() const noexcept { return ended_; }

    // Reads into the empty buffer. Errors: empty, timed_out, closed, those of read(2). With `gather` it waits 2 us
    // first, so that several small messages come together: a reader that takes each one as it comes makes the writer
    // wait for the pipe.
    result<void> fill(deadline until, bool gather)
    {
        if (gather)
            pause();
        if (spin_.pays()) {
            if (took(read_at_once()))
                return {};
        } else if (until.is_never() && took(read_sleeping())) {
            return {};
        }
        return read_or_wait(until);
    }

    // As long as no sender is connected the pipe reports a hang-up, so only the control file is watched: a sender that
    // connects, joins or leaves rings its doorbell.
    wake_source arm() const noexcept
    {
        return {.descriptor = connected_ ? polling_.get() : -1,
                .events = POLLIN,
                .file = member_.fd(),
                .buffered = !buffer.is_empty(),
                .serial = polling_.serial()};
    }

    std::uint64_t depth() const noexcept
    {
        int bytes = 0;
        bool const known = ::ioctl(polling_.get(), FIONREAD, &bytes) == 0;
        return buffer.have - buffer.at + (known ? static_cast<std::uint64_t>(bytes) : 0);
    }

    void leave(deadline until) noexcept
    {
        polling_.reset();
        blocking_.reset();
        buffer.clear();
        leave_fifo(member_, where_, until);
    }

    read_ahead buffer;

private:
    static constexpr std::int64_t pause_nanoseconds = 2'000;

    static result<fifo_reader> open(participant member, location where, descriptor polling, descriptor blocking)
    {
        set_flags(polling.get(), O_NONBLOCK);
        set_flags(blocking.get(), 0);
        if (auto const capacity = member.block().capacity; capacity != 0)
            if (error_code const e = set_pipe_capacity(blocking.get(), capacity))
                return fail(member, where, e);
        int const bytes = ::fcntl(blocking.get(), F_GETPIPE_SZ);
        if (bytes <= 0)
            return fail(member, where, last_failure());
        auto pages = allocate_pages(static_cast<std::size_t>(bytes));
        if (!pages)
            return fail(member, where, errc::out_of_memory);
        fifo_reader r(std::move(member), std::move(where));
        r.polling_ = guarded_descriptor(std::move(polling));
        r.blocking_ = guarded_descriptor(std::move(blocking));
        r.buffer = read_ahead(std::move(pages), static_cast<std::size_t>(bytes));
        r.member_.count_in();  // wakes senders, which wait until the FIFO is open
        return r;
    }

    // The time when a pipe was read last is of no use; noting it takes a fifth of the time of a read of 64 bytes (Linux
    // 6.18). Only the owner of the pipe may switch that off.
    static void set_flags(int fd, int flags) noexcept
    {
        if (::fcntl(fd, F_SETFL, flags | O_NOATIME) != 0)
            ::fcntl(fd, F_SETFL, flags);
    }

    fifo_reader(participant member, location where) : member_(std::move(member)), where_(std::move(where)) {}

    static error_code fail(participant& member, location const& where, error_code const& why)
    {
        leave_fifo(member, where, deadline::after(std::chrono::seconds(5)));
        return why;
    }

    static void pause() noexcept
    {
        std::int64_t const end = deadline::now() + pause_nanoseconds;
        while (deadline::now() < end) {
        }
    }

    bool took(::ssize_t count) noexcept
    {
        if (count <= 0)
            return false;
        buffer.at = 0;
        buffer.have = static_cast<std::size_t>(count);
        ended_ = end_reason::none;
        return true;
    }

    ::ssize_t read_at_once() noexcept
    {
        return uninterrupted([&] { return ::read(polling_.get(), buffer.data(), buffer.size); });
    }

    // Sleeps until there is something to read: without a name in the read itself, which is cheapest; else for a wait
    // slice, because a channel can be removed, which wakes no reader.
    ::ssize_t read_sleeping() noexcept
    {
        if (member_.is_nameless())
            return ::read(blocking_.get(), buffer.data(), buffer.size);
        (void)wait_descriptor(polling_.get(), POLLIN, deadline::after(wait_slice));
        return read_at_once();
    }

    // The FIFO can be deleted alone, which no later sender finds then.
    bool is_removed(bool asked) const noexcept
    {
        return member_.is_removed(deadline::now(), asked) || (asked && !member_.is_nameless() && participant::has_no_name(polling_.get()));
    }

    [[gnu::noinline]] result<void> read_or_wait(deadline until)
    {
        bool counted = false;
        bool slept = false;  // for a whole wait slice
        for (;;) {
            STRAIT_STEP();
            std::uint32_t const seen = member_.event();  // before the read: a sender that connects after it changes the event
            ::ssize_t const count = read_at_once();
            if (took(count))
                return {};
            if (count < 0 && errno != EAGAIN)
                return polling_.failure();
            // 0 bytes mean that no process has the FIFO open for writing. Else one has, but perhaps no sender: a
            // process that holds a copy of a dead sender's descriptor must not hide the end.
            bool const connected = connected_ = count != 0;
            if (!connected || slept || until.is_poll())
                if (auto const why = watch_.gone(member_, deadline::now(), !connected || slept, sender_watch::when_polled);
                    why != end_reason::none) {
                    if (took(read_at_once()))
                        return {};
                    ended_ = why;
                    return errc::closed;
                }
            if (is_removed(slept || (!connected && counted)))
                return errc::removed;
            if (until.is_poll())
                return errc::empty;
            if (until.passed())
                return errc::timed_out;
            waits_ += counted ? 0 : 1;
            if (!counted && connected && try_before_sleeping(spin_, until, [&] { return took(read_at_once()); }))
                return {};
            counted = true;
            // As long as no sender is connected poll(2) reports the hang-up at once; senders signal when they have
            // connected.
            if (!connected)
                member_.wait_event(seen, until);
            else if (until.is_never() && member_.is_nameless()) {
                if (took(::read(blocking_.get(), buffer.data(), buffer.size)))
                    return {};
            } else
                slept = !wait_descriptor(polling_.get(), POLLIN, until.capped(wait_slice));
        }
    }

    participant member_;
    location where_;
    guarded_descriptor polling_;
    guarded_descriptor blocking_;
    sender_watch watch_;
    adaptive_spin spin_;
    std::uint64_t waits_ = 0;
    end_reason ended_ = end_reason::none;
    bool connected_ = false;  // when last looked
};

}  // namespace strait::detail

#endif
