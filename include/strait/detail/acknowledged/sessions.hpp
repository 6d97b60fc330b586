// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_SESSIONS_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_SESSIONS_HPP

#include <strait/detail/acknowledged/protocol.hpp>
#include <strait/detail/acknowledged/records.hpp>
#include <strait/detail/acknowledged/session_table.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/socket/connection_set.hpp>
#include <strait/detail/socket/stream_connection.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <sys/socket.h>

namespace strait::detail {

// Performs what a session_table decides: reads the clock, and sends acknowledgements by the sessions' connections.
class acknowledged_sessions {
public:
    static constexpr bool acknowledges = true;
    static constexpr std::uint32_t protocol = stream_greeting::acknowledged;
    static constexpr std::size_t introduction = sizeof(session_claim);
    static constexpr std::int64_t between_polls = 100'000;  // nanoseconds between two settle() that need not be at once

    acknowledged_sessions(std::chrono::nanoseconds give_up_after, ack_records records) : table_(give_up_after, records) {}

    errc admit(stream_connection& c, stream_connection*& older)
    {
        auto const admitted = table_.admit(claim_of(c.introduction().first<sizeof(session_claim)>()), &c);
        if (admitted.refusal != errc())
            return admitted.refusal;
        older = static_cast<stream_connection*>(admitted.older);
        if (older)
            older->session = nullptr;
        c.session = admitted.session;
        return errc();
    }

    bool skip(stream_connection& c) noexcept
    {
        if (!session_table::skip(session_of(c)))
            return false;
        c.release();
        return true;
    }

    void consumed(stream_connection& c, std::size_t messages, std::size_t bytes)
    {
        ack_session& s = session_of(c);
        if (table_.consumed(s, messages, bytes))
            acknowledge(s);
    }

    void ended(stream_connection& c) noexcept
    {
        session_of(c).finished = true;
        acknowledge(session_of(c));
    }
    void bar(stream_connection& c) noexcept
    {
        session_of(c).barred = true;
        c.reject(errc::peer_corrupt);
    }

    void left(stream_connection& c)
    {
        if (!c.session)
            return;
        table_.left(session_of(c), deadline::now());
        c.session = nullptr;
    }

    bool settle(bool at_once)
    {
        if (table_.is_settled())
            return true;
        std::int64_t const now = deadline::now();
        if (!at_once && now - settled_at_ < between_polls)
            return true;
        settled_at_ = now;
        return table_.settle(acknowledge);
    }

    bool expects_any() noexcept { return table_.expects_any(deadline::now()); }
    bool give_up() noexcept { return table_.give_up(); }

private:
    static ack_session& session_of(stream_connection const& c) noexcept { return *static_cast<ack_session*>(c.session); }

    // As far as the socket takes it. A sender that reads no acknowledgements gets no more: what is due stays so.
    static void acknowledge(ack_session& s) noexcept
    {
        int const fd = static_cast<stream_connection*>(s.connection)->fd();
        for (bool done = false; !done;) {
            STRAIT_STEP();
            auto const bytes = s.outgoing();
            auto const n = uninterrupted([&] { return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT); });
            if (n < 0)
                return s.count_refused(errno != EAGAIN);  // of a connection that is over its end will say so
            done = s.count_sent(static_cast<std::size_t>(n)) || static_cast<std::size_t>(n) != bytes.size();
        }
    }

    session_table table_;
    std::int64_t settled_at_ = 0;
};
static_assert(stream_sessions<acknowledged_sessions>);

}  // namespace strait::detail

#endif
