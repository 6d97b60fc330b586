// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_CONTESTANT_HPP
#define STRAIT_BENCHMARK_CONTESTANT_HPP

#include "message.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace benchmark {

/// What a line is made for.
struct setup {
    std::size_t size;
    std::size_t batch;  ///< messages of one call; 1: one by one
    unsigned senders;
    unsigned receivers;
    unsigned index;  ///< of the line: a ping-pong has two
};

// One way of passing messages of one size in one direction. A line is made before the ends' processes are, which make
// their ends of it: line(setup), sender(line&), receiver(line&). All of them wait as the case says.
//   send(s)                a message with this sequence
//   receive()              the sequence of the next message
// Optional:
//   send_batch(s, n)       n messages with the sequences s, s + 1, ... in one call; n is at most setup.batch
//   receive_batch(seen)    at least one message in one call; seen(sequence) for each
//   flush()                nothing lingers; a ping, and a stream's end, need it
//   C::window(size, batch) of a mechanism that loses what finds it full: so many messages are in flight at most, by the count
//                          that the receiver keeps; 0: it loses nothing
template <class C>
concept contestant =
    requires(setup s, typename C::line& l, typename C::sender& out, typename C::receiver& in, std::uint64_t n) {
        typename C::line;
        requires std::constructible_from<typename C::line, setup const&>;
        requires std::constructible_from<typename C::sender, typename C::line&>;
        requires std::constructible_from<typename C::receiver, typename C::line&>;
        out.send(n);
        { in.receive() } -> std::same_as<std::uint64_t>;
    };

/// Whether the ends are threads of one process.
template <class C>
concept within_a_process = C::threads;

/// In flight at a time, so that a socket's buffer of 416 KiB, the default of Linux, has room: the kernel counts 768 bytes
/// for the least datagram, and 128 KiB for the largest.
constexpr std::size_t lossless_window(std::size_t size, std::size_t batch) noexcept
{
    if (batch == 1)
        return std::clamp<std::size_t>(65'536 / (size + 768), 16, 128);
    return std::min<std::size_t>(131'072 / size, 64 * batch);
}

template <class C>
constexpr std::size_t window_of(std::size_t size, std::size_t batch) noexcept
{
    if constexpr (requires { C::window(size, batch); })
        return C::window(size, batch);
    else
        return 0;
}

template <class Sender>
void flush(Sender& out)
{
    if constexpr (requires { out.flush(); })
        out.flush();
}

template <class Sender>
void send_batch(Sender& out, std::uint64_t first, std::size_t n)
{
    if constexpr (requires { out.send_batch(first, n); })
        out.send_batch(first, n);
    else
        for (std::size_t i = 0; i != n; ++i)
            out.send(first + i);
}

template <class Receiver, class Seen>
void receive_batch(Receiver& in, Seen seen)
{
    if constexpr (requires { in.receive_batch(seen); })
        in.receive_batch(seen);
    else
        seen(in.receive());
}

}  // namespace benchmark

#endif
