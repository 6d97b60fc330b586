// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UNIX_SOCKET_HPP
#define STRAIT_DETAIL_UNIX_SOCKET_HPP

#include <strait/detail/companion_door.hpp>
#include <strait/detail/sender_watch.hpp>
#include <strait/detail/stream_wire.hpp>
#include <strait/detail/unix_kind.hpp>
#include <strait/peer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace strait::detail {

inline constexpr char socket_suffix[] = ".sock";
inline constexpr char new_socket_suffix[] = ".new~";  // as long, and in no channel's name
static_assert(sizeof socket_suffix == sizeof new_socket_suffix);

// The receiver binds the socket while it holds its place, so there is nothing to make for a new channel but a clean name.
struct unix_mechanism {
    result<void> create(companion const&, location const& where)
    {
        destroy(where);
        return {};
    }
    bool unread(companion const&, location const&) const noexcept { return false; }
    static void destroy(location const& where)
    {
        for (char const* suffix : {socket_suffix, new_socket_suffix}) {
            std::string const path = where.path(suffix);
            struct ::stat found = {};
            if (::lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode))
                ::unlink(path.c_str());
        }
    }
    std::uint64_t mirrored(std::uint64_t) const noexcept { return 0; }
};

inline result<::sockaddr_un> unix_address(location const& where, char const* suffix = socket_suffix)
{
    ::sockaddr_un a = {};
    a.sun_family = AF_UNIX;
    std::string const path = where.path(suffix);
    if (path.size() >= sizeof a.sun_path)
        return errc::name_too_long;
    std::memcpy(a.sun_path, path.c_str(), path.size() + 1);
    return a;
}

// As of the moment of connect or listen.
inline peer_identity unix_peer(int fd) noexcept
{
    ::ucred c = {};
    ::socklen_t size = sizeof c;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &size) != 0)
        return {};
    return {c.pid, c.uid, c.gid};
}

// options.accept of an end; none: everybody.
using peer_predicate = std::function<bool(peer_identity const&)>;

inline bool unix_peer_allowed(peer_identity const& who, access_mode access, peer_predicate const& accept)
{
    return (access != access_mode::owner || who.uid == ::geteuid()) && (!accept || accept(who));
}

class unix_connector {
public:
    // Of a pair, which is connected from the beginning: nobody else can come.
    unix_connector() = default;
    unix_connector(unix_kind const& kind, int fd) : kind_(kind) { chunk_ = chunk_of(fd); }
    unix_connector(companion member, location where, unix_kind const& kind, peer_predicate accept)
        : member_(std::move(member)), where_(std::move(where)), accept_(std::move(accept)), kind_(kind), named_(true)
    {
    }

    result<descriptor> attempt()
    {
        if (!named_)
            return errc::no_receiver;
        seen_ = member_.event();  // before looking: who comes after this wakes pause()
        auto const address = unix_address(where_);
        if (!address)
            return address.error();
        descriptor s;
        if (error_code const e = open_unix_socket(kind_, s))
            return e;
        struct ::stat found = {};
        if (::lstat(address->sun_path, &found) != 0)
            return errno == ENOENT ? make_error_code(errc::no_receiver) : last_failure();
        if (!trusted_object(found, S_IFSOCK, where_.access()))
            return errc::untrusted_object;
        // EAGAIN: the backlog is full. A receiver that does not accept is no receiver yet.
        if (uninterrupted([&] {
                return ::connect(s.get(), reinterpret_cast<::sockaddr const*>(&*address), sizeof *address);
            }) != 0)
            return errno == ECONNREFUSED || errno == ENOENT || errno == EAGAIN ? make_error_code(errc::no_receiver) : last_failure();
        if (greets()) {  // of datagrams the kernel does not tell who binds the address; the address is ours
            peer_ = unix_peer(s.get());
            if (!unix_peer_allowed(peer_, where_.access(), accept_))
                return errc::refused;
        }
        chunk_ = chunk_of(s.get());
        return s;
    }

    // Whether a receiver learns of each sender by itself. Else the companion says all that it needs to know.
    bool greets() const noexcept { return kind_.type != SOCK_DGRAM; }

    // Bytes that are sent in one call, unless a message is longer.
    std::size_t chunk() const noexcept { return chunk_; }

