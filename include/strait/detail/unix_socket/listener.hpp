// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UNIX_SOCKET_LISTENER_HPP
#define STRAIT_DETAIL_UNIX_SOCKET_LISTENER_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/membership/membership.hpp>
#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/socket/listener.hpp>
#include <strait/detail/unix_socket/address.hpp>
#include <strait/detail/unix_socket/socket.hpp>
#include <strait/stats.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strait::detail {

// The socket that a receiver binds beside the control file, and to which its senders connect or send datagrams.
class unix_listener {
public:
    // Until it is opened it is that of a pair, which has no name.
    explicit unix_listener(unix_kind const& kind, peer_predicate accept = {}) : accept_(std::move(accept)), kind_(kind) {}

    error_code open(participant member, location where)
    {
        auto const access = where.access();
        return open(std::move(member), std::move(where), access);
    }

    // `access`: who may connect, where the other objects of the channel have another one.
    error_code open(participant member, location where, access_mode access)
    {
        member_ = std::move(member);
        where_ = std::move(where);
        access_ = access;
        named_ = true;
        if (auto listening = listen(); !listening) {
            leave(deadline::after(membership<unix_mechanism>::lock_timeout));
            return listening.error();
        }
        member_.signal();
        return {};
    }

    int fd() const noexcept { return socket_.get(); }
    std::uint64_t serial() const noexcept { return socket_.serial(); }

    std::size_t packet() const noexcept { return kind_.packet == 0 ? 0 : std::max(stream_chunk, kind_.packet); }

    result<std::pair<descriptor, peer_identity>> accept() const
    {
        descriptor s(uninterrupted([&] { return ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC); }));
        if (!s)
            return errno == EAGAIN || errno == ECONNABORTED ? make_error_code(errc::empty) : last_failure();
        auto const who = unix_peer(s.get());
        return std::pair(std::move(s), who);
    }

    bool admits(peer_identity const& who) const { return !named_ || unix_peer_allowed(who, access_, accept_); }

    // Of datagrams: nothing beside the read buffer is needed.
    static constexpr bool start() noexcept { return true; }
    datagram_outcome receive(read_ahead& to, channel_stats&) const noexcept
    {
        auto const n = ::recv(fd(), to.data(), to.size, MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? datagram_outcome::nothing : datagram_outcome::failure;
        auto const size = static_cast<std::size_t>(n);
        if (size > to.size || size < sizeof(stream_frame))  // cut, or nothing of ours
            return datagram_outcome::malformed;
        stream_frame const f = stream_frame::at(to.data());
        if (size == sizeof f && f.kind == stream_frame::end && f.size == 0)
            return datagram_outcome::end;
        to.at = 0;
        to.have = size;
        return datagram_outcome::datagram;
    }

    bool has_control_file() const noexcept { return named_; }
    int file() const noexcept { return member_.fd(); }
    end_reason senders_gone(bool slept) noexcept
    {
        return watch_.gone(member_, deadline::now(), slept, sender_watch::when_polled);
    }
    stream_cookie cookie() const noexcept { return {}; }
    // The socket can be deleted alone, which no later sender finds then.
    bool is_removed(bool slept) const noexcept
    {
        if (!named_)
            return false;
        if (member_.is_removed(deadline::now(), slept))
            return true;
        if (!slept)
            return false;
        struct ::stat found = {};
        bool const there = ::lstat(address_.sun_path, &found) == 0;
        return there ? found.st_ino != inode_ : errno == ENOENT;
    }
    void count_in() noexcept { member_.count_in(); }
    bool usable() const noexcept { return !named_ || member_.is_member(); }
    errc missing() const noexcept { return member_.missing(); }
    void leave(deadline until) noexcept
    {
        if (!member_.is_member())
            return;
        if (socket_) {
            socket_.reset();
            // While this end holds the place: the next receiver cannot have bound the socket yet.
            (void)socket_leftover::remove(member_.fd(), where_);
        }
        unix_mechanism m;
        membership<unix_mechanism>::leave(member_, where_, m, until);
    }

private:
    // A socket that lies there is a dead receiver's, since we hold the only place. The name appears when the socket
    // listens and has its mode, which the umask may have narrowed.
    result<void> listen()
    {
        auto const address = unix_address(where_, new_socket_suffix);
        if (!address)
            return address.error();
        descriptor s;
        if (error_code const e = open_unix_socket(kind_, s))
            return e;
        (void)socket_leftover::remove(member_.fd(), where_);
        ::fchmod(s.get(), object_mode(access_));  // never wider, not even before the chmod below
        if (::bind(s.get(), reinterpret_cast<::sockaddr const*>(&*address), sizeof *address) != 0)
            return at_object(address->sun_path, errno == EADDRINUSE ? make_error_code(errc::untrusted_object) : last_failure());
        ::chmod(address->sun_path, object_mode(access_));
        bool const listens = kind_.type == SOCK_DGRAM || ::listen(s.get(), SOMAXCONN) == 0;
        if (!listens || !give_name(address->sun_path, where_.path(socket_suffix).c_str())) {
            error_code const e = errno == EEXIST ? what_lies_there() : last_failure();
            ::unlink(address->sun_path);
            return at_object(where_.path(socket_suffix), e);
        }
        struct ::stat made = {};
        auto const bound = unix_address(where_);
        if (!bound || ::lstat(bound->sun_path, &made) != 0)
            return last_failure();
        address_ = *bound;
        inode_ = made.st_ino;
        socket_ = guarded_descriptor(std::move(s));
        return {};
    }

    // Why the socket's name is taken: the socket of a dead receiver of another user, or something else.
    errc what_lies_there() const
    {
        struct ::stat found = {};
        auto const address = unix_address(where_);
        bool const socket = address && ::lstat(address->sun_path, &found) == 0 && S_ISSOCK(found.st_mode);
        return socket && found.st_uid != ::geteuid() ? errc::foreign_object : errc::untrusted_object;
    }

    // Gives the socket its name, and replaces nothing: what lies there now is not a socket.
    static bool give_name(char const* from, char const* to) noexcept
    {
        if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
            return true;
        struct ::stat found = {};
        if (errno != EINVAL && errno != ENOSYS)
            return false;
        if (::lstat(to, &found) == 0) {  // a file system without RENAME_NOREPLACE
            errno = EEXIST;
            return false;
        }
        return ::rename(from, to) == 0;
    }

    participant member_;
    location where_;
    access_mode access_ = access_mode::owner;
    peer_predicate accept_;
    guarded_descriptor socket_;
    sender_watch watch_;
    unix_kind kind_;
    ::sockaddr_un address_{};  // where the socket was bound, and
    ::ino_t inode_ = 0;        // what lay there then
    bool named_ = false;
};
static_assert(listener<unix_listener> && datagram_listener<unix_listener>);

}  // namespace strait::detail

#endif
