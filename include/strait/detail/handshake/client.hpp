// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_HANDSHAKE_CLIENT_HPP
#define STRAIT_DETAIL_HANDSHAKE_CLIENT_HPP

#include <strait/detail/handshake/bytes.hpp>
#include <strait/detail/handshake/parser.hpp>
#include <strait/detail/handshake/protocol.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/socket/connector.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace strait::detail {

// A client that looks for an acceptor. It leaves the acceptor's channel when it is destroyed.
template <message_layout Both, connector Connector>
class handshake_client {
public:
    explicit handshake_client(Connector c) : connector_(std::move(c)) {}
    handshake_client(handshake_client const&) = delete;
    handshake_client& operator=(handshake_client const&) = delete;
    ~handshake_client() { connector_.leave(deadline::after(std::chrono::seconds(5))); }

    // Waits for an acceptor to come, and to take this client, at least a second. Begins again when the acceptor dies
    // meanwhile.
    error_code call(deadline until, descriptor& socket, client_handshake_parser& parser)
    {
        for (;;) {
            STRAIT_STEP();
            parser = {};
            auto reached = connector_.attempt();
            error_code e = reached ? exchange(reached->get(), until, parser) : reached.error();
            if (!e) {
                socket = std::move(*reached);
                return {};
            }
            if (e != errc::no_receiver)
                return e;
            if (connector_.is_removed(true))
                return errc::removed;
            if (until.passed())
                return errc::no_receiver;
            connector_.pause(until.capped(std::chrono::milliseconds(50)));
        }
    }

private:
    error_code exchange(int fd, deadline until, client_handshake_parser& parser) const
    {
        auto const greeting = stream_greeting::of(Both, connector_.cookie());
        if (error_code const e = send_handshake(fd, &greeting, sizeof greeting))
            return e;
        return hear(fd, parser, std::max(until, deadline::after(std::chrono::seconds(1))), [&] { return parser.welcome(); });
    }

    Connector connector_;
};

}  // namespace strait::detail

#endif
