// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_LINK_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_LINK_HPP

#include <strait/detail/acknowledged/parser.hpp>
#include <strait/detail/acknowledged/protocol.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/socket/peer_link.hpp>
#include <strait/detail/socket/socket_bytes.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <sys/socket.h>

namespace strait::detail {

// The connection of one session to its receiver: one socket after another.
template <connector Connector>
class ack_link : public peer_link<Connector> {
    using base = peer_link<Connector>;
    using base::connector;

public:
    ack_link(Connector c, message_layout const& layout, session_id const& id, std::chrono::nanoseconds connect_timeout)
        : base(std::move(c), deadline::after(connect_timeout)),
          greeting_(stream_greeting::of(layout, {}, stream_greeting::acknowledged)),
          connect_timeout_(connect_timeout)
    {
        claim_.id = id;
    }

    int fd() const noexcept { return base::socket().get(); }
    void count_in() noexcept { connector().count_in(); }
    int file() const noexcept { return connector().file(); }
    bool is_trying() const noexcept { return connector().is_trying(); }

    // Finds a receiver and greets it. `first`: how many messages of the session go before those that will be sent.
    // no_receiver: there was none for as long as connect_timeout, or, without waiting, none was there yet. full: without
    // waiting, the next try is not due. What a receiver has said when it closed the connection is reported once.
    error_code connect(deadline until, std::uint64_t first, std::uint64_t& waits)
    {
        if (error_code const e = base::check())
            return e;
        for (bool waited = false;; waited = true) {
            STRAIT_STEP();
            if (errc const said = std::exchange(said_, errc()); said != errc())
                return said;
            if (is_trying() || schedule_.is_due(deadline::now())) {
                auto socket = connector().attempt();
                if (socket && greet(std::move(*socket), first))
                    return {};
                if (!socket && socket.error() != errc::no_receiver)
                    return socket.error();
                if (connector().is_removed(waited))
                    return errc::removed;
                if (!is_trying())
                    schedule_.back_off(deadline::now());
            }
            if (base::connect_until().passed())
                return errc::no_receiver;
            if (until.is_poll())
                return base::has_met() || is_trying() ? errc::full : errc::no_receiver;
            if (until.passed())
                return errc::timed_out;
            waits += waited ? 0 : 1;
            deadline const latest = std::min(until, base::connect_until());
            connector().pause(is_trying() ? latest : latest.capped(std::chrono::nanoseconds(schedule_.due() - deadline::now())));
            if (file() >= 0)
                schedule_.hurry();  // a receiver may have come
        }
    }

    // Sends bytes as send(2) does.
    ::ssize_t send(std::span<std::byte const> bytes) const noexcept
    {
        return uninterrupted([&] { return ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT); });
    }

    bool is_receiver_gone() const noexcept { return base::connector().receiver_gone(); }

    // Waits for one of these events. no_receiver: the receiver has gone. removed.
    result<void> wait(short events, deadline until) const { return wait_for_room(base::connector(), fd(), events, until); }
    bool is_removed(bool slept) const noexcept { return base::connector().is_removed(slept); }

    // Reads the acknowledgements that have come and gives each to `take`, which returns false for one that cannot be.
    // False: the connection is over, or what came was no acknowledgement. What is more than so many reads is left to the
    // next call: a hostile receiver can send without end.
    template <class Take>
    bool hear(Take take)
    {
        for (int reads = 0; reads != most_reads; ++reads) {
            STRAIT_STEP();
            auto const room = parser_.room();
            auto const n = receive_bytes(fd(), room, MSG_DONTWAIT);
            if (n <= 0)
                return n < 0 && errno == EAGAIN;
            parser_.take(static_cast<std::size_t>(n));
            while (auto const a = parser_.next()) {
                STRAIT_STEP();
                if (!take(*a)) {
                    parser_.refuse_last();
                    break;
                }
                schedule_.progress();
            }
            if (parser_.refusal() != errc()) {
                said_ = parser_.refusal();
                if (said_ == errc::type_mismatch)
                    note();
                return false;
            }
            if (static_cast<std::size_t>(n) < room.size())
                return true;
        }
        return true;
    }

    // The connection is over.
    void lose() noexcept
    {
        base::drop_socket();
        parser_.reset();
        base::connect_until(deadline::after(connect_timeout_));
        schedule_.lost(deadline::now());
    }

    // Nothing more is sent; what the kernel has goes on.
    void end() noexcept
    {
        if (base::is_connected())
            ::shutdown(fd(), SHUT_WR);
    }

private:
    static constexpr int most_reads = 64;

    // Notes what the receiver has said of its type; the end of that may still be in the socket.
    [[gnu::noinline, gnu::cold]] void note() noexcept
    {
        struct {
            stream_rejection head;
            char behind[schema_limit];
        } said;
        auto const all = std::as_writable_bytes(std::span(&said, 1));
        auto const have = parser_.rejection();
        std::memcpy(all.data(), have.data(), have.size());
        std::size_t size = have.size();
        if (auto const more = receive_bytes(fd(), all.subspan(size), MSG_DONTWAIT); more > 0)
            size += static_cast<std::size_t>(more);
        connector().note_rejection(said.head, {said.behind, size - sizeof said.head});
    }

    bool greet(descriptor socket, std::uint64_t first)
    {
        greeting_.cookie = connector().cookie();
        claim_.first = first;
        std::array<std::byte, sizeof greeting_ + sizeof claim_> bytes;
        std::memcpy(bytes.data(), &greeting_, sizeof greeting_);
        std::memcpy(bytes.data() + sizeof greeting_, &claim_, sizeof claim_);
        parser_.reset();
        return base::take_over(std::move(socket), bytes);
    }

    stream_greeting greeting_;
    session_claim claim_;
    acknowledgement_parser parser_;
    reconnect_schedule schedule_;
    std::chrono::nanoseconds connect_timeout_;
    errc said_ = errc();  // by a receiver, when it closed the connection
};

}  // namespace strait::detail

#endif
