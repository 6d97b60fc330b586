// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MPMC_WRITER_HPP
#define STRAIT_DETAIL_MPMC_WRITER_HPP

#include <strait/detail/mpmc/geometry.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/copy_unsteady.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>

namespace strait::detail {

// One sender's side of the ring. A message is made in the oldest of our buffers, and exists when the word of our position
// has been swapped from empty to that buffer.
//
// A buffer may be written again when the word that it was committed with has gone on: its message is consumed. The dead
// write nothing more, so who takes a dead sender's place finds out by reading all words once which of its buffers hold
// messages that somebody will still receive; the others are free. That changes nothing in the segment, so it may be
// broken off and repeated by the next one at any time. The buffers of a place that nobody takes rest; the messages in
// them are received like any others.
template <message_layout L>
class mpmc_writer {
    using buffer = mpmc_buffer<L>;

public:
    mpmc_writer() noexcept { detach(); }

    // Only while we hold the lock of this place.
    error_code attach(mpmc_view const& v) noexcept
    {
        mpmc_words const& words = v.words;
        std::uint64_t const position = words.first_vacant(words.somewhere_before());
        std::uint64_t const before = position - words.capacity();  // what lies before that has been consumed
        std::unique_ptr<use[]> order(new (std::nothrow) use[v.per_sender]);
        if (!order)
            return errc::out_of_memory;
        if (!words.can_be_vacant(position, words.look(position)))
            return errc::peer_corrupt;
        for (std::uint64_t i = 0; i != v.per_sender; ++i)
            order[i] = {before - 1, v.first_own + i};
        for (std::uint64_t i = 0; i != words.capacity(); ++i) {
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
        staged_ = no_end;
    }

    mpmc_header& header() const noexcept { return *header_; }
    bool too_large(std::size_t n) const noexcept { return n > max_size_; }

    bool is_staged() const noexcept { return staged_ <= largest_staged; }
    void withdraw() noexcept
    {
        if (is_staged())
            staged_ = nothing;
    }

    // False also when it can be no end, or when a message waits to be put.
    bool has_room(std::size_t n) noexcept { return staged_ == nothing && n <= max_size_ && (knows_room() || refresh()); }
    std::span<std::byte> room(std::size_t n) const noexcept { return {oldest_buffer() + buffer::geometry::payload_offset, n}; }

    // The message that was made in room(); it stays staged if there is no place for it now.
    void commit(std::size_t used) noexcept
    {
        if (staged_ == no_end)
            return;
        staged_ = used;
        STRAIT_CRASH_POINT("commit: payload written");
        buffer::set_size(oldest_buffer(), used);
        put();
    }

    // True when what was staged has become a message.
    bool put() noexcept
    {
        use& next = order_[oldest_];
        for (unsigned tries = 0; tries != mpmc_words::most_tries; ++tries) {
            std::uint64_t const lap = words_.lap(position_);
            std::uint64_t word = mpmc_word::empty(lap);
            STRAIT_CRASH_POINT("commit: next place chosen");
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
            if (after == position_)  // full; or damaged, as inspect() will find
                return false;
            position_ = words_.first_vacant(after);
        }
        return false;
    }

    // Success: there is room. An error: what is there no peer has put there.
    std::optional<error_code> inspect() noexcept
    {
        position_ = words_.first_vacant(position_);
        std::uint64_t const word = words_.look(position_);
        if (!words_.can_be_vacant(position_, word))
            return errc::peer_corrupt;
        use const& next = order_[oldest_];
        std::uint64_t const last = words_.look(next.position);
        std::uint64_t const last_lap = words_.lap(next.position);
        bool const in_use = mpmc_word::ahead(last, last_lap) <= 0;
        if (in_use && last != mpmc_word::full(last_lap, next.buffer))
            return errc::peer_corrupt;
        if (word != mpmc_word::empty(words_.lap(position_)) || in_use || !(knows_room() || refresh()))
            return {};
        return error_code();
    }

    std::uint64_t messages() const noexcept { return messages_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::uint64_t depth() const noexcept
    {
        if (!buffers_)
            return 0;
        std::uint64_t const vacant = words_.first_vacant(position_);
        return vacant - words_.first_unconsumed(vacant - words_.capacity());
    }

private:
    struct use {
        std::uint64_t position;  // where it was committed last
        std::uint64_t buffer;
    };

    static constexpr std::size_t nothing = static_cast<std::size_t>(-1);
    static constexpr std::size_t no_end = nothing - 1;  // there is neither a ring nor room
    static constexpr std::size_t largest_staged = no_end - 1;

    std::byte* oldest_buffer() const noexcept { return buffers_ + order_[oldest_].buffer * stride_; }

    static bool is_before(std::uint64_t a, std::uint64_t b) noexcept { return static_cast<std::int64_t>(a - b) < 0; }

    // By what we knew last, the oldest buffer is free, and the ring not full at our position.
    bool knows_room() const noexcept
    {
        return position_ - consumed_ < words_.capacity() && is_before(order_[oldest_].position, consumed_);
    }

    // Looks how far the receivers are: first some way off, so that their words are not looked at for every message.
    bool refresh() noexcept
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

    // What a closed, moved from or inherited end looks at: flush() must look closer.
    static inline constinit mpmc_header closed_state{eventcount(1), eventcount()};

    mpmc_header* header_;
    mpmc_words words_;
    std::byte* buffers_;
    std::uint64_t stride_ = 0;
    std::uint64_t max_size_ = 0;
    std::unique_ptr<use[]> order_;  // our buffers in a circle, in the order of their positions
    std::uint64_t order_size_ = 0;
    std::uint64_t oldest_ = 0;
    std::uint64_t position_ = 0;  // before it all is filled
    std::uint64_t consumed_ = 0;  // before it all is consumed
    std::uint64_t quarter_ = 0;
    std::size_t staged_;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace strait::detail

#endif
