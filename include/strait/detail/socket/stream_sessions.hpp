// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_STREAM_SESSIONS_HPP
#define STRAIT_DETAIL_SOCKET_STREAM_SESSIONS_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/socket/stream_connection.hpp>
#include <strait/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace strait::detail {

// What a receiver notes of its senders' streams beyond their connections.
//
//   acknowledges                    whether anything is noted; else all the rest does nothing
//   protocol, introduction          of the greeting, and how many bytes come behind it
//   admit(c, older)                 a connection has greeted; an error: it is refused. `older`: a connection to be closed for it
//   skip(c)                         whether the message in front was consumed before; then it is gone
//   consumed(c, messages, bytes)    so much in front of a connection was consumed
//   ended(c), bar(c), left(c)       its end was read; it has sent what cannot be; its connection is closed
//   settle(at_once)                 says what is due to be said to senders; false: a socket had no room
//   expects_any()                   a sender is away that may come back
//   give_up()                       waits for none of them any more; true: there was one
template <class S, class Connection = stream_connection>
concept stream_sessions = std::movable<S> && requires(S s, Connection& c, Connection*& older, std::size_t n, bool at_once) {
    { S::acknowledges } -> std::convertible_to<bool>;
    { S::protocol } -> std::convertible_to<std::uint32_t>;
    { S::introduction } -> std::convertible_to<std::size_t>;
    { s.admit(c, older) } -> std::same_as<errc>;
    { s.skip(c) } -> std::same_as<bool>;
    s.consumed(c, n, n);
    s.ended(c);
    s.bar(c);
    s.left(c);
    { s.settle(at_once) } -> std::same_as<bool>;
    { s.expects_any() } -> std::same_as<bool>;
    { s.give_up() } -> std::same_as<bool>;
};

// Of streams without acknowledgements: a sender that goes does not come back.
struct no_acknowledgement {
    static constexpr bool acknowledges = false;
    static constexpr std::uint32_t protocol = stream_greeting::plain;
    static constexpr std::size_t introduction = 0;

    template <class Connection>
    static errc admit(Connection const&, Connection*&) noexcept
    {
        return errc();
    }
    static constexpr bool skip(auto const&) noexcept { return false; }
    static constexpr void consumed(auto const&, std::size_t, std::size_t) noexcept {}
    static constexpr void ended(auto const&) noexcept {}
    static constexpr void bar(auto const&) noexcept {}
    static constexpr void left(auto const&) noexcept {}
    static constexpr bool settle(bool) noexcept { return true; }
    static constexpr bool expects_any() noexcept { return false; }
    static constexpr bool give_up() noexcept { return false; }
};
static_assert(stream_sessions<no_acknowledgement>);

}  // namespace strait::detail

#endif
