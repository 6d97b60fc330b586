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
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>

namespace strait::detail {

// Connects a sender to the socket that its receiver has bound beside the control file.
class unix_connector : public plain_transmission {
public:
    // Of a socket that is connected from the beginning: attempt() finds no other receiver.
    unix_connector(unix_kind const& kind, int fd) : kind_(kind) { chunk_ = chunk_of(fd); }
    unix_connector(participant member, location where, unix_kind const& kind, peer_predicate accept)
        : member_(std::move(member)), where_(std::move(where)), accept_(std::move(accept)), kind_(kind), named_(true)
    {
    }

    result<descriptor> attempt()
    {
        if (!named_)
            return errc::no_receiver;
        seen_ = member_.event();  // before looking: a receiver that comes after this wakes pause()
        receivers_ = receivers_so_far();
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
        // EAGAIN: the backlog is full. A receiver that does not accept counts as not there yet.
        if (uninterrupted([&] {
                return ::connect(s.get(), reinterpret_cast<::sockaddr const*>(&*address), sizeof *address);
            }) != 0)
            return errno == ECONNREFUSED || errno == ENOENT || errno == EAGAIN ? make_error_code(errc::no_receiver) : last_failure();
        if (receivers_so_far() != receivers_)
            return errc::no_receiver;  // another one has come meanwhile: which of them was reached is not known
        if (greets()) {  // of datagrams the kernel does not say who has bound the address; the directory is ours
            peer_ = unix_peer(s.get());
            if (!unix_peer_allowed(peer_, where_.access(), accept_))
                return errc::refused;
        }
        chunk_ = chunk_of(s.get());
        return s;
    }

    // Datagrams have no connection that could begin or end: the control file says who sends.
    bool greets() const noexcept { return kind_.type != SOCK_DGRAM; }

    std::size_t chunk() const noexcept { return chunk_; }

    void pause(deadline until) const noexcept { member_.wait_event(seen_, until); }
    int file() const noexcept { return member_.fd(); }
    bool is_trying() const noexcept { return false; }
    stream_cookie cookie() const noexcept { return {}; }
    void count_in() noexcept { member_.count_in(); }

    // The peer of a socket that is connected from the beginning is this process and no other one.
    void watch_process(::pid_t peer) noexcept { only_peer_ = peer; }
    bool watches_process() const noexcept { return only_peer_ > 0; }

    bool receiver_gone() const noexcept
    {
        return named_ ? receivers_so_far() != receivers_ || !member_.any_alive(role::receiver) : has_ended(only_peer_);
    }
    bool usable() const noexcept { return !named_ || member_.is_member(); }
    errc missing() const noexcept { return member_.missing(); }
    peer_identity const& peer() const noexcept { return peer_; }
    void leave(deadline until) noexcept
    {
        if (!named_)
            return;
        unix_mechanism m;
        membership<unix_mechanism>::leave(member_, where_, m, until);
    }

private:
    // There is one at a time.
    std::uint64_t receivers_so_far() const noexcept
    {
        return member_.block().joined_receivers.load(std::memory_order_acquire);  // pairs with count_in()
    }

    std::size_t chunk_of(int fd) const noexcept
    {
        return kind_.packet == 0 ? stream_chunk : std::min(stream_chunk, largest_packet(fd));
    }

    participant member_;
    location where_;
    peer_predicate accept_;
    peer_identity peer_;
    unix_kind kind_;
    std::size_t chunk_ = stream_chunk;
    ::pid_t only_peer_ = 0;
    std::uint32_t seen_ = 0;
    std::uint64_t receivers_ = 0;  // that had come when the last one was reached
    bool named_ = false;
};
static_assert(connector<unix_connector>);

}  // namespace strait::detail

#endif
