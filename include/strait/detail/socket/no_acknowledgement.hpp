// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_NO_ACKNOWLEDGEMENT_HPP
#define STRAIT_DETAIL_SOCKET_NO_ACKNOWLEDGEMENT_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/socket/stream_connection.hpp>

#include <cstddef>
#include <cstdint>

namespace strait::detail {

// The ledger (acknowledged/session_table.hpp) of streams that nobody acknowledges: nothing is noted, and nobody who goes comes back.
struct no_acknowledgement {
    static constexpr bool counts = false;
    static constexpr std::uint32_t protocol = stream_greeting::plain;
    static constexpr std::size_t introduction = 0;

    static void consumed(stream_connection const&, std::size_t, std::size_t) noexcept {}
    static void ended(stream_connection const&) noexcept {}
    static void bar(stream_connection const&) noexcept {}
    static void left(stream_connection const&) noexcept {}
    static bool settle(bool) noexcept { return true; }
    static bool expects_any() noexcept { return false; }
    static bool give_up() noexcept { return false; }
};

}  // namespace strait::detail

#endif
