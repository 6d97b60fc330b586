// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MPMC_WORDS_HPP
#define STRAIT_DETAIL_MPMC_WORDS_HPP

#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>

#include <bit>
#include <cstdint>

// The ring of a channel with many senders and many receivers: one word for each place, changed by compare-and-swap only.
//
//   lap:40 full:1 buffer:23            position p is place p % N in lap p / N
//
//   empty(lap) --- a sender: the message exists ---> full(lap, buffer) --- a receiver: it is consumed ---> empty(lap + 1)
//
// The payload lies in a buffer of its sender. Nothing else says what is in the ring: there is no shared head or tail that
// could be wrong, contended, or left behind by a dead end. Each end has a position of its own and moves it past what it
// sees that others have done. That is sound because positions are filled in order, and consumed in order: an end acts on
// position p only after it has seen that everything before p was filled (a sender) or consumed (a receiver), and both
// stay true. So one word speaks for all positions before it. (Publishing by one compare-and-swap of a word with a lap is
// as old as Tsigas and Zhang, SPAA 2001; Vyukov's queue, which publishes in two steps, is blocked by a death between them.)
//
// Progress: lock-free. A compare-and-swap fails only because another end's has succeeded, and a death between any two
// steps leaves a word before or after its change, so no end ever waits for the dead. test/model/ tries a death at
// every step.
//
// Memory order. Every change of a word is a read-modify-write, so each release below heads a release sequence that all
// later values of the word belong to, and an acquire load of any of them synchronises with it:
//   fill     release; pairs with the acquire load of a receiver that finds full: the payload is seen
//   consume  release; pairs with the acquire load of a sender that finds a later lap: what the receiver has read of the
//            buffer was read before the sender writes the next message into it
//   moving past a position is an acquire load as well, so an end that consumes p + 1 has seen p consumed, and one look at a
//   late word covers all earlier ones.
//
// Laps are compared modulo 2^40: to be misled, an end must be stopped for 2^39 laps.
namespace strait::detail {

struct mpmc_word {
    static constexpr unsigned lap_shift = 24;
    static constexpr std::uint64_t full_bit = std::uint64_t{1} << 23;
    static constexpr std::uint64_t most_buffers = full_bit;

    static constexpr std::uint64_t empty(std::uint64_t lap) noexcept { return lap << lap_shift; }
    static constexpr std::uint64_t full(std::uint64_t lap, std::uint64_t buffer) noexcept
    {
        return lap << lap_shift | full_bit | buffer;
    }
    static constexpr bool is_full(std::uint64_t word) noexcept { return (word & full_bit) != 0; }
    static constexpr std::uint64_t buffer(std::uint64_t word) noexcept { return word & (full_bit - 1); }
    static constexpr bool is_full_in(std::uint64_t word, std::uint64_t lap) noexcept
    {
        return (word & ~(full_bit - 1)) == full(lap, 0);
    }

    // By how many laps a word is later than this one; negative: earlier.
    static constexpr std::int64_t ahead(std::uint64_t word, std::uint64_t lap) noexcept
    {
        return static_cast<std::int64_t>((word >> lap_shift << lap_shift) - empty(lap)) >> lap_shift;
    }
};

class mpmc_words {
public:
    static constexpr std::uint64_t most = std::uint64_t{1} << 22;  // places
    // How many words an operation looks at because others were faster. What it has found by then is true, so it can
    // give up. Laps that lie in a circle, each behind the next one, would lead it round for ever.
    static constexpr unsigned most_steps = 1 << 12;
    // How often a thorough look begins anew before it calls the words damaged: others are never faster so many times in
    // a row.
    static constexpr unsigned most_rounds = 16;

    mpmc_words() = default;
    mpmc_words(atomic<std::uint64_t>* words, std::uint64_t capacity) noexcept
        : words_(words), mask_(capacity - 1), lap_shift_(static_cast<unsigned>(std::bit_width(capacity)) - 1),
          spread_(capacity < 64 ? 0 : 7)
    {
    }

