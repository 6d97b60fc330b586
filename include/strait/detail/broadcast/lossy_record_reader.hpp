// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSY_RECORD_READER_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSY_RECORD_READER_HPP

#include <strait/detail/broadcast/lossy_geometry.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/ring/concepts.hpp>
#include <strait/detail/ring/copy_unsteady.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace strait::detail {

// The receiver's side of a ring of messages that vary in size and are overwritten, whether they were read or not; the rules are
// in broadcast/lossy_record_writer.hpp. It copies, and uses nothing of what it has copied, neither header nor number, before it
// has seen that this memory was not claimed for something new meanwhile. Whatever the header says, the copy stays within the
// mapping. `Newest`: messages before the newest one are skipped, as if they had been overwritten.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, bool Newest = false>
class lossy_record_reader : public ring_reader_defaults {
    using shape = lossy_record_shape<L>;

public:
    static constexpr unsigned pace = shape::pace;
    lossy_record_reader() noexcept { detach(); }

    // Begins at the end of what has been sent, or as many messages before it as are wanted.
    error_code attach(lossy_view const& v) noexcept
    {
        if (v.history > v.capacity / shape::length(0))
            return errc::history_too_large;
        page_memory copy = allocate_pages((v.max_message_size + 7) / 8 * 8);
        if (!copy)
            return errc::out_of_memory;
        for (unsigned tries = 0; tries != most_tries; ++tries) {
            STRAIT_STEP();
            header_ = v.header;
            data_ = v.data;
            mask_ = v.capacity - 1;
            position_ = v.header->tail.load(std::memory_order_acquire);  // pairs with commit()
            if (position_ % shape::unit != 0 || position_ > ring_header::far)
                break;
            number_ = word_at(position_ + 8);
            detail::atomic_thread_fence(std::memory_order_acquire);  // pairs with that of claim()
            if (is_overwritten(position_))
                continue;
            max_size_ = v.max_message_size;
            copy_ = std::move(copy);
            take();  // the tail counts a message a moment after it is there
            messages_ = bytes_ = 0;
            holds_ = false;
            go_back(Newest ? 1 : v.history);
            return {};
        }
        detach();
        return errc::peer_corrupt;
    }

    void detach() noexcept
    {
        header_ = &lossy_closed_state;
        data_ = closed_state::no_message;
        mask_ = 0;
        position_ = number_ = first_number_ = max_size_ = 0;
        messages_ = bytes_ = 0;
        holds_ = false;
    }

    eventcount& receivers() const noexcept { return header_->receivers; }

    bool look() noexcept { return holds_ || take(); }
    std::span<std::byte const> message() const noexcept { return {copy_.get(), size_}; }
    bool release() noexcept
    {
        holds_ = false;
        return false;
    }

    // Copies the newest message that the tail counts, or a newer one that was taken, to memory of its own, and changes nothing
    // else. What is taken next is no older. `shown` is valid until the next call.
    error_code copy_newest(std::span<std::byte const>& shown) noexcept
        requires(Newest)
    {
        if (!newest_)
            newest_ = allocate_pages((max_size_ + 7) / 8 * 8);
        if (!newest_)
            return errc::out_of_memory;
        for (unsigned tries = 0; tries != most_tries; ++tries) {
            STRAIT_STEP();
            std::uint64_t const tail = header_->tail.load(std::memory_order_acquire);  // pairs with commit()
            std::uint64_t const last = header_->last.load(std::memory_order_acquire);  // pairs with commit(): of this tail or a later one
            if (tail > ring_header::far || tail % shape::unit != 0 || last > ring_header::far || last % shape::unit != 0)
                return errc::peer_corrupt;
            if (tail == 0 && position_ == 0)
                return errc::empty;
            if (copy(position_ > tail ? position_ - shape::length(size_) : last, shown))
                return {};
        }
        return errc::timed_out;
    }

