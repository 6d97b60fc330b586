// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_HANDSHAKE_CLIENT_HPP
#define STRAIT_DETAIL_HANDSHAKE_CLIENT_HPP

#include <strait/detail/handshake/protocol.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace strait::detail {

// Of a handshake: all of it, or why not. no_receiver: the other one has gone.
inline error_code send_all(int fd, void const* bytes, std::size_t size) noexcept
{
    auto const n = uninterrupted([&] { return ::send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT); });
    return n == static_cast<::ssize_t>(size) ? error_code() : make_error_code(errc::no_receiver);
}

// As many bytes as came before the end.
inline error_code receive_all(int fd, std::span<std::byte> to, std::size_t& got, deadline until) noexcept
{
    while (got != to.size()) {
        auto const n = ::recv(fd, to.data() + got, to.size() - got, MSG_DONTWAIT);
        if (n > 0)
            got += static_cast<std::size_t>(n);
        else if (n < 0 && errno == EAGAIN) {
            if (auto waited = wait_descriptor(fd, POLLIN, until); !waited)
                return waited.error();
        } else if (n == 0 || errno != EINTR) {
            return errc::no_receiver;
        }
    }
    return {};
}

// A client on its way to an acceptor. A Connector knows where that is (socket/stream_sender.hpp).
template <message_layout Both, class Connector>
class handshake_client {
public:
    explicit handshake_client(Connector c) : connector_(std::move(c)) {}
    handshake_client(handshake_client const&) = delete;
    handshake_client& operator=(handshake_client const&) = delete;
    ~handshake_client() { connector_.leave(deadline::after(std::chrono::seconds(5))); }

    // Waits for an acceptor to come, and to take us; begins again when it dies meanwhile.
    error_code call(deadline until, descriptor& socket, std::uint64_t& number)
    {
        for (;;) {
            auto reached = connector_.attempt();
            error_code e = reached ? exchange(reached->get(), until, number) : reached.error();
            if (!e) {
                socket = std::move(*reached);
                return {};
            }
            if (e != errc::no_receiver)
                return e;
            if (until.passed())
                return errc::no_receiver;
            connector_.pause(until.capped(std::chrono::milliseconds(50)));
        }
    }

private:
    error_code exchange(int fd, deadline until, std::uint64_t& number) const noexcept
    {
        auto const greeting = stream_greeting::of(Both, connector_.cookie());
        if (error_code const e = send_all(fd, &greeting, sizeof greeting))
            return e;
        handshake_answer answer;
        answer.magic = 0;
        std::size_t got = 0;
        auto const bytes = std::as_writable_bytes(std::span(&answer, 1));
        if (error_code const e = receive_all(fd, bytes, got, std::max(until, deadline::after(std::chrono::seconds(1))))) {
            if (got != sizeof(stream_rejection))
                return e;
            stream_rejection r;  // a receiver of a plain channel listens there
            r.magic = answer.magic;
            r.why = answer.why;
            return r.reason();
        }
        number = answer.number;
        return answer.refusal();
    }

    Connector connector_;
};

}  // namespace strait::detail

#endif
