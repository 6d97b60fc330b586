// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_SLOT_PROGRESS_HPP
#define STRAIT_DETAIL_RING_SLOT_PROGRESS_HPP

#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/header.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

// The two copies of a large message overlap: the sender publishes after each piece how far it is, and the receiver copies out
// what is there. That is a hint. Whether the message exists is said by its sequence alone, as for every message; what was
// copied of a message that never exists is overwritten.
//
//   progress  u64   attempt:24  bytes:40   bytes of the message that can be read; behind the sequence of a large slot
//
// Each attempt to write the slot has a number of its own. A message that was committed ends its attempt: the number is
// incremented. So what was copied early belongs to the message that exists if, and only if, the number is the next one. It
// is not when a sender has died and another one writes the slot: that one begins a new attempt, however it writes the message.
namespace strait::detail {

template <message_layout L>
struct slot_progress {
    // From here on a copy takes longer than the lines of a few words.
    static constexpr bool shown = L.fixed_size >= std::size_t{128} << 10;
    static constexpr std::size_t piece = std::size_t{32} << 10;

    static constexpr std::uint64_t one_attempt = std::uint64_t{1} << 40;
    static constexpr std::uint64_t bytes_of(std::uint64_t progress) noexcept
    {
        return std::min<std::uint64_t>(progress % one_attempt, L.fixed_size);  // the word may be damaged
    }

    // Ends the attempt. Called by a sender that has joined, and by one that has written the whole message.
    static void next_attempt(atomic<std::uint64_t>& progress) noexcept
    {
        std::uint64_t const attempt = progress.load(std::memory_order_relaxed) / one_attempt;
        progress.store((attempt + 1) * one_attempt, std::memory_order_relaxed);  // ordered by the sequence, and by copy_in()
    }

    // Copies a message into its slot, piece by piece, and publishes each; calls begun() after the first one.
    template <class Begun>
    static void copy_in(std::byte const* from, std::byte* to, atomic<std::uint64_t>& progress, Begun begun) noexcept
    {
        std::uint64_t const attempt = progress.load(std::memory_order_relaxed) / one_attempt * one_attempt;
        for (std::size_t n = 0; n != L.fixed_size;) {
            STRAIT_STEP();
            std::size_t const size = std::min(piece, L.fixed_size - n);
            std::memcpy(to + n, from + n, size);
            n += size;
            STRAIT_CRASH_POINT("copy in: a piece written");
            progress.store(attempt + n, std::memory_order_release);  // pairs with follow()
            if (n == size)
                begun();
        }
    }

    // Remembers how much of a message has been copied out before it exists. The address of the progress word says of which
    // message: where there are many senders, the message of another one may be finished first.
    class early_copy {
    public:
        // Whether more of the message can be read than was copied.
        bool behind(atomic<std::uint64_t> const& progress) const noexcept
        {
            std::uint64_t const now = progress.load(std::memory_order_relaxed);
            return bytes_of(now) > (&progress == word_ && now / one_attempt == attempt_ ? bytes_ : 0);
        }

        // Copies what can be read.
        void follow(std::byte const* from, std::byte* to, atomic<std::uint64_t> const& progress) noexcept
        {
            std::uint64_t const now = progress.load(std::memory_order_acquire);  // pairs with copy_in()
            if (&progress != word_ || now / one_attempt != attempt_)
                bytes_ = 0;
            word_ = &progress;
            attempt_ = now / one_attempt;
            copy_up_to(bytes_of(now), from, to);
        }

        // The message exists: copies what is missing, or all if what was copied is not of this message.
        void finish(std::byte const* from, std::byte* to, atomic<std::uint64_t> const& progress) noexcept
        {
            // The number is that of the message: its sequence was stored behind it.
            std::uint64_t const ended = progress.load(std::memory_order_relaxed) / one_attempt;
            if (&progress != word_ || ended * one_attempt != (attempt_ + 1) * one_attempt)
                bytes_ = 0;
            copy_up_to(L.fixed_size, from, to);
        }

    private:
        void copy_up_to(std::size_t bytes, std::byte const* from, std::byte* to) noexcept
        {
            if (bytes > bytes_) {
                std::memcpy(to + bytes_, from + bytes_, bytes - bytes_);
                bytes_ = bytes;
            }
        }

        atomic<std::uint64_t> const* word_ = nullptr;
        std::uint64_t attempt_ = 0;
        std::size_t bytes_ = 0;
    };
};

// The sender's half, for an end whose writer is `ring`. Receivers that sleep are woken after the first piece.
template <class End, class Ring>
result<void> copy_in_pieces(End& end, Ring& ring, std::span<std::byte const> message, deadline until)
{
    if (auto const room = end.reserve(message.size(), until); !room)
        return room.error();
    ring.copy_in(message.data(), [&] { (void)end.flush(until); });
    ring.commit(message.size());
    return {};
}

// The receiver's half. Afterwards the message exists and is the next one of `ring`, not yet consumed. await(behind) waits for a
// message, or until behind() says that more of a part can be copied.
template <message_layout L, class Ring, class Await>
error_code copy_out_early(Ring& ring, std::span<std::byte> message, deadline until, Await await)
{
    typename slot_progress<L>::early_copy copy;
    // A message is not written in more turns than it has pieces. A peer that changes the progress again and again
    // cannot hold this operation beyond its deadline.
    constexpr std::size_t most_turns = L.fixed_size / slot_progress<L>::piece + 2;
    for (std::size_t turns = 0; !ring.look(); ++turns) {
        STRAIT_STEP();
        if (turns > most_turns && deadline::now() >= until.nanoseconds())
            return errc::timed_out;
        auto const behind = [&] {
            auto const* const part = until.is_poll() ? nullptr : ring.partly_written();  // a poll takes whole messages only
            return part && copy.behind(part->progress());
        };
        if (!behind())
            if (error_code const e = await(behind))
                return e;
        if (auto const* const part = ring.partly_written())
            copy.follow(part->message().data(), message.data(), part->progress());
    }
    STRAIT_CRASH_POINT("copy out: message found");
    copy.finish(ring.message().data(), message.data(), ring.progress());
    return {};
}

}  // namespace strait::detail

#endif
