// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MPMC_WRITER_HPP
#define STRAIT_DETAIL_MPMC_WRITER_HPP

#include <strait/detail/mpmc/geometry.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/concepts.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>

namespace strait::detail {

// The sender's side of a ring with many senders and receivers. A message is made in the oldest of our buffers. It exists when
// the word at our position has been swapped from empty to that buffer.
//
// A buffer may be written again when the word that it was committed with has changed to a later lap: its message is consumed.
// The dead write nothing more. So a sender that takes a dead one's place reads all words once, and knows then which of its
// buffers hold messages that will still be received; the others are free. That changes nothing in the segment, so it may be
// interrupted at any time, and repeated by the next sender. The buffers of a place that no sender takes stay unused; the
// messages in them are received like any others.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class mpmc_writer {
    using buffer = mpmc_buffer<L>;

public:
    static constexpr unsigned pace = 50;  // the polled word is written by all other ends

    mpmc_writer() noexcept { detach(); }

    // Must be called only while we hold the lock of this place.
    error_code attach(mpmc_view const& v) noexcept
    {
        mpmc_words const& words = v.words;
        unsigned steps = mpmc_words::most_steps;
        std::uint64_t const position = words.first_vacant(words.somewhere_before(), steps);
        std::uint64_t const before = position - words.capacity();  // all before it has been consumed
        std::unique_ptr<use[]> order(new (std::nothrow) use[v.per_sender]);
        if (!order)
            return errc::out_of_memory;
        if (steps == 0 || !words.can_be_vacant(position, words.look(position)))
            return errc::peer_corrupt;
        for (std::uint64_t i = 0; i != v.per_sender; ++i)
            order[i] = {before - 1, v.first_own + i};
        for (std::uint64_t i = 0; i != words.capacity(); ++i) {
            STRAIT_STEP();
            std::uint64_t const word = words.look(i);  // pairs with consuming
            std::uint64_t const own = mpmc_word::buffer(word) - v.first_own;
            if (!mpmc_word::is_full(word) || own >= v.per_sender)
                continue;
            order[own].position = words.position_of(i, word, position);
            if (position - order[own].position - 1 >= words.capacity())
                return errc::peer_corrupt;
            STRAIT_CRASH_POINT("take over: buffer in use found");
        }
        std::sort(order.get(), order.get() + v.per_sender, [&](use const& a, use const& b) {
            return a.position - before + 1 < b.position - before + 1;
        });
        header_ = v.header;
        words_ = words;
        buffers_ = v.buffers;
        stride_ = buffer::geometry::stride(v.max_message_size);
        max_size_ = v.max_message_size;
        order_ = std::move(order);
        order_size_ = v.per_sender;
        oldest_ = messages_ = bytes_ = 0;
        quarter_ = std::min(words.capacity(), v.per_sender) / 4;
        position_ = position;
        consumed_ = before;
        staged_ = nothing;
        return {};
    }

    void detach() noexcept
    {
        header_ = &closed_state;
        buffers_ = nullptr;
        staged_ = detached;
    }

    mpmc_header& header() const noexcept { return *header_; }
    eventcount& receivers() const noexcept { return header_->receivers; }
    eventcount& senders() const noexcept { return header_->senders; }
    bool too_large(std::size_t n) const noexcept { return n > max_size_; }

    bool is_staged() const noexcept { return staged_ <= largest_staged; }
    void withdraw() noexcept
    {
        if (is_staged())
            staged_ = nothing;
    }

    // False also when it is detached, and while a message is staged.
    bool has_room(std::size_t n) noexcept { return staged_ == nothing && n <= max_size_ && (knows_room() || find_room()); }
    bool refresh(std::size_t n) noexcept { return has_room(n); }
    std::span<std::byte> room(std::size_t n) const noexcept { return {oldest_buffer() + buffer::geometry::payload_offset, n}; }

    // Puts the message that was made in room() into the ring; it stays staged if there is no place for it now.
    void commit(std::size_t used) noexcept
    {
        if (staged_ == detached)
            return;
        staged_ = used;
        STRAIT_CRASH_POINT("commit: payload written");
        buffer::set_size(oldest_buffer(), used);
        put();
    }

