// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_LISTENER_HPP
#define STRAIT_DETAIL_SOCKET_LISTENER_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/error.hpp>
#include <strait/peer.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace strait::detail {

// What every receiver over descriptors needs to know about the place where its senders come.
//
//   fd()                  the descriptor that is readable when something has come; -1: no sender can come
//   serial()              a number that differs for each such descriptor
//   file()                the descriptor of the channel's control file; -1: there is none
//   packet()              bytes of the largest packet that a sender of ours makes; 0: it is a stream
//   senders_gone(slept)   whether the stream is over, as the control file says; `slept`: ask it at once
//   is_removed(slept)     whether the channel's files were removed; `slept`: ask the kernel at once
//   count_in()            the end is open: from now on it counts as a participant
//   usable()              false when the end was left, moved from, or inherited by fork()
//   missing()             why it is not usable: not_open or inherited_handle
//   leave(deadline)       leaves the channel
template <class L>
concept receiving_place = std::movable<L> && requires(L l, L const& k, deadline d, bool slept) {
    { k.fd() } -> std::same_as<int>;
    { k.serial() } -> std::same_as<std::uint64_t>;
    { k.file() } -> std::same_as<int>;
    { k.packet() } -> std::same_as<std::size_t>;
    { l.senders_gone(slept) } -> std::same_as<end_reason>;
    { l.is_removed(slept) } noexcept -> std::same_as<bool>;
    { l.count_in() } noexcept -> std::same_as<void>;
    { k.usable() } -> std::same_as<bool>;
    { k.missing() } -> std::same_as<errc>;
    { l.leave(d) } -> std::same_as<void>;
};

// Where each sender has a connection of its own. Of fd() -1: there are only the connections that were given to the receiver.
//
//   accept()              the next connection, and its peer as far as the kernel knows it. empty: there is none; busy:
//                         one came and was turned away at once
//   admits(who)           whether this peer may send; if not, it gets `refused` once it has greeted
//   has_control_file()    whether senders_gone() may be asked
//   cookie()              what each sender must show in its greeting
template <class L>
concept listener = receiving_place<L> && requires(L const& k, peer_identity const& who) {
    { k.accept() } -> std::same_as<result<std::pair<descriptor, peer_identity>>>;
    { k.admits(who) } -> std::same_as<bool>;
    { k.has_control_file() } -> std::same_as<bool>;
    { k.cookie() } -> std::same_as<stream_cookie>;
};

// What one try to read a datagram has brought.
enum class datagram_outcome : std::uint8_t {
    datagram,   // a row of frames lies in the buffer, good or bad
    nothing,    // none is there, or a signal handler interrupted
    end,        // a sender says that it leaves: look at the control file
    malformed,  // what came is no datagram of ours, or was cut
    failure,    // errno says what
};

// Where all senders share one descriptor.
//
//   start()               allocates what it needs beside the read buffer; false: there is no memory
//   receive(to, stats)    reads one datagram without waiting, and counts what is dropped
template <class L>
concept datagram_listener = receiving_place<L> && requires(L l, read_ahead& to, channel_stats& stats) {
    { l.start() } -> std::same_as<bool>;
    { l.receive(to, stats) } -> std::same_as<datagram_outcome>;
};

}  // namespace strait::detail

#endif