    // Copies the next message. False when there is none, or damage, which damaged_ says then.
    bool take() noexcept
    {
        damaged_ = false;
        for (unsigned tries = 0; tries != most_tries; ++tries) {
            STRAIT_STEP();
            if constexpr (Newest)
                skip();
            std::uint64_t const header = word_at(position_);
            detail::atomic_thread_fence(std::memory_order_acquire);  // pairs with commit()
            std::uint64_t const number = word_at(position_ + 8);
            bool const possible = shape::possible(header, position_, max_size_);
            std::uint32_t const size = shape::size(header);
            if (possible)
                copy_unsteady(data_ + (position_ & mask_) + shape::offset, copy_.get(), size);
            STRAIT_CRASH_POINT("take: copied");
            detail::atomic_thread_fence(std::memory_order_acquire);  // pairs with that of claim()
            if (!is_overwritten(position_)) [[likely]] {
                if (!possible || number != number_) {
                    damaged_ = header != 0;
                    return false;
                }
                size_ = size;
                position_ += shape::length(size);
                ++number_;
                ++messages_;
                bytes_ += size;
                holds_ = true;
                return true;
            }
            if (!catch_up(tries)) {
                damaged_ = true;
                return false;
            }
        }
        return false;  // the writer makes lap after lap while we copy
    }

    std::optional<error_code> inspect() noexcept
    {
        if (take())
            return error_code();
        if (damaged_)
            return errc::peer_corrupt;
        return {};
    }

