// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_STREAM_LINK_HPP
#define STRAIT_DETAIL_SOCKET_STREAM_LINK_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <sys/socket.h>

namespace strait::detail {

// A sender's way to its receiver: finds it, greets it, and learns why it wants no more.
//
// A Connector knows where to:
//   result<descriptor> attempt()             one try, without waiting; errc::no_receiver: nobody is there yet
//   void pause(deadline)                     until another try may help
//   std::size_t chunk() const                optional: how many bytes one call sends, unless a message is longer
//   bool greets() const                      optional: false: no greeting, and an end that need not arrive
//   ssize_t transmit(fd, buffer, sent)       optional: sends the frames of a stream_buffer in another way than send(2)
//   void goodbye(fd, sent)                   optional: as the end that need not arrive; `sent` messages went before
//   errc rejected(fd)                        optional: why the receiver wants nothing of us; else no_receiver
//   bool is_trying() const                   a handshake is under way
//   stream_cookie cookie() const             of the channel that was reached last
//   int file() const                         that of the control file, or -1
//   errc missing() const                     not_open or inherited_handle, when it is of no use any more
//   bool usable() const
//   void leave(deadline)
template <message_layout L, class Connector>
class stream_link {
public:
    stream_link(Connector connector, deadline connect_until) : connector_(std::move(connector)), connect_until_(connect_until) {}

    // Over a socket that is connected already. The other end may be gone, and nobody else can come. `both_ways`: what comes
    // by it belongs to a receiver.
    void adopt(descriptor socket, bool both_ways)
    {
        both_ways_ = both_ways;
        lost_ = !greet(std::move(socket));
    }

    // Counts one wait, if there is one.
    [[gnu::noinline, gnu::cold]] result<void> connect(deadline until, std::uint64_t& waits)
    {
        if (auto fit = check(); !fit)
            return fit;
        for (bool first = true;; first = false) {
            auto socket = connector_.attempt();
            if (socket) {
                lost_ = false;
                return greet(std::move(*socket));
            }
            if (socket.error() != errc::no_receiver)
                return socket.error();
            if ((lost_ && !connector_.is_trying()) || connect_until_.passed())
                return errc::no_receiver;
            if (until.is_poll())
                return errc::full;
            if (until.passed())
                return errc::timed_out;
            waits += first ? 1 : 0;
            connector_.pause(std::min(until, connect_until_));
        }
    }

    // The first try, at opening: what fails for want of a receiver is tried again later.
    result<void> try_connect()
    {
        std::uint64_t none = 0;
        auto connected = connect(deadline::poll(), none);
        if (!connected && connected.error() != errc::full && connected.error() != errc::no_receiver)
            return connected;
        lost_ = false;
        return {};
    }

    result<void> check() const
    {
        if (!open_)
            return errc::not_open;
        if (socket_.is_inherited())
            return errc::inherited_handle;
        if (!connector_.usable())
            return connector_.missing();
        return {};
    }

    // The receiver is gone, or wants nothing of us: the next try is afresh.
    void lose() noexcept
    {
        socket_.reset();
        lost_ = true;
    }

    // What the receiver has said before it closed.
    errc rejected() noexcept
    {
        if constexpr (requires { connector_.rejected(0); }) {
            return connector_.rejected(socket_.get());
        }
        else {
            if (both_ways_)
                return errc::no_receiver;
            stream_rejection r;
            auto const read = [&] { return ::recv(socket_.get(), &r, sizeof r, MSG_DONTWAIT); };
            auto n = uninterrupted(read);
            if (n < 0 && errno == ECONNRESET)  // of packets, before what had come; told once
                n = uninterrupted(read);
            return n == static_cast<::ssize_t>(sizeof r) ? r.reason() : errc::no_receiver;
        }
    }

    std::size_t chunk() const noexcept
    {
        if constexpr (requires { connector_.chunk(); })
            return connector_.chunk();
        else
            return stream_chunk;
    }

    bool greets() const noexcept
    {
        if constexpr (requires { connector_.greets(); })
            return connector_.greets();
        else
            return true;
    }

    bool is_open() const noexcept { return static_cast<bool>(open_); }
    bool is_usable() const noexcept { return connector_.usable() && !socket_.is_inherited(); }
    void leave(deadline until) { connector_.leave(until); }
    void close() noexcept
    {
        socket_.reset();
        open_.clear();
    }

    guarded_descriptor const& socket() const noexcept { return socket_; }
    Connector& connector() noexcept { return connector_; }
    Connector const& connector() const noexcept { return connector_; }

private:
    // 64 bytes always fit into a fresh socket.
    result<void> greet(descriptor socket)
    {
        if (greets()) {
            auto const greeting = stream_greeting::of(L, connector_.cookie());
            auto const sent =
                uninterrupted([&] { return ::send(socket.get(), &greeting, sizeof greeting, MSG_NOSIGNAL | MSG_DONTWAIT); });
            if (sent != static_cast<::ssize_t>(sizeof greeting))
                return errc::no_receiver;
        }
        socket_ = guarded_descriptor(std::move(socket));
        return {};
    }

    Connector connector_;
    guarded_descriptor socket_;
    deadline connect_until_;
    bool lost_ = false;
    bool both_ways_ = false;
    open_flag open_;
};

}  // namespace strait::detail

#endif
