// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_SENDER_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_SENDER_HPP

#include <strait/detail/acknowledged/delivery.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/error.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <poll.h>

namespace strait::detail {

// The sending end of an acknowledged stream. A message is accepted once it is buffered. What is buffered goes to the
// receiver by one connection after another, until the receiver has acknowledged it.
template <message_layout L, connector Connector>
class ack_sender {
public:
    ack_sender(ack_link<Connector> link, std::uint64_t limit, std::uint64_t capacity, std::chrono::nanoseconds linger)
        : delivery_(std::move(link), capacity), limit_(limit), linger_(linger)
    {
    }

    ack_sender(ack_sender&&) = default;
    ack_sender& operator=(ack_sender&&) = default;
    ~ack_sender() { (void)close(deadline::after(linger_)); }

    // The first try, when the end is opened: what fails for want of a receiver is tried again by later operations.
    // Without an error the end is open.
    error_code try_connect()
    {
        error_code const e = reach(deadline::poll());
        if (e && e != errc::full && e != errc::no_receiver)
            return e;
        delivery_.link.count_in();
        return {};
    }

    result<std::span<std::byte>> reserve(std::size_t size, deadline until)
    {
        if (size > limit_) [[unlikely]]
            return errc::message_too_large;
        if (error_code const e = make_way(stream_frame::bytes(size), until)) [[unlikely]]
            return e;
        return delivery_.unacknowledged.reserve(size);
    }

    void commit(std::size_t used) noexcept
    {
        stats_.bytes += used;
        delivery_.unacknowledged.commit(used);
    }

    result<std::size_t> put_n(std::span<std::byte const> messages, deadline until)
        requires(L.fixed_size != 0)
    {
        // A caller that does not wait for all takes room for one after the other.
        std::size_t const longest = (until.is_never() ? stream_frame::messages_in_run(L.fixed_size) : 1) * L.fixed_size;
        std::uint64_t const before = delivery_.unacknowledged.accepted();
        error_code failed;
        while (!messages.empty() && !failed) {
            STRAIT_STEP();
            auto const run = messages.first(std::min(messages.size(), longest));
            if (failed = make_way(stream_frame::bytes(run.size()), until); failed)
                break;
            if (!delivery_.unacknowledged.append(run)) {
                failed = errc::out_of_memory;
                break;
            }
            stats_.bytes += run.size();
            messages = messages.subspan(run.size());
        }
        auto const done = static_cast<std::size_t>(delivery_.unacknowledged.accepted() - before);
        if (done == 0)
            return failed;
        if (auto const flushed = flush(until); !flushed)
            return flushed.error();
        return done;
    }

    // Hands what is buffered to the kernel, as far as there is a connection that takes it up to the deadline. The rest
    // stays accepted.
    result<void> flush(deadline until)
    {
        error_code const e = delivery_.push(until);
        if (e && e != errc::full && e != errc::timed_out)
            return e;
        return {};
    }

    // Waits until everything that was accepted is acknowledged.
    result<void> settle(deadline until)
    {
        if (error_code const e = delivery_.wait_until([this] { return delivery_.unacknowledged.empty(); }, until))
            return e;
        return {};
    }

    // Waits for the acknowledgement of all messages, and of the end. An error says that some may not have been read;
    // stats().dropped is their number.
    result<void> close(deadline until)
    {
        if (!delivery_.link.is_open())
            return {};
        error_code done;
        if (delivery_.link.is_usable()) {
            done = delivery_.say_goodbye(until);
            stats_.dropped += delivery_.unacknowledged.messages();
            delivery_.link.leave(until);
        }
        delivery_.link.close();
        if (done)
            return done;
        return {};
    }

    channel_stats stats() const noexcept
    {
        channel_stats s = stats_;
        s.messages = delivery_.unacknowledged.accepted();
        s.waits = delivery_.waits;
        s.depth = delivery_.unacknowledged.bytes();
        return s;
    }

    refusals refused() const noexcept { return read_refusals(delivery_.link.file()); }

    // Whether the first receiver may still come: none was reached yet, and options.connect_timeout is not over.
    bool awaits_receiver() const noexcept { return delivery_.link.awaits_receiver(); }

    int native_handle() const noexcept { return delivery_.link.fd(); }
    bool has_unsent() const noexcept { return !delivery_.unacknowledged.unsent().empty(); }

    // With a full buffer it waits for acknowledgements; without a connection it tries again. A death of the receiver is
    // reported by the control file.
    wake_source arm() const noexcept
    {
        return {.descriptor = delivery_.link.fd(),
                .events = delivery_.events(),
                .file = delivery_.link.file(),
                .again = !delivery_.link.is_connected()};
    }
    void disarm() const noexcept {}

private:
    // Makes room for a frame of so many bytes. What was buffered before leaves when it is enough for a system call.
    [[gnu::always_inline]] error_code make_way(std::size_t bytes, deadline until)
    {
        if (!delivery_.link.is_connected()) [[unlikely]]
            if (error_code const e = reach(until))
                return e;
        std::size_t const staged = delivery_.unacknowledged.unsent().size();
        if (staged != 0 && staged + bytes > stream_chunk) [[unlikely]]
            if (error_code const e = delivery_.push(until))
                return e;
        if (!delivery_.unacknowledged.has_room(bytes)) [[unlikely]]
            return delivery_.wait_until([&] { return delivery_.unacknowledged.has_room(bytes); }, until);
        return {};
    }

    // While no receiver has ever come, waits for one. Later a broken connection is no failure as long as there is room.
    [[gnu::noinline, gnu::cold]] error_code reach(deadline until)
    {
        bool const first = !delivery_.link.has_met();
        error_code const e = delivery_.connect(first ? until : deadline::poll());
        return !first && e == errc::full ? error_code() : e;
    }

    ack_delivery<L, Connector> delivery_;
    std::uint64_t limit_;
    channel_stats stats_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait::detail

#endif
