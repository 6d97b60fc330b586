// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_INSTRUCTIONS_LOOP_HPP
#define STRAIT_BENCHMARK_INSTRUCTIONS_LOOP_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

// A program here sends and receives as many messages as its argument says, in turn and in one thread: no end ever waits,
// so the number of instructions depends on nothing but the code. Two runs of different lengths give those of a message.

template <std::size_t Size>
using message = std::array<std::uint64_t, Size / 8>;

/// Runs `once(number of the message)` as often as the program was asked to. `once` says whether the message was right.
template <class Once>
int loop(int argc, char** argv, Once once)
{
    std::uint64_t const messages = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
    for (std::uint64_t i = 0; i < messages; ++i)
        if (!once(i))
            return 1;
    return 0;
}

#endif
