// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MPMC_READER_HPP
#define STRAIT_DETAIL_MPMC_READER_HPP

#include <strait/detail/mpmc/geometry.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/ring/concepts.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace strait::detail {

// The receiver's side of a ring with many senders and receivers. A message is copied first and consumed then, by swapping its
// word to empty. If the swap succeeds, the word has not changed meanwhile, so its buffer was not free and the copy is whole.
// When another receiver was faster, the copy is thrown away. If this receiver is killed before the swap, the message is there
// for another one; if it is killed after it, the message is lost with it.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class mpmc_reader : public ring_reader_defaults {
    using buffer = mpmc_buffer<L>;

public:
    static constexpr unsigned pace = 50;  // a message touches more lines than the polled one
    mpmc_reader() noexcept { detach(); }

    error_code attach(mpmc_view const& v) noexcept
    {
        page_memory copy = allocate_pages(buffer::copy_bytes(v.max_message_size));
        if (!copy)
            return errc::out_of_memory;
        unsigned steps = mpmc_words::most_steps;
        std::uint64_t const position = v.words.first_unconsumed(v.words.somewhere_before(), steps);
        if (steps == 0 || !v.words.can_be_next(position, v.words.look(position)))
            return errc::peer_corrupt;
        header_ = v.header;
        words_ = v.words;
        buffers_ = v.buffers;
        buffer_count_ = v.buffer_count;
        stride_ = buffer::geometry::stride(v.max_message_size);
        max_size_ = v.max_message_size;
        copy_ = std::move(copy);
        position_ = position;
        quarter_ = std::bit_floor(std::max<std::uint64_t>(1, std::min(words_.capacity(), v.per_sender) / 4)) - 1;
        messages_ = bytes_ = 0;
        holds_ = posted_ = false;
        return {};
    }

    void detach() noexcept
    {
        header_ = &closed_state;
        words_ = mpmc_words(&empty, 1);
        position_ = 0;
        holds_ = false;
    }

    mpmc_header& header() const noexcept { return *header_; }

    eventcount& receivers() const noexcept { return header_->receivers; }

    bool look() noexcept
    {
        if (holds_) [[unlikely]]
            return true;
        return take();
    }
    std::span<std::byte const> message() const noexcept { return {copy_.get(), size_}; }
    bool release() noexcept
    {
        holds_ = false;
        return false;
    }

    bool take() noexcept
    {
        unsigned steps = mpmc_words::most_steps;
        return take(steps);
    }

    // Copies and consumes the next message. False when there is none, or damage, or when `steps` are used up.
    bool take(unsigned& steps) noexcept
    {
        for (; steps != 0; --steps) {
            STRAIT_STEP();
            std::uint64_t const lap = words_.lap(position_);
            std::uint64_t word = words_.look(position_);
            if (word == mpmc_word::empty(lap))
                return false;
            if (mpmc_word::is_full_in(word, lap)) {
                std::uint64_t const number = mpmc_word::buffer(word);
                if (number >= buffer_count_)
                    return false;  // damaged; inspect() reports it
                std::byte const* const from = buffers_ + number * stride_;
                std::uint64_t const size = buffer::size(from);
                if (size <= max_size_) [[likely]] {
                    buffer::read(from, copy_.get(), size);
                    STRAIT_CRASH_POINT("take: message copied");
                    if (words_.at(position_).compare_exchange_strong(word, mpmc_word::empty(lap + 1), std::memory_order_release,
                                                                     std::memory_order_acquire)) {  // pairs with a sender's look()
                        STRAIT_CRASH_POINT("take: consumed");
                        size_ = size;
                        holds_ = true;
                        posted_ = false;
                        ++position_;
                        ++messages_;
                        bytes_ += size;
                        return true;
                    }
                } else {
                    // This is no size, or it is the size of a later message and ours has been consumed meanwhile.
                    detail::atomic_thread_fence(std::memory_order_acquire);
                    word = words_.look(position_);
                }
            }
            std::uint64_t const after = words_.after_consumed(position_, word);
            if (after == position_)  // damaged
                return false;
            position_ = words_.first_unconsumed(after, steps);
            if (steps == 0)
                break;
        }
        return false;
    }

    std::optional<error_code> inspect() noexcept
    {
        for (unsigned round = 0;; ++round) {
            STRAIT_STEP();
            unsigned steps = mpmc_words::most_steps;
            if (take(steps))
                return error_code();
            if (steps != 0)
                break;
            if (round == mpmc_words::most_rounds)
                return errc::peer_corrupt;
        }
        std::uint64_t const lap = words_.lap(position_);
        std::uint64_t const word = words_.look(position_);
        if (!words_.can_be_next(position_, word))
            return errc::peer_corrupt;
        if (!mpmc_word::is_full_in(word, lap))
            return {};
        if (mpmc_word::buffer(word) >= buffer_count_)
            return errc::peer_corrupt;
        // Senders write no size that does not fit, so the fence matters in damaged memory alone.
        bool const fits = buffer::size(buffers_ + mpmc_word::buffer(word) * stride_) <= max_size_;
        detail::atomic_thread_fence(std::memory_order_acquire);
        if (!fits && words_.look(position_) == word)  // the word is the same: it is not the size of a later message
            return errc::peer_corrupt;
        return {};  // the message has come just now
    }

    // Senders that wait are woken after each quarter of the ring, by the receiver that consumes its last message.
    bool room_is_due() const noexcept { return (position_ & quarter_) == 0 && !posted_; }
    bool posted() const noexcept { return posted_; }
    void post_and_wake(asymmetric_fence const& fence, int doorbell) noexcept
    {
        posted_ = true;
        if (peer_sleeps(header_->senders, fence))
            wake_peer(header_->senders, doorbell);
    }

    std::uint64_t messages() const noexcept { return messages_; }
    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    // What a closed, moved from or inherited end looks at.
    static inline constinit mpmc_header closed_state{};
    static inline constinit atomic<std::uint64_t> empty{0};

    mpmc_header* header_;
    mpmc_words words_;
    std::uint64_t position_ = 0;  // all before it is consumed
    std::byte const* buffers_ = nullptr;
    std::uint64_t buffer_count_ = 0;
    std::uint64_t stride_ = 0;
    std::uint64_t max_size_ = 0;
    std::uint64_t quarter_ = 0;
    page_memory copy_;
    std::uint64_t size_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    bool holds_ = false;  // copy_ is a message that was consumed and not yet released
    bool posted_ = true;
};

static_assert(ring_reader<mpmc_reader<message_layout{8, 8, 1}>, mpmc_view>);

}  // namespace strait::detail

#endif
