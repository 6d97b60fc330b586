// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_RAW_PEER_HPP
#define SUPPORT_RAW_PEER_HPP

#include <strait/detail/stream_wire.hpp>
#include <strait/detail/tcp_socket.hpp>

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>

/// A peer that writes what it likes.
class raw_peer {
public:
    /// To a Unix socket of this type.
    raw_peer(std::string const& path, int type) : socket_(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0))
    {
        ::sockaddr_un to{};
        to.sun_family = AF_UNIX;
        path.copy(to.sun_path, sizeof to.sun_path - 1);
        if (::connect(socket_.get(), reinterpret_cast<::sockaddr*>(&to), sizeof to) != 0)
            throw std::runtime_error("cannot connect");
    }

    explicit raw_peer(std::uint16_t port, int family = AF_INET)
        : socket_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        auto const to = strait::detail::tcp_address::loopback(family, port);
        if (::connect(socket_.get(), to.get(), to.size) != 0)
            throw std::runtime_error("cannot connect");
    }

    void write(void const* bytes, std::size_t size) const
    {
        if (::send(socket_.get(), bytes, size, MSG_NOSIGNAL) != static_cast<::ssize_t>(size))
            throw std::runtime_error("cannot write");
    }

    template <class T>
    void write(T const& object) const
    {
        write(&object, sizeof object);
    }

    void greet(strait::message_layout const& layout, strait::detail::stream_cookie const& cookie = {}) const
    {
        write(strait::detail::stream_greeting::of(layout, cookie));
    }

    void frame(std::uint32_t size, std::string const& payload, std::uint32_t kind = strait::detail::stream_frame::data) const
    {
        std::string bytes(sizeof(strait::detail::stream_frame), '\0');
        strait::detail::stream_frame const f{size, kind};
        std::memcpy(bytes.data(), &f, sizeof f);
        bytes += payload;
        bytes.resize((bytes.size() + 7) / 8 * 8);
        write(bytes.data(), bytes.size());
    }

    /// What the receiver says before it closes.
    strait::errc rejection() const
    {
        strait::detail::stream_rejection r;
        return ::recv(socket_.get(), &r, sizeof r, MSG_WAITALL) == static_cast<::ssize_t>(sizeof r) ? r.reason() : strait::errc::no_receiver;
    }

    int fd() const noexcept { return socket_.get(); }
    void close() { socket_.reset(); }

private:
    strait::detail::descriptor socket_;
};

#endif
