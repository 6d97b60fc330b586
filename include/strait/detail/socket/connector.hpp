// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_CONNECTOR_HPP
#define STRAIT_DETAIL_SOCKET_CONNECTOR_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/socket/socket_bytes.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/socket.h>

namespace strait::detail {

// What a sender over sockets needs to know about the place of its receiver. Only attempt(), pause(), transmit(), say_end(),
// read_rejection(), receiver_gone() and leave() make system calls.
//
//   attempt()             one try to connect, without waiting. no_receiver: no receiver is there yet, or a handshake is under way
//   pause(deadline)       waits until another try may help
//   is_trying()           whether a handshake is under way, so that attempt() goes on with it
//   cookie()              the cookie of the channel that was reached last
//   file()                the descriptor of the channel's control file; -1: there is none
//   is_removed(slept)     whether the channel's files were removed; `slept`: ask the kernel at once
//   has_lost_receiver()   whether a receiver was there since this end was opened, as the control file says, and none is now
//   count_in()            the end is open: from now on it counts as a participant
//   receiver_gone()       whether the receiver that was reached last has left or died, as far as that can be known without its
//                         socket: another process may hold a copy of that, and then the kernel never says so
//   usable()              false when the end was left, moved from, or inherited by fork()
//   missing()             why it is not usable: not_open or inherited_handle
//   leave(deadline)       leaves the channel
//   chunk()               how many bytes of frames one system call sends, unless a message is longer
//   greets()              whether a greeting goes first, and an end frame last that must arrive. Else the control file tells of
//                         senders, and the end is only said to wake the receiver
//   transmit(fd, frames, bytes, sent)
//                         one system call that sends up to `bytes` bytes from the front of `frames`, behind `sent` messages. Returns
//                         the number of bytes of frames that have left; -1, and errno, when none has
//   say_end(fd, sent)     says that the stream is over behind `sent` messages, where greets() is false
//   read_rejection(fd)    what the receiver has said before it closed; no_receiver when it has said nothing
template <class C>
concept connector =
    std::movable<C> && requires(C c, C const& k, deadline d, int fd, stream_buffer& frames, std::size_t bytes, std::uint64_t sent) {
    { c.attempt() } -> std::same_as<result<descriptor>>;
    { c.pause(d) } -> std::same_as<void>;
    { k.is_trying() } -> std::same_as<bool>;
    { k.cookie() } -> std::same_as<stream_cookie>;
    { k.file() } -> std::same_as<int>;
    { k.is_removed(true) } noexcept -> std::same_as<bool>;
    { k.has_lost_receiver() } noexcept -> std::same_as<bool>;
    { c.count_in() } noexcept -> std::same_as<void>;
    { k.receiver_gone() } -> std::same_as<bool>;
    { k.usable() } -> std::same_as<bool>;
    { k.missing() } -> std::same_as<errc>;
    { c.leave(d) } -> std::same_as<void>;
    { k.chunk() } -> std::same_as<std::size_t>;
    { k.greets() } -> std::same_as<bool>;
    { c.transmit(fd, frames, bytes, sent) } -> std::same_as<::ssize_t>;
    { c.say_end(fd, sent) } -> std::same_as<void>;
    { c.read_rejection(fd) } -> std::same_as<errc>;
};

// Waits for room in the socket that was connected last. timed_out: the deadline came first. no_receiver: the receiver
// has gone. removed.
template <connector Connector>
result<void> wait_for_room(Connector const& by, int fd, short events, deadline until)
{
    for (;;) {
        STRAIT_STEP();
        auto room = wait_descriptor(fd, events, until.capped(wait_slice));
        if (room || room.error() != errc::timed_out)
            return room;
        if (by.receiver_gone())
            return errc::no_receiver;
        if (by.is_removed(true))
            return errc::removed;
        if (until.passed())
            return room;
    }
}

// How a connector sends over a connected socket, unless it does that in a way of its own: a base of most connectors.
class plain_transmission {
public:
    static std::size_t chunk() noexcept { return stream_chunk; }
    static bool greets() noexcept { return true; }

    static ::ssize_t transmit(int fd, stream_buffer const& frames, std::size_t bytes, std::uint64_t) noexcept
    {
        return ::send(fd, frames.data() + frames.begin, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    }

    static void say_end(int fd, std::uint64_t) noexcept
    {
        stream_frame const end{0, stream_frame::end};
        (void)!::send(fd, &end, sizeof end, MSG_NOSIGNAL | MSG_DONTWAIT);
    }

    // What this program sends, for the note when it is refused.
    void describe(message_type const& type) { type_ = type; }

    [[gnu::noinline, gnu::cold]] errc read_rejection(int fd) const noexcept
    {
        struct {
            stream_rejection head;
            char behind[schema_limit];
        } said;
        auto const n = receive_bytes(fd, std::as_writable_bytes(std::span(&said, 1)), MSG_DONTWAIT);
        if (n < static_cast<::ssize_t>(sizeof said.head))
            return errc::no_receiver;
        note_rejection(said.head, {said.behind, static_cast<std::size_t>(n) - sizeof said.head});
        return said.head.reason();
    }

    void note_rejection(stream_rejection const& said, std::string_view behind) const noexcept
    {
        detail::note_rejection(said, behind, type_);
    }

private:
    message_type type_{std::string_view()};
};

}  // namespace strait::detail

#endif