    bool put() noexcept
    {
        use& next = order_[oldest_];
        for (unsigned steps = mpmc_words::most_steps; steps != 0; --steps) {
            STRAIT_STEP();
            std::uint64_t const lap = words_.lap(position_);
            std::uint64_t word = mpmc_word::empty(lap);
            STRAIT_CRASH_POINT("commit: next place chosen");
            // That a failure acquires is more than is needed: nothing is used of what the other sender has published.
            if (words_.at(position_).compare_exchange_strong(word, mpmc_word::full(lap, next.buffer), std::memory_order_release,
                                                             std::memory_order_acquire)) {  // pairs with take()
                STRAIT_CRASH_POINT("commit: swapped");
                next.position = position_++;
                oldest_ = oldest_ + 1 == order_size_ ? 0 : oldest_ + 1;
                ++messages_;
                bytes_ += staged_;
                staged_ = nothing;
                return true;
            }
            std::uint64_t const after = words_.after_filled(position_, word);
            if (after == position_)  // full; or damaged: inspect() reports that
                return false;
            position_ = words_.first_vacant(after, steps);
            if (steps == 0)
                break;
        }
        return false;
    }

    std::optional<error_code> inspect(std::size_t) noexcept
    {
        for (unsigned round = 0;; ++round) {
            STRAIT_STEP();
            unsigned steps = mpmc_words::most_steps;
            position_ = words_.first_vacant(position_, steps);
            if (steps != 0)
                break;
            if (round == mpmc_words::most_rounds)
                return errc::peer_corrupt;
        }
        std::uint64_t const word = words_.look(position_);
        if (!words_.can_be_vacant(position_, word))
            return errc::peer_corrupt;
        use const& next = order_[oldest_];
        std::uint64_t const last = words_.look(next.position);
        std::uint64_t const last_lap = words_.lap(next.position);
        bool const in_use = mpmc_word::ahead(last, last_lap) <= 0;
        if (in_use && last != mpmc_word::full(last_lap, next.buffer))
            return errc::peer_corrupt;
        if (word != mpmc_word::empty(words_.lap(position_)) || in_use || !(knows_room() || find_room()))
            return {};
        return error_code();
    }

    std::uint64_t messages() const noexcept { return messages_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::uint64_t depth() const noexcept
    {
        if (!buffers_)
            return 0;
        unsigned steps = 2 * mpmc_words::most_steps;
        std::uint64_t const vacant = words_.first_vacant(position_, steps);
        return std::min(words_.capacity(), vacant - words_.first_unconsumed(vacant - words_.capacity(), steps));
    }

private:
    struct use {
        std::uint64_t position;  // where it was committed last
        std::uint64_t buffer;
    };

    static constexpr std::size_t nothing = static_cast<std::size_t>(-1);
    static constexpr std::size_t detached = nothing - 1;  // there is no ring
    static constexpr std::size_t largest_staged = detached - 1;

    std::byte* oldest_buffer() const noexcept { return buffers_ + order_[oldest_].buffer * stride_; }

    static bool is_before(std::uint64_t a, std::uint64_t b) noexcept { return static_cast<std::int64_t>(a - b) < 0; }

    // Whether by what we saw last the oldest buffer is free, and the ring is not full at our position.
    bool knows_room() const noexcept
    {
        return position_ - consumed_ < words_.capacity() && is_before(order_[oldest_].position, consumed_);
    }

    // Looks how far the receivers are. It tries a position some way ahead first, so that their words are not looked at for
    // every message.
    bool find_room() noexcept
    {
        std::uint64_t needed = position_ - words_.capacity();
        if (is_before(needed, order_[oldest_].position))
            needed = order_[oldest_].position;
        for (std::uint64_t const p : {needed + quarter_, needed})
            if (words_.is_consumed(p)) {
                consumed_ = p + 1;
                return true;
            }
        return false;
    }

    // What a closed, moved from or inherited end looks at. Its bit says that a receiver sleeps: flush() takes its slow path.
    static inline constinit mpmc_header closed_state{eventcount(1), eventcount()};

    mpmc_header* header_;
    mpmc_words words_;
    std::byte* buffers_;
    std::uint64_t stride_ = 0;
    std::uint64_t max_size_ = 0;
    std::unique_ptr<use[]> order_;  // our buffers in a circle, in the order of their positions
    std::uint64_t order_size_ = 0;
    std::uint64_t oldest_ = 0;
    std::uint64_t position_ = 0;  // all before it is filled
    std::uint64_t consumed_ = 0;  // all before it is consumed
    std::uint64_t quarter_ = 0;
    std::size_t staged_;  // bytes of the message that is committed and not in the ring yet; or nothing; or detached
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
};

static_assert(ring_writer<mpmc_writer<message_layout{8, 8, 1}>, mpmc_view> && staging_ring_writer<mpmc_writer<message_layout{8, 8, 1}>>);

}  // namespace strait::detail

#endif
