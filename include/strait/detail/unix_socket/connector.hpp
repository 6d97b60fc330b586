// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UNIX_SOCKET_CONNECTOR_HPP
#define STRAIT_DETAIL_UNIX_SOCKET_CONNECTOR_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/membership/membership.hpp>
#include <strait/detail/os/process.hpp>
#include <strait/detail/socket/connector.hpp>
#include <strait/detail/unix_socket/address.hpp>
#include <strait/detail/unix_socket/socket.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace strait::detail {

// Connects to the socket that a receiver has bound at a channel's place, and knows it again.
class unix_dialer {
public:
    unix_dialer() = default;
    unix_dialer(unix_kind const& kind, peer_predicate accept) : accept_(std::move(accept)), kind_(kind) {}

    // One try, without waiting. no_receiver: none is there, or it does not accept connections. refused: the process at
    // the other end is not allowed, where `identify` asks the kernel who it is.
    result<descriptor> dial(location const& where, access_mode access, bool identify)
    {
        auto const address = unix_address(where);
        if (!address)
            return address.error();
        descriptor s;
        if (error_code const e = open_unix_socket(kind_, s))
            return e;
        struct ::stat found = {};
        if (::lstat(address->sun_path, &found) != 0)
            return errno == ENOENT ? make_error_code(errc::no_receiver) : last_failure();
        if (!trusted_object(found, S_IFSOCK, access))
            return errc::untrusted_object;
        reached_ = identity_of(address->sun_path);
        // EAGAIN: the backlog is full. A receiver that does not accept counts as not there yet.
        if (uninterrupted([&] {
                return ::connect(s.get(), reinterpret_cast<::sockaddr const*>(&*address), sizeof *address);
            }) != 0)
            return errno == ECONNREFUSED || errno == ENOENT || errno == EAGAIN ? make_error_code(errc::no_receiver) : last_failure();
        if (identity_of(address->sun_path) != reached_)
            return errc::no_receiver;  // another one has come meanwhile: which of them was reached is not known
        if (identify) {  // of datagrams the kernel does not say who has bound the address; the directory is ours
            peer_ = unix_peer(s.get());
            if (!unix_peer_allowed(peer_, access, accept_))
                return errc::refused;
        }
        return s;
    }

    // Whether another socket lies there than the one that was connected to last.
    bool is_replaced(location const& where) const noexcept
    {
        auto const address = unix_address(where);
        auto const there = address ? identity_of(address->sun_path) : std::nullopt;
        return there && there != reached_;
    }

    // Who has bound the socket that was connected to last, where dial() has asked.
    peer_identity const& peer() const noexcept { return peer_; }

private:
    // Tells one socket that is bound to an address from the next.
    struct identity {
        std::uint64_t inode;  // which may be used again
        std::int64_t born;    // seconds; 0 where the file system does not say
        std::uint32_t born_nanoseconds;

        friend bool operator==(identity const&, identity const&) = default;
    };

    static std::optional<identity> identity_of(char const* path) noexcept
    {
        struct ::statx s = {};
        if (::statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &s) != 0)
            return {};
        bool const born = (s.stx_mask & STATX_BTIME) != 0;
        return identity{s.stx_ino, born ? s.stx_btime.tv_sec : 0, born ? s.stx_btime.tv_nsec : 0};
    }

    peer_predicate accept_;
    peer_identity peer_;
    unix_kind kind_;
    std::optional<identity> reached_;
};

// Connects a sender to the socket that its receiver has bound beside the control file.
class unix_connector : public plain_transmission {
public:
    // Of a socket that is connected from the beginning: attempt() finds no other receiver.
    unix_connector(unix_kind const& kind, int fd) : kind_(kind) { chunk_ = chunk_of(fd); }
    unix_connector(participant member, location where, unix_kind const& kind, peer_predicate accept)
        : member_(std::move(member)), where_(std::move(where)), dialer_(kind, std::move(accept)), kind_(kind), named_(true)
    {
    }

    result<descriptor> attempt()
    {
        if (!named_)
            return errc::no_receiver;
        seen_ = member_.event();  // before looking: a receiver that comes after this wakes pause()
        if (member_.is_removed(deadline::now(), true))
            return errc::removed;  // the socket of this name would be that of a second channel
        auto socket = dialer_.dial(where_, where_.access(), greets());
        if (socket)
            chunk_ = chunk_of(socket->get());
        return socket;
    }

    // Datagrams have no connection that could begin or end: the control file says who sends.
    bool greets() const noexcept { return kind_.type != SOCK_DGRAM; }

    std::size_t chunk() const noexcept { return chunk_; }

    void pause(deadline until) const noexcept { member_.wait_event(seen_, until); }
    int file() const noexcept { return member_.fd(); }
    bool is_trying() const noexcept { return false; }
    stream_cookie cookie() const noexcept { return {}; }
    bool is_removed(bool slept) const noexcept { return named_ && member_.is_removed(deadline::now(), slept); }
    bool has_lost_receiver() const noexcept { return named_ && member_.has_lost_receiver(); }
    void count_in() noexcept { member_.count_in(); }

    // The peer of a socket that is connected from the beginning is this process and no other one.
    void watch_process(::pid_t peer) noexcept { only_peer_ = peer; }
    bool watches_process() const noexcept { return only_peer_ > 0; }

    // Its successor has bound a socket of its own.
    bool receiver_gone() const noexcept
    {
        if (!named_)
            return has_ended(only_peer_);
        return !member_.any_alive(role::receiver) || dialer_.is_replaced(where_);
    }
    bool usable() const noexcept { return !named_ || member_.is_member(); }
    errc missing() const noexcept { return member_.missing(); }
    peer_identity const& peer() const noexcept { return dialer_.peer(); }
    void leave(deadline until) noexcept
    {
        if (!named_)
            return;
        unix_mechanism m;
        membership<unix_mechanism>::leave(member_, where_, m, until);
    }

private:
    std::size_t chunk_of(int fd) const noexcept
    {
        return kind_.packet == 0 ? stream_chunk : std::min(stream_chunk, largest_packet(fd));
    }

    participant member_;
    location where_;
    unix_dialer dialer_;
    unix_kind kind_;
    std::size_t chunk_ = stream_chunk;
    ::pid_t only_peer_ = 0;
    std::uint32_t seen_ = 0;
    bool named_ = false;
};
static_assert(connector<unix_connector>);

}  // namespace strait::detail

#endif
