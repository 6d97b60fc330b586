// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_HANDSHAKE_BYTES_HPP
#define STRAIT_DETAIL_HANDSHAKE_BYTES_HPP

#include <strait/detail/handshake/parser.hpp>
#include <strait/detail/handshake/protocol.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/socket/socket_bytes.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

// The bytes of a handshake on a socket. They are few, and always fit into a fresh one.
namespace strait::detail {

// Sends all of these bytes; no_receiver: the other side has gone.
inline error_code send_handshake(int fd, void const* bytes, std::size_t size) noexcept
{
    auto const n = uninterrupted([&] { return ::send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT); });
    return n == static_cast<::ssize_t>(size) ? error_code() : make_error_code(errc::no_receiver);
}

// Answers a client, as far as its socket takes that.
inline void answer_client(int fd, handshake_answer const& a) noexcept
{
    (void)!::send(fd, &a, sizeof a, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Answers that the client is refused, and why. An error of the system is reported as no_receiver.
inline void refuse_client(int fd, error_code const& why) noexcept
{
    handshake_answer a;
    bool const ours = why.category() == error_category();
    a.why = static_cast<std::uint32_t>(ours ? static_cast<errc>(why.value()) : errc::no_receiver);
    answer_client(fd, a);
}

// Reads what a step of a handshake needs, without waiting. waits: more must come; failed: that, or the other side has gone.
template <class Parser, class Step>
handshake_progress read_step(int fd, Parser& parser, Step step)
{
    for (;;) {
        STRAIT_STEP();
        auto const p = step();
        if (p != handshake_progress::waits)
            return p;
        auto const room = parser.room();
        auto const n = receive_bytes(fd, room, MSG_DONTWAIT);
        if (n > 0)
            parser.take(static_cast<std::size_t>(n));
        else
            return n < 0 && errno == EAGAIN ? handshake_progress::waits : handshake_progress::failed;
    }
}

// Waits up to the deadline until a step of a client's handshake is complete, and returns why it is not.
template <class Step>
error_code hear(int fd, client_handshake_parser& parser, deadline until, Step step)
{
    for (;;) {
        STRAIT_STEP();
        switch (read_step(fd, parser, step)) {
        case handshake_progress::complete: return {};
        case handshake_progress::waits:
            if (auto const some = wait_descriptor(fd, POLLIN, until); !some)
                return some.error();
            break;
        case handshake_progress::failed:
            if (!parser.refusal())
                parser.end();
            return parser.refusal();
        }
    }
}

// Waits up to the deadline for anything to read. False: there is nothing.
inline bool wait_for_client(int fd, deadline until) { return wait_descriptor(fd, POLLIN, until).has_value(); }

// Another descriptor, close-on-exec, of a connected socket, so that each direction can be closed alone.
inline descriptor second_descriptor(descriptor const& socket) noexcept
{
    return duplicate(socket.get());
}

}  // namespace strait::detail

#endif
