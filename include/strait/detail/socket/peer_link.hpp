// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_PEER_LINK_HPP
#define STRAIT_DETAIL_SOCKET_PEER_LINK_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/socket/connector.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <cstddef>
#include <span>
#include <utility>

#include <sys/socket.h>

namespace strait::detail {

// A sender's connection to its receiver: the connector that makes it, the socket while there is one, and whether a
// receiver was ever reached. How often and how long to try again is up to what derives from it.
template <connector Connector>
class peer_link {
public:
    peer_link(Connector c, deadline connect_until) : connector_(std::move(c)), connect_until_(connect_until) {}

    bool is_open() const noexcept { return static_cast<bool>(open_); }
    bool is_usable() const noexcept { return connector_.usable() && !socket_.is_inherited(); }
    bool is_connected() const noexcept { return static_cast<bool>(socket_); }
    bool has_met() const noexcept { return met_; }  // a receiver was reached once

    // No receiver was reached yet, and connect_timeout is not over.
    bool awaits_receiver() const noexcept { return !met_ && is_open() && is_usable() && !connect_until_.passed(); }

    guarded_descriptor const& socket() const noexcept { return socket_; }
    Connector& connector() noexcept { return connector_; }
    Connector const& connector() const noexcept { return connector_; }

    // Whether the end can be used at all: not_open, inherited_handle.
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

    void leave(deadline until) { connector_.leave(until); }
    void close() noexcept
    {
        socket_.reset();
        open_.clear();
    }

protected:
    // Takes over a connected socket after sending these bytes, of which so few always fit into a fresh socket. False: the
    // connection is over already.
    bool take_over(descriptor socket, std::span<std::byte const> greeting)
    {
        if (!greeting.empty()) {
            auto const sent =
                uninterrupted([&] { return ::send(socket.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL | MSG_DONTWAIT); });
            if (sent != static_cast<::ssize_t>(greeting.size()))
                return false;
        }
        socket_ = guarded_descriptor(std::move(socket));
        met_ = true;
        return true;
    }

    // No other receiver can come, even if this one was gone before the greeting.
    void expect_no_other() noexcept { met_ = true; }

    // The connection is over.
    void drop_socket() noexcept { socket_.reset(); }

    deadline connect_until() const noexcept { return connect_until_; }
    void connect_until(deadline d) noexcept { connect_until_ = d; }

private:
    Connector connector_;
    guarded_descriptor socket_;
    deadline connect_until_;
    bool met_ = false;
    open_flag open_;
};

}  // namespace strait::detail

#endif
