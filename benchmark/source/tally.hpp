// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_TALLY_HPP
#define STRAIT_BENCHMARK_TALLY_HPP

#include "case.hpp"
#include "clock.hpp"
#include "message.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace benchmark {

/// What a receiver has seen: checks the sequences and takes the time.
///
/// A single receiver must see each sender's messages one after the other, and measures from the first begin mark to the
/// last stop mark. Several receivers together must have seen all messages, by their number and the sum of their
/// sequences, in any order, which not all queues of many to many keep; each measures from its first message to its
/// last.
class tally {
public:
    static constexpr std::size_t most_senders = 8;

    tally(unsigned senders, bool alone) : stops_missing_(senders), alone_(alone)
    {
        for (std::size_t i = 0; i != expected_.size(); ++i)
            expected_[i] = sequence::first_of(i);
    }

    /// Takes a message in; false when it was the last one.
    [[gnu::always_inline]] bool take(std::uint64_t seen)
    {
        if (!alone_)
            return take_unordered(seen);
        std::uint64_t& expected = expected_[sequence::sender_of(seen) % most_senders];
        if (seen == expected) [[likely]] {
            ++expected;
            ++received_;
            return true;
        }
        return take_special(seen);
    }

    // Of the only sender: what comes next, and that all before `sequence` has come. A caller that counts in a register
    // saves the memory a round trip for each message.
    std::uint64_t next() const noexcept { return expected_[0]; }
    void skip_to(std::uint64_t sequence) noexcept
    {
        received_ += sequence - expected_[0];
        expected_[0] = sequence;
    }

    void first_has_come() { began_ = now(); }

    /// Of `n` messages from the first one of a sender on, without their marks.
    static std::uint64_t sum_of(std::uint64_t first, std::uint64_t n) noexcept
    {
        std::uint64_t const pairs = n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n;
        return n * first + pairs;
    }

    std::uint64_t sum() const noexcept { return sum_; }
    std::uint64_t received() const noexcept { return received_; }
    std::uint64_t counted() const noexcept { return counted_; }
    std::int64_t began() const noexcept { return began_; }
    std::int64_t ended() const noexcept { return ended_; }

private:
    bool take_unordered(std::uint64_t seen)
    {
        ++received_;
        sum_ += seen & ~sequence::marks;
        if (!(seen & sequence::marks)) [[likely]]
            return true;
        if (seen == sequence::torn)
            throw broken_channel("a message is torn, or the stream has ended");
        if (!(seen & sequence::stop))
            return true;
        ended_ = now();
        counted_ = received_;
        return false;
    }

    [[gnu::noinline, gnu::cold]] bool take_special(std::uint64_t seen)
    {
        std::uint64_t const number = seen & ~sequence::marks;
        std::uint64_t const sender = sequence::sender_of(seen);
        if (seen == sequence::torn || sender >= most_senders)
            throw broken_channel("a message is torn, or the stream has ended");
        if (number != expected_[sender])
            throw broken_channel("message " + std::to_string(number) + " came instead of " +
                                 std::to_string(expected_[sender]));
        ++expected_[sender];
        ++received_;
        if ((seen & sequence::begin) && !begun_) {
            begun_ = true;
            began_ = now();
            counted_from_ = received_;
        }
        if (!(seen & sequence::stop) || --stops_missing_ != 0)
            return true;
        ended_ = now();
        counted_ = received_ - counted_from_;
        return false;
    }

    std::array<std::uint64_t, most_senders> expected_;
    std::uint64_t received_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t counted_from_ = 0;
    std::uint64_t counted_ = 0;
    std::int64_t began_ = 0;
    std::int64_t ended_ = 0;
    unsigned stops_missing_;
    bool alone_;
    bool begun_ = false;
};

}  // namespace benchmark

#endif