    void pause(deadline until) const noexcept { member_.wait_event(seen_, until); }
    int file() const noexcept { return member_.fd(); }
    bool is_trying() const noexcept { return false; }
    stream_cookie cookie() const noexcept { return {}; }
    bool usable() const noexcept { return !named_ || member_.is_member(); }
    errc missing() const noexcept { return member_.missing(); }
    peer_identity const& peer() const noexcept { return peer_; }
    void leave(deadline until) noexcept
    {
        if (!named_)
            return;
        unix_mechanism m;
        companion_door<unix_mechanism>::leave(member_, where_, m, until);
    }

private:
    std::size_t chunk_of(int fd) const noexcept
    {
        return kind_.packet == 0 ? stream_chunk : std::min(stream_chunk, largest_packet(fd));
    }

    companion member_;
    location where_;
    peer_predicate accept_;
    peer_identity peer_;
    unix_kind kind_;
    std::size_t chunk_ = stream_chunk;
    std::uint32_t seen_ = 0;
    bool named_ = false;
};

class unix_listener {
public:
    // Of a pair until it is opened.
    explicit unix_listener(unix_kind const& kind, peer_predicate accept = {}) : accept_(std::move(accept)), kind_(kind) {}

    error_code open(companion member, location where)
    {
        member_ = std::move(member);
        where_ = std::move(where);
        named_ = true;
        if (auto listening = listen(); !listening) {
            leave(deadline::after(companion_door<unix_mechanism>::patience));
            return listening.error();
        }
        member_.signal();
        return {};
    }

    int fd() const noexcept { return socket_.get(); }

    // The largest packet that a sender of ours makes; 0: it is a stream.
    std::size_t packet() const noexcept { return kind_.packet == 0 ? 0 : std::max(stream_chunk, kind_.packet); }

    result<std::pair<descriptor, peer_identity>> accept() const
    {
        descriptor s(uninterrupted([&] { return ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC); }));
        if (!s)
            return errno == EAGAIN || errno == ECONNABORTED ? make_error_code(errc::empty) : last_failure();
        auto const who = unix_peer(s.get());
        return std::pair(std::move(s), who);
    }

    // Else it is told so when it has greeted: an answer to a greeting that nobody reads would be lost.
    bool admits(peer_identity const& who) const { return !named_ || unix_peer_allowed(who, where_.access(), accept_); }

    bool has_companion() const noexcept { return named_; }
    int file() const noexcept { return member_.fd(); }
    end_reason senders_gone(bool slept) noexcept
    {
        return watch_.gone(member_, deadline::now(), slept, sender_watch::when_polled);
    }
    stream_cookie cookie() const noexcept { return {}; }
    bool usable() const noexcept { return !named_ || member_.is_member(); }
    errc missing() const noexcept { return member_.missing(); }
    void leave(deadline until) noexcept
    {
        if (!member_.is_member())
            return;
        if (socket_) {
            socket_.reset();
            unix_mechanism::destroy(where_);  // still in our place: the next receiver cannot have bound it yet
        }
        unix_mechanism m;
        companion_door<unix_mechanism>::leave(member_, where_, m, until);
    }

private:
    // Whatever socket lies there is a dead receiver's: we hold the only place. The name appears when the socket has its
    // mode, which the umask may have narrowed, and listens.
    result<void> listen()
    {
        auto const address = unix_address(where_, new_socket_suffix);
        if (!address)
            return address.error();
        descriptor s;
        if (error_code const e = open_unix_socket(kind_, s))
            return e;
        unix_mechanism::destroy(where_);
        ::fchmod(s.get(), object_mode(where_.access()));  // never wider, not even before the chmod below
        if (::bind(s.get(), reinterpret_cast<::sockaddr const*>(&*address), sizeof *address) != 0)
            return errno == EADDRINUSE ? make_error_code(errc::untrusted_object) : last_failure();
        ::chmod(address->sun_path, object_mode(where_.access()));
        bool const listens = kind_.type == SOCK_DGRAM || ::listen(s.get(), SOMAXCONN) == 0;
        if (!listens || !give_name(address->sun_path, where_.path(socket_suffix).c_str())) {
            error_code const e = errno == EEXIST ? make_error_code(errc::untrusted_object) : last_failure();
            ::unlink(address->sun_path);
            return e;
        }
        socket_ = guarded_descriptor(std::move(s));
        return {};
    }

    // Replaces nothing: what lies there now is not a socket.
    static bool give_name(char const* from, char const* to) noexcept
    {
        if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
            return true;
        struct ::stat found = {};
        if (errno != EINVAL && errno != ENOSYS)
            return false;
        if (::lstat(to, &found) == 0) {  // a file system that cannot tell
            errno = EEXIST;
            return false;
        }
        return ::rename(from, to) == 0;
    }

    companion member_;
    location where_;
    peer_predicate accept_;
    guarded_descriptor socket_;
    sender_watch watch_;
    unix_kind kind_;
    bool named_ = false;
};

}  // namespace strait::detail

#endif
