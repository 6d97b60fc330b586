// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_DELIVERY_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_DELIVERY_HPP

#include <strait/detail/acknowledged/link.hpp>
#include <strait/detail/acknowledged/retransmit_buffer.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <poll.h>

namespace strait::detail {

// Sends what is buffered by one connection after another, until it is acknowledged.
template <message_layout L, connector Connector>
class ack_delivery {
public:
    ack_delivery(ack_link<Connector> to, std::uint64_t capacity) : link(std::move(to)), unacknowledged(capacity) {}

    error_code connect(deadline until)
    {
        error_code const e = link.connect(until, unacknowledged.first(), waits);
        if (!e)
            unacknowledged.resend_all();
        return e;
    }

    // Sends as much as the socket takes, if there is one. full, timed_out: not all. While a lost receiver may come back,
    // that is no failure.
    error_code push(deadline until)
    {
        for (;;) {
            STRAIT_STEP();
            auto const rest = unacknowledged.unsent();
            if (rest.empty()) {
                if (heard_behind_ + unacknowledged.capacity() / 4 < sent_) [[unlikely]]
                    read_acknowledgements();
                return {};
            }
            if (!link.is_connected()) [[unlikely]] {
                if (error_code const e = connect(deadline::poll()))
                    return e == errc::full || (e == errc::no_receiver && link.has_met()) ? error_code() : e;
                continue;
            }
            auto const n = link.send(rest);
            if (n > 0) [[likely]] {
                unacknowledged.count_sent(static_cast<std::size_t>(n));
                sent_ += static_cast<std::size_t>(n);
            }
            else if (errno == ENOBUFS || errno == ENOMEM)
                return errc::out_of_memory;
            else if (errno != EAGAIN)
                lose();
            else if (until.is_poll())
                return errc::full;
            else if (until.passed())  // acknowledgements may come without end, and none of them makes room
                return errc::timed_out;
            else {
                ++waits;
                if (auto const room = link.wait(POLLIN | POLLOUT, until); !room && room.error() != errc::no_receiver)
                    return room.error();
                else if (!room)
                    lose();
                else
                    read_acknowledgements();
            }
        }
    }

    // Goes on, on this connection or another, until acknowledgements make the condition true. Looks at least once.
    template <class Condition>
    [[gnu::noinline, gnu::cold]] error_code wait_until(Condition is_done, deadline until)
    {
        for (bool waited = false;; waited = true) {
            STRAIT_STEP();
            if (error_code const e = link.check())
                return e;
            if (!link.is_connected() && !is_done())
                if (error_code const e = connect(until))
                    return e;
            read_acknowledgements();
            if (error_code const e = push(deadline::poll()); e && e != errc::full)
                return e;
            if (is_done())  // perhaps by sending once more what had been acknowledged before
                return {};
            if (!link.is_connected())
                continue;
            if (link.is_removed(false))
                return errc::removed;
            if (until.is_poll()) {
                if (!link.is_receiver_gone())
                    return errc::full;
                lose();
                continue;
            }
            if (until.passed())
                return errc::timed_out;
            waits += waited ? 0 : 1;
            auto const some = link.wait(events(), until);
            if (!some && some.error() == errc::no_receiver)
                lose();
            else if (!some && some.error() != errc::timed_out)
                return some.error();
        }
    }

    // Sends the rest and the end, and waits until the receiver has consumed all messages, and, at an address, the end.
    error_code say_goodbye(deadline until)
    {
        if (!link.has_met() && unacknowledged.empty())
            return {};
        if (!unacknowledged.append_end())
            return errc::out_of_memory;
        error_code done = wait_until([this] { return unacknowledged.messages() == 0; }, until);
        // By a name the control file says that we have left. At an address it is no loss when no receiver is there to read
        // the end. But a host that does not answer may be far away, and a receiver on it would take us for dead.
        while (!done && !unacknowledged.empty() && link.file() < 0) {
            STRAIT_STEP();
            done = link.is_connected() ? error_code() : connect(until.capped(std::chrono::milliseconds(50)));
            if (!done)
                done = wait_until([this] { return unacknowledged.empty() || !link.is_connected(); }, until);
            else if (done == errc::timed_out && link.is_trying() && !until.passed())
                done = {};
        }
        link.end();
        return unacknowledged.messages() == 0 ? error_code() : done;
    }

    // What poll(2) is to wait for when there is no room: acknowledgements.
    short events() const noexcept { return unacknowledged.unsent().empty() ? POLLIN : POLLIN | POLLOUT; }

    ack_link<Connector> link;
    retransmit_buffer<L> unacknowledged;
    std::uint64_t waits = 0;

private:
    // Takes the acknowledgements that have come.
    void read_acknowledgements()
    {
        heard_behind_ = sent_;
        bool const on = link.is_connected() && link.hear([this](acknowledgement const& a) {
            return unacknowledged.acknowledge(a.consumed, a.magic == acknowledgement::of_the_end);
        });
        if (!on)
            drop();
    }

    // The socket takes nothing more. What has come from the receiver may say why.
    [[gnu::noinline, gnu::cold]] void lose()
    {
        read_acknowledgements();
        drop();
    }

    void drop() noexcept
    {
        if (!link.is_connected())
            return;
        link.lose();
        unacknowledged.resend_all();
    }

    std::uint64_t sent_ = 0;          // bytes, on all connections
    std::uint64_t heard_behind_ = 0;  // of them, when acknowledgements were read last
};

}  // namespace strait::detail

#endif
