// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_DELIVERY_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_DELIVERY_HPP

#include <strait/detail/acknowledged/link.hpp>
#include <strait/detail/acknowledged/retransmit_buffer.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <poll.h>

namespace strait::detail {

// What is kept, on its way: goes out by one connection after another, until it is acknowledged.
template <message_layout L, class Connector>
class ack_delivery {
public:
    ack_delivery(ack_link<Connector> to, std::uint64_t capacity) : link(std::move(to)), kept(capacity) {}

    error_code connect(deadline until)
    {
        error_code const e = link.connect(until, kept.first(), waits);
        if (!e)
            kept.resend_all();
        return e;
    }

    // As much as the socket takes, if there is one. full, timed_out: not all.
    error_code push(deadline until)
    {
        for (;;) {
            auto const rest = kept.unsent();
            if (rest.empty()) {
                if (heard_behind_ + kept.capacity() / 4 < sent_) [[unlikely]]
                    hear();
                return {};
            }
            if (!link.is_connected()) [[unlikely]] {
                if (error_code const e = connect(deadline::poll()))
                    return e == errc::full || (e == errc::no_receiver && link.has_met()) ? error_code() : e;
                continue;
            }
            auto const n = link.send(rest);
            if (n > 0) [[likely]] {
                kept.count_sent(static_cast<std::size_t>(n));
                sent_ += static_cast<std::size_t>(n);
            }
            else if (errno == ENOBUFS || errno == ENOMEM)
                return errc::out_of_memory;
            else if (errno != EAGAIN)
                lose();
            else if (until.is_poll())
                return errc::full;
            else {
                ++waits;
                if (auto const room = link.wait(POLLIN | POLLOUT, until); !room)
                    return room.error();
                hear();
            }
        }
    }

    // Until something is acknowledged, on this connection or another. Looks at least once.
    template <class Condition>
    [[gnu::noinline, gnu::cold]] error_code wait_until(Condition is_done, deadline until)
    {
        for (bool waited = false;; waited = true) {
            if (error_code const e = link.check())
                return e;
            if (!link.is_connected() && !is_done())
                if (error_code const e = connect(until))
                    return e;
            hear();
            if (error_code const e = push(deadline::poll()); e && e != errc::full)
                return e;
            if (is_done())  // also by what was sent once more after it had been acknowledged
                return {};
            if (!link.is_connected())
                continue;
            if (until.is_poll())
                return errc::full;
            if (until.passed())
                return errc::timed_out;
            waits += waited ? 0 : 1;
            if (auto const some = link.wait(events(), until); !some && some.error() != errc::timed_out)
                return some.error();
        }
    }

    error_code say_goodbye(deadline until)
    {
        if (!link.has_met() && kept.empty())
            return {};
        if (!kept.append_end())
            return errc::out_of_memory;
        error_code done = wait_until([this] { return kept.unacknowledged() == 0; }, until);
        // By a name the control file tells that we have left. Else, when nobody is there to read the end, that is no loss. A host
        // that is silent may be far away, or somebody there who would take us for dead.
        while (!done && !kept.empty() && link.file() < 0) {
            done = link.is_connected() ? error_code() : connect(until.capped(std::chrono::milliseconds(50)));
            if (!done)
                done = wait_until([this] { return kept.empty() || !link.is_connected(); }, until);
            else if (done == errc::timed_out && link.is_trying() && !until.passed())
                done = {};
        }
        link.end();
        return kept.unacknowledged() == 0 ? error_code() : done;
    }

    // What is waited for when there is no room: acknowledgements.
    short events() const noexcept { return kept.unsent().empty() ? POLLIN : POLLIN | POLLOUT; }

    ack_link<Connector> link;
    retransmit_buffer<L> kept;
    std::uint64_t waits = 0;

private:
    // Takes what acknowledgements there are.
    void hear()
    {
        heard_behind_ = sent_;
        bool const on = link.is_connected() && link.hear([this](acknowledgement const& a) {
            return kept.acknowledge(a.consumed, a.magic == acknowledgement::of_the_end);
        });
        if (!on)
            drop();
    }

    // The socket takes nothing more. What has come before may say why.
    [[gnu::noinline, gnu::cold]] void lose()
    {
        hear();
        drop();
    }

    void drop() noexcept
    {
        if (!link.is_connected())
            return;
        link.lose();
        kept.resend_all();
    }

    std::uint64_t sent_ = 0;          // bytes, on all connections
    std::uint64_t heard_behind_ = 0;  // of them, when acknowledgements were looked for last
};

}  // namespace strait::detail

#endif