    std::uint64_t capacity() const noexcept { return mask_ + 1; }
    std::uint64_t lap(std::uint64_t position) const noexcept { return position >> lap_shift_; }
    // Neighbouring positions lie in different cache lines: ends that work close to each other would take one line from each
    // other all the time. (That doubled the throughput of small messages; the remapping is that of Egorushkin's atomic_queue.)
    atomic<std::uint64_t>& at(std::uint64_t position) const noexcept
    {
        std::uint64_t const place = position & mask_;
        std::uint64_t const swapped = (place ^ (place >> 3)) & spread_;
        return words_[place ^ swapped ^ (swapped << 3)];
    }
    std::uint64_t look(std::uint64_t position) const noexcept
    {
        return at(position).load(std::memory_order_acquire);  // pairs with fill and consume
    }

    // The first position not known to be filled if this is the word of `position`; itself if that is not filled.
    std::uint64_t after_filled(std::uint64_t position, std::uint64_t word) const noexcept
    {
        std::int64_t const ahead = mpmc_word::ahead(word, lap(position));
        if (mpmc_word::is_full(word))
            return ahead < 0 ? position : position + static_cast<std::uint64_t>(ahead) * capacity() + 1;
        return after_consumed(position, word);
    }

    // The first position not known to be consumed if this is the word of `position`; itself if that is not consumed.
    std::uint64_t after_consumed(std::uint64_t position, std::uint64_t word) const noexcept
    {
        std::int64_t const ahead = mpmc_word::ahead(word, lap(position));
        return ahead <= 0 ? position : position + static_cast<std::uint64_t>(ahead - 1) * capacity() + 1;
    }

    // Whether correct peers can have left this word at a position before which all is filled (can_be_vacant) or consumed
    // (can_be_next).
    bool can_be_vacant(std::uint64_t position, std::uint64_t word) const noexcept
    {
        return word == mpmc_word::empty(lap(position)) || mpmc_word::is_full_in(word, lap(position) - 1) ||
               after_filled(position, word) != position;
    }
    bool can_be_next(std::uint64_t position, std::uint64_t word) const noexcept
    {
        return word == mpmc_word::empty(lap(position)) || mpmc_word::is_full_in(word, lap(position)) ||
               after_consumed(position, word) != position;
    }

    bool is_consumed(std::uint64_t position) const noexcept { return after_consumed(position, look(position)) != position; }

    // From a position before which all is filled: the first one that is not. When it has used up `steps` it returns one
    // before which all is filled.
    std::uint64_t first_vacant(std::uint64_t from, unsigned& steps) const noexcept
    {
        return seek(from, steps, [this](std::uint64_t p) { return after_filled(p, look(p)); });
    }

    // From a position before which all is consumed: the first one that is not, or one before it as above.
    std::uint64_t first_unconsumed(std::uint64_t from, unsigned& steps) const noexcept
    {
        return seek(from, steps, [this](std::uint64_t p) { return after_consumed(p, look(p)); });
    }

    // A position before which all is filled and consumed, for an end that has not looked yet.
    std::uint64_t somewhere_before() const noexcept { return ((look(0) >> mpmc_word::lap_shift) << lap_shift_) - mask_; }

    // The position that the word at this place is for, on the same count as `near`.
    std::uint64_t position_of(std::uint64_t place, std::uint64_t word, std::uint64_t near) const noexcept
    {
        return (near & ~mask_) + static_cast<std::uint64_t>(mpmc_word::ahead(word, lap(near))) * capacity() + place;
    }

private:
    // What is seen of a position holds for all before it. So this leaps, farther and farther, when it is far behind.
    template <class After>
    std::uint64_t seek(std::uint64_t p, unsigned& steps, After after) const noexcept
    {
        for (unsigned tries = 0; steps != 0; ++tries) {
            STRAIT_STEP();
            --steps;
            std::uint64_t const next = after(p);
            if (next == p)
                break;
            p = next;
            if (tries < 4)
                continue;
            for (std::uint64_t leap = 4; leap < capacity() && steps != 0; leap *= 2) {
                STRAIT_STEP();
                --steps;
                std::uint64_t const beyond = after(p + leap);
                if (beyond == p + leap)
                    break;
                p = beyond;
            }
        }
        return p;
    }

    atomic<std::uint64_t>* words_ = nullptr;
    std::uint64_t mask_ = 0;
    unsigned lap_shift_ = 0;
    std::uint64_t spread_ = 0;
};

}  // namespace strait::detail

#endif
