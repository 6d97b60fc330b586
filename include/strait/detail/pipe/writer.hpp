// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_PIPE_WRITER_HPP
#define STRAIT_DETAIL_PIPE_WRITER_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/os/quiet_write.hpp>
#include <strait/detail/pipe/fifo.hpp>
#include <strait/detail/wait/futex.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

namespace strait::detail {

// The sending side of a pipe, with a name (a FIFO) or without one. It does not know frames. It connects to a FIFO when
// it is used first, because a FIFO cannot be opened for writing before a receiver has it open. It stays connected when
// the reader goes, so that bytes that a dead reader has left in the pipe are there for the next one.
//
// Distinct objects: safe. Shared objects: unsafe.
class fifo_writer {
public:
    fifo_writer(participant member, location where, deadline connect_until)
        : member_(std::move(member)), where_(std::move(where)), connect_until_(connect_until)
    {
    }

    // For a pipe without a name, which is connected from the beginning.
    fifo_writer(participant member, descriptor pipe)
        : member_(std::move(member)), connect_until_(deadline::never()), fifo_(std::move(pipe))
    {
    }

    // The end is open.
    void count_in() noexcept { member_.count_in(); }

    bool is_connected() const noexcept { return static_cast<bool>(fifo_); }
    bool is_member() const noexcept { return member_.is_member(); }
    int control_file() const noexcept { return member_.fd(); }
    void forget_name() noexcept { member_.forget_name(); }
    errc missing() const noexcept { return member_.missing(); }
    int fd() const noexcept { return fifo_.get(); }
    std::uint64_t waits() const noexcept { return waits_; }

    // untrusted_object where something else lies in the FIFO's place. That the FIFO cannot be opened without a receiver
    // is no error.
    result<void> check() const
    {
        auto const opened = open_fifo(member_, where_, O_WRONLY);
        if (opened || opened.error() == errc::no_receiver || opened.error() == channel_removed)
            return {};
        return opened.error();
    }

    // Whether the first receiver may still come: none was there since this end was opened, and connect_timeout is not
    // over.
    bool awaits_receiver() const noexcept
    {
        return member_.is_member() && !fifo_ && !connect_until_.passed() && !member_.has_lost_receiver();
    }

    // Opens the FIFO, waiting for the first receiver. Errors: timed_out; removed; no_receiver when none has come up to
    // connect_timeout, when one was there and has gone, and where the deadline is poll(), after which it can be tried
    // again.
    [[gnu::noinline, gnu::cold]] result<void> connect(deadline until)
    {
        if (!member_.is_member())
            return member_.missing();
        for (bool first = true;; first = false) {
            STRAIT_STEP();
            std::uint32_t const seen = member_.event();
            auto opened = open_fifo(member_, where_, O_WRONLY);
            if (opened) {
                fifo_ = guarded_descriptor(std::move(*opened));
                member_.signal();  // a receiver that has seen no writer waits for this, not for the FIFO
                return {};
            }
            if (opened.error() == channel_removed || member_.is_removed(deadline::now(), !first))
                return errc::removed;
            if (opened.error() != errc::no_receiver)
                return opened.error();
            if (until.is_poll() || !awaits_receiver())
                return errc::no_receiver;
            if (until.passed())
                return errc::timed_out;
            waits_ += first ? 1 : 0;
            member_.wait_event(seen, std::min(until, connect_until_));
        }
    }

    // Writes at most PIPE_BUF bytes: all or none, and never mixed with the bytes of other senders. Errors: full,
    // timed_out, no_receiver, those of write(2).
    result<void> write(std::byte const* bytes, std::size_t count, deadline until)
    {
        if (quiet_write(fifo_.get(), bytes, count) == static_cast<::ssize_t>(count)) [[likely]]
            return {};
        return write_slowly(bytes, count, until);
    }

    // Before it is connected the caller has to look again, because connect_timeout may be over.
    wake_source arm() const noexcept
    {
        return {.descriptor = fifo_.get(), .events = POLLOUT, .file = member_.fd(), .again = !fifo_};
    }

    std::uint64_t depth() const noexcept
    {
        int bytes = 0;
        return fifo_ && ::ioctl(fifo_.get(), FIONREAD, &bytes) == 0 ? static_cast<std::uint64_t>(bytes) : 0;
    }

    void leave(deadline until) noexcept
    {
        fifo_.reset();  // first: a receiver that sees that we have gone must find the last byte, and then the end
        leave_fifo(member_, where_, until);
    }

private:
    [[gnu::noinline, gnu::cold]] result<void> write_slowly(std::byte const* bytes, std::size_t count, deadline until)
    {
        for (bool first = true;; first = false) {
            STRAIT_STEP();
            if (errno == EPIPE)
                return member_.is_removed(deadline::now(), false) ? errc::removed : errc::no_receiver;
            if (errno == EAGAIN) {
                // Another process may hold a copy of a dead receiver's descriptor: then the kernel reports no death.
                if (member_.is_removed(deadline::now(), false))
                    return errc::removed;
                if (until.is_poll())
                    return member_.receivers_gone() ? errc::no_receiver : errc::full;
                waits_ += first ? 1 : 0;
                if (auto room = wait_descriptor(fifo_.get(), POLLOUT, until.capped(wait_slice)); !room) {
                    if (room.error() == errc::timed_out && member_.receivers_gone())
                        return errc::no_receiver;
                    if (room.error() != errc::timed_out)
                        return room;
                    if (member_.is_removed(deadline::now(), true) || (!member_.is_nameless() && participant::has_no_name(fifo_.get())))
                        return errc::removed;
                    if (until.passed())
                        return room;
                }
            } else if (errno != EINTR) {
                return fifo_.failure();
            }
            if (quiet_write(fifo_.get(), bytes, count) == static_cast<::ssize_t>(count))
                return {};
        }
    }

    participant member_;
    location where_;
    deadline connect_until_;
    guarded_descriptor fifo_;
    std::uint64_t waits_ = 0;
};

}  // namespace strait::detail

#endif
