// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_LINK_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_LINK_HPP

#include <strait/detail/acknowledged/protocol.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
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

// The way of one session to its receiver: one connection after another, each tried for later than the one before as long as
// they come to nothing. A Connector is that of socket/link.hpp.
template <class Connector>
class ack_link {
public:
    ack_link(Connector connector, message_layout const& layout, session_id const& id, std::chrono::nanoseconds connect_timeout)
        : connector_(std::move(connector)), greeting_(stream_greeting::of(layout, {}, stream_greeting::acknowledged)),
          connect_timeout_(connect_timeout), connect_until_(deadline::after(connect_timeout))
    {
        claim_.id = id;
    }

    bool is_open() const noexcept { return static_cast<bool>(open_); }
    bool is_usable() const noexcept { return connector_.usable() && !socket_.is_inherited(); }
    bool is_connected() const noexcept { return static_cast<bool>(socket_); }
    bool is_trying() const noexcept { return connector_.is_trying(); }
    bool has_met() const noexcept { return met_; }  // a receiver, once
    int fd() const noexcept { return socket_.get(); }
    int file() const noexcept { return connector_.file(); }

    error_code check() const
    {
        if (!open_)
            return errc::not_open;
        if (socket_.is_inherited())
            return errc::inherited_handle;
        if (!connector_.usable())
            return connector_.missing();
        return {};
    }

    // `first`: how many messages of the session go before those that will be sent. no_receiver: nobody for as long as
    // connect_timeout. What the receiver has said when it closed is told once.
    error_code connect(deadline until, std::uint64_t first, std::uint64_t& waits)
    {
        if (error_code const e = check())
            return e;
        for (bool waited = false;; waited = true) {
            if (errc const said = std::exchange(told_, errc()); said != errc())
                return said;
            if (connector_.is_trying() || deadline::now() >= retry_at_) {
                auto socket = connector_.attempt();
                if (socket && greet(std::move(*socket), first))
                    return {};
                if (!socket && socket.error() != errc::no_receiver)
                    return socket.error();
                if (!connector_.is_trying())
                    back_off();
            }
            if (connect_until_.passed())
                return errc::no_receiver;
            if (until.is_poll())
                return errc::full;
            if (until.passed())
                return errc::timed_out;
            waits += waited ? 0 : 1;
            deadline const latest = std::min(until, connect_until_);
            bool const trying = connector_.is_trying();
            connector_.pause(trying ? latest : latest.capped(std::chrono::nanoseconds(retry_at_ - deadline::now())));
            if (connector_.file() >= 0)
                retry_at_ = 0;  // somebody may have come
        }
    }

    // As send(2).
    ::ssize_t send(std::span<std::byte const> bytes) const noexcept
    {
        return uninterrupted([&] { return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT); });
    }

    result<void> wait(short events, deadline until) const { return wait_descriptor(socket_.get(), events, until); }

    // Gives each acknowledgement that has come to `take`. False: the connection is over, or `take` has said so.
    template <class Take>
    bool hear(Take take)
    {
        for (;;) {
            std::size_t const room = in_.size() - held_;
            auto const n = uninterrupted([&] { return ::recv(socket_.get(), in_.data() + held_, room, MSG_DONTWAIT); });
            if (n <= 0)
                return n < 0 && errno == EAGAIN;
            held_ += static_cast<std::size_t>(n);
            std::size_t at = 0;
            for (; held_ - at >= sizeof(acknowledgement); at += sizeof(acknowledgement)) {
                acknowledgement a;
                std::memcpy(&a, in_.data() + at, sizeof a);
                if (!a.is_valid() || !take(a)) {
                    told_ = rejection_at(at);
                    return false;
                }
                progress_ = true;
            }
            held_ -= at;
            std::memmove(in_.data(), in_.data() + at, held_);
            if (static_cast<std::size_t>(n) < room)
                return true;
        }
    }

    // The connection is over. The next try is at once if this one has brought us on.
    void lose() noexcept
    {
        socket_.reset();
        held_ = 0;
        connect_until_ = deadline::after(connect_timeout_);
        if (std::exchange(progress_, false)) {
            pause_ = shortest;
            retry_at_ = 0;
        }
        else
            back_off();
    }

    // Nothing more is sent; what the kernel has goes on.
    void end() noexcept
    {
        if (socket_)
            ::shutdown(socket_.get(), SHUT_WR);
    }
    void leave(deadline until) { connector_.leave(until); }
    void close() noexcept
    {
        socket_.reset();
        open_.clear();
    }

private:
    static constexpr std::int64_t shortest = 1'000'000;    // nanoseconds between two tries
    static constexpr std::int64_t longest = 250'000'000;

    void back_off() noexcept
    {
        retry_at_ = deadline::now() + pause_;
        pause_ = std::min(2 * pause_, longest);
    }

    // So few bytes always fit into a fresh socket.
    bool greet(descriptor socket, std::uint64_t first)
    {
        greeting_.cookie = connector_.cookie();
        claim_.first = first;
        std::array<std::byte, sizeof greeting_ + sizeof claim_> bytes;
        std::memcpy(bytes.data(), &greeting_, sizeof greeting_);
        std::memcpy(bytes.data() + sizeof greeting_, &claim_, sizeof claim_);
        auto const sent =
            uninterrupted([&] { return ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT); });
        if (sent != static_cast<::ssize_t>(bytes.size()))
            return false;
        socket_ = guarded_descriptor(std::move(socket));
        held_ = 0;
        met_ = true;
        return true;
    }

    // What is no acknowledgement may be a rejection; else nobody knows what it is.
    errc rejection_at(std::size_t at) const noexcept
    {
        stream_rejection r;
        std::memcpy(&r, in_.data() + at, sizeof r);
        errc const said = r.reason();
        return said == errc::no_receiver ? errc::peer_corrupt : said;
    }

    Connector connector_;
    guarded_descriptor socket_;
    stream_greeting greeting_;
    session_claim claim_;
    std::array<std::byte, 64 * sizeof(acknowledgement)> in_;
    std::size_t held_ = 0;  // bytes in it of an acknowledgement that has not come whole
    std::chrono::nanoseconds connect_timeout_;
    deadline connect_until_;
    std::int64_t retry_at_ = 0;
    std::int64_t pause_ = shortest;
    errc told_ = errc();
    bool progress_ = false;  // something was acknowledged on this connection
    bool met_ = false;
    open_flag open_;
};

}  // namespace strait::detail

#endif
