// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_RAW_PEER_HPP
#define SUPPORT_RAW_PEER_HPP

#include <support/messages.hpp>

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/inet/socket.hpp>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>

namespace support {

/// A frame as it goes over a stream, or with such a size in its header.
inline std::string frame_of(std::uint32_t size, std::string const& payload, std::uint32_t kind = strait::detail::stream_frame::data)
{
    strait::detail::stream_frame const f{size, kind};
    std::string bytes(reinterpret_cast<char const*>(&f), sizeof f);
    bytes += payload;
    bytes.resize((bytes.size() + 7) / 8 * 8);
    return bytes;
}

/// Up to 3,000 bytes, of few values in some rounds.
inline std::string noise_of(std::uint64_t round)
{
    std::string noise(mixed(round) % 3000, '\0');
    for (std::size_t i = 0; i != noise.size(); ++i)
        noise[i] = static_cast<char>(mixed(round * 5000 + i) % (round % 3 ? 256 : 3));
    return noise;
}

}  // namespace support

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
        auto const to = strait::detail::inet_address::loopback(family, port);
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
        std::string const bytes = support::frame_of(size, payload, kind);
        write(bytes.data(), bytes.size());
    }

    /// As many good ones in one packet.
    void frames(int count, std::string const& payload) const
    {
        std::string bytes;
        while (count-- != 0)
            bytes += support::frame_of(static_cast<std::uint32_t>(payload.size()), payload);
        write(bytes.data(), bytes.size());
    }

    /// Bytes that mean nothing, behind the header of a frame in odd rounds.
    void write_noise(std::uint64_t round) const
    {
        std::string noise = support::noise_of(round) + '\0';
        if (round % 2)
            noise = support::frame_of(static_cast<std::uint32_t>(noise.size() % 400), "").append(noise);
        write(noise.data(), noise.size());
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