    std::uint64_t messages() const noexcept { return messages_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::uint64_t dropped() const noexcept { return number_ - first_number_ - messages_; }
    std::uint64_t depth() const noexcept
    {
        std::uint64_t const ahead = header_->tail.load(std::memory_order_relaxed) - position_;
        return header_ == &lossy_closed_state || ahead > ring_header::far ? 0 : std::min(ahead, mask_ + 1);
    }

private:
    static constexpr unsigned most_tries = 64;

    // A header or a number; it may be payload that is being written.
    std::uint64_t word_at(std::uint64_t at) const noexcept
    {
        alignas(8) std::byte word[8];
        copy_unsteady(data_ + (at & mask_), word, sizeof word);
        return std::bit_cast<std::uint64_t>(word);
    }

    bool is_overwritten(std::uint64_t position) const noexcept
    {
        // Positions are at most `far`, so the signed difference is right for every value of `claimed` that is not damaged.
        return static_cast<std::int64_t>(header_->claimed.load(std::memory_order_acquire) - position - mask_ - 1) > 0;
    }

    // Whether a record is there at this position, which was read behind it, and its message could be copied whole.
    bool copy(std::uint64_t position, std::span<std::byte const>& shown) const noexcept
    {
        std::uint64_t const header = word_at(position);
        if (!shape::possible(header, position, max_size_))
            return false;
        copy_unsteady(data_ + (position & mask_) + shape::offset, newest_.get(), shape::size(header));
        STRAIT_CRASH_POINT("look at the newest: copied");
        detail::atomic_thread_fence(std::memory_order_acquire);  // pairs with that of claim()
        shown = {newest_.get(), shape::size(header)};
        return !is_overwritten(position);
    }

    // Goes n records back from our position, or to the oldest that is there; the others count as dropped. If all that we look
    // through is overwritten, again and again, all n do.
    void go_back(std::uint64_t n) noexcept
    {
        first_number_ = number_ - std::min(n, number_);
        for (unsigned tries = 0; tries != 4 && first_number_ != number_; ++tries) {
            STRAIT_STEP();
            if (find_back(position_, number_, first_number_))
                return;
        }
    }

    // Looks for the record of this number before `end`, whose number is `end_number`: from the last record that is noted and has
    // no later number. False: what we have looked through was overwritten, or contradicts itself.
    bool find_back(std::uint64_t const end, std::uint64_t const end_number, std::uint64_t const wanted) noexcept
    {
        std::uint64_t const part = (mask_ + 1) / lossy_header::parts;
        std::uint64_t const claimed = header_->claimed.load(std::memory_order_acquire);  // pairs with claim()
        std::uint64_t const oldest = claimed < mask_ + 1 ? 0 : (claimed - mask_ - 1) / part;
        std::uint64_t position = end;
        std::uint64_t number = end_number;
        std::uint64_t limit = end;
        for (std::uint64_t i = end / part; number > wanted && i + 1 > oldest; --i) {
            STRAIT_STEP();
            std::uint64_t const first = i == 0 ? 0 : header_->first[i % lossy_header::parts].load(std::memory_order_relaxed);
            std::uint64_t const its_number = word_at(first + 8);
            detail::atomic_thread_fence(std::memory_order_acquire);  // pairs with that of claim()
            if (is_overwritten(first) || first < i * part || first > position || first % shape::unit != 0 || its_number > number)
                return false;
            limit = position;
            position = first;
            number = its_number;
            if (i == 0)
                break;
        }
        while (number < wanted) {
            STRAIT_STEP();
            std::uint64_t const header = word_at(position);
            detail::atomic_thread_fence(std::memory_order_acquire);  // pairs with that of claim()
            if (is_overwritten(position) || !shape::possible(header, position, max_size_))
                return false;
            position += shape::length(shape::size(header));
            ++number;
            if (position > limit)
                return false;
        }
        position_ = position;
        number_ = number;
        return true;
    }

    // Goes to the newest record that the tail counts. Its number says how many are skipped. If that cannot be, or the record has
    // been claimed for something new meanwhile, we stay where we are.
    void skip() noexcept
    {
        std::uint64_t const tail = header_->tail.load(std::memory_order_acquire);  // pairs with commit()
        std::uint64_t const last = header_->last.load(std::memory_order_acquire);  // pairs with commit(): of this tail or a later one
        if (tail > ring_header::far || last > ring_header::far || last <= position_ || last % shape::unit != 0)
            return;
        std::uint64_t const header = word_at(last);
        std::uint64_t const number = word_at(last + 8);
        detail::atomic_thread_fence(std::memory_order_acquire);  // pairs with that of claim()
        if (is_overwritten(last) || !shape::possible(header, last, max_size_) || number <= number_ || number - number_ > last - position_)
            return;
        position_ = last;
        number_ = number;
    }

    // Called when our record is overwritten. Goes on with the oldest that is noted; when that one was overwritten meanwhile, with
    // later and later ones. False: the words contradict each other.
    bool catch_up(unsigned tries) noexcept
    {
        std::uint64_t const part = (mask_ + 1) / lossy_header::parts;
        std::uint64_t const claimed = header_->claimed.load(std::memory_order_acquire);  // pairs with claim()
        std::uint64_t const tail = header_->tail.load(std::memory_order_acquire);        // pairs with commit()
        std::uint64_t const farther = tries < 2 ? 0 : std::min<std::uint64_t>(tries, lossy_header::parts / 2);
        std::uint64_t const oldest = claimed - (mask_ + 1) + farther * part;
        std::uint64_t const next = header_->first[oldest / part % lossy_header::parts].load(std::memory_order_relaxed);
        std::uint64_t const number = word_at(next + 8);
        detail::atomic_thread_fence(std::memory_order_acquire);  // pairs with that of claim()
        if (header_->claimed.load(std::memory_order_relaxed) != claimed)
            return true;  // the notes may be about later records: look again
        if (claimed > 2 * ring_header::far || oldest % part != 0 || next < oldest || next > tail || next % shape::unit != 0 ||
            next <= position_ || number <= number_ || number - number_ > next - position_)
            return false;
        position_ = next;
        number_ = number;
        return true;
    }

    std::byte const* data_;
    std::uint64_t mask_;
    std::uint64_t position_;
    std::uint64_t number_;  // of the message at our position
    std::uint64_t max_size_;
    page_memory copy_;
    page_memory newest_;  // for copy_newest()
    lossy_header* header_;
    std::uint64_t first_number_;
    std::uint64_t messages_;
    std::uint64_t bytes_;
    std::uint32_t size_ = 0;
    bool holds_;  // copy_ is a message that is not yet released
    bool damaged_ = false;
};

static_assert(ring_reader<lossy_record_reader<message_layout{0, 1, 2}>, lossy_view>);

}  // namespace strait::detail

#endif
