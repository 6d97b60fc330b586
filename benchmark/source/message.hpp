// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_MESSAGE_HPP
#define STRAIT_BENCHMARK_MESSAGE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace benchmark {

template <std::size_t N>
using message = std::array<std::uint64_t, N / 8>;

// What a message carries is its sequence. The sender's number is in the highest byte; two bits below it mark the start
// of the measured time and the end of the stream.
struct sequence {
    static constexpr std::uint64_t begin = std::uint64_t{1} << 54;
    static constexpr std::uint64_t stop = std::uint64_t{1} << 55;
    static constexpr std::uint64_t marks = begin | stop;
    static constexpr std::uint64_t torn = ~std::uint64_t{0};  ///< never sent

    static constexpr std::uint64_t first_of(std::uint64_t sender) noexcept { return sender << 56; }
    static constexpr std::uint64_t sender_of(std::uint64_t s) noexcept { return s >> 56; }
};

// Up to here a message is made anew, word by word, as a program makes a small message; a changed word in an old one
// would stall the vector load that copies it. A larger one lies ready and gets its first and last word.
inline constexpr std::size_t largest_made_anew = 256;

template <std::size_t N>
void stamp(message<N>& m, std::uint64_t s) noexcept
{
    if constexpr (N <= largest_made_anew)
        m.fill(s);
    else
        m.front() = m.back() = s;
}

/// The sequence of a message, or `torn`.
template <std::size_t N>
std::uint64_t sequence_of(message<N> const& m) noexcept
{
    if constexpr (N <= largest_made_anew) {
        std::uint64_t difference = 0;
        for (std::uint64_t const word : m)
            difference |= word ^ m.front();
        return difference == 0 ? m.front() : sequence::torn;
    } else {
        // The compiler must assume that all of it is read: otherwise a copy of which two words are used can be left out.
        asm volatile("" : : "r"(m.data()) : "memory");
        return m.front() == m.back() ? m.front() : sequence::torn;
    }
}

/// Where the messages of an end lie. Its pages are there from the start.
template <std::size_t N>
class messages {
public:
    explicit messages(std::size_t count) : all_(count)
    {
        for (message<N>& m : all_)
            m.fill(0x5555'5555'5555'5555);
    }

    message<N>& operator[](std::size_t i) noexcept { return all_[i]; }
    message<N>* data() noexcept { return all_.data(); }
    std::size_t size() const noexcept { return all_.size(); }

    /// The first message, stamped.
    message<N> const& made(std::uint64_t s) noexcept
    {
        stamp<N>(all_[0], s);
        return all_[0];
    }

private:
    std::vector<message<N>> all_;
};

/// Calls f with a message of this sequence that lies on the stack where that is how a program would do it.
template <std::size_t N, class F>
[[gnu::always_inline]] inline void with_message(messages<N>& ready, std::uint64_t s, F f)
{
    if constexpr (N <= largest_made_anew) {
        message<N> m;
        stamp<N>(m, s);
        f(m);
    } else
        f(ready.made(s));
}

}  // namespace benchmark

#endif
