// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_LOSSY_SLOTS_HPP
#define STRAIT_DETAIL_BROADCAST_LOSSY_SLOTS_HPP

#include <strait/detail/broadcast/lossy_geometry.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/detail/ring/concepts.hpp>
#include <strait/detail/ring/copy_unsteady.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

// Messages of one size, each overwritten a capacity later, under a sequence lock for each slot (Lameter's, as in Boehm,
// "Can seqlocks get along with programming language memory models?", MSPC 2012).
//
//   slot, as slot_shape:  0 sequence u64   offset payload      position p: 2p + 1 while it is written, 2p + 2 when it is there
//
// Progress: the writer is wait-free, a few stores; it looks at nothing that receivers do. A reader copies, and throws the copy
// away when the sequence has changed meanwhile: then the writer has made a whole lap during one copy.
//
// Memory order.
//   written  release; pairs with the acquire load of a reader that finds it: the payload is seen
//   writing  followed by a release fence; pairs with the acquire fence of a reader between its copy and its second look at
//            the sequence: a copy that holds a byte of the next message sees that its sequence has changed
//   writing  release, too: a reader that finds it sees a tail that counts all messages before
//
// Not needed, beside these: the orders of the tail and that of the second look at a sequence. The release fence of room() is
// between a message and the tail that counts the next one, the lock of a dead sender's place orders what it did, and a slot says
// which message it holds, so that a tail that is too young for what is seen of the slots costs a reader one look more.
//
// A writer that is killed leaves a slot that says `writing`, which the next one writes again, or a message that the tail
// does not count, which the next one counts. A receiver leaves nothing.
namespace strait::detail {

template <message_layout L>
struct lossy_slot_shape : slot_shape<L> {
    static constexpr bool varies = false;                  // the size of a message
    static constexpr std::size_t largest = L.fixed_size;   // message
    static constexpr std::size_t before = 0;               // bytes of the payload before a message
    static constexpr std::size_t payload = L.fixed_size;

    static constexpr std::uint64_t writing(std::uint64_t position) noexcept { return 2 * position + 1; }
    static constexpr std::uint64_t written(std::uint64_t position) noexcept { return 2 * position + 2; }

    // The sequence before this position is written for the first time.
    static constexpr std::uint64_t vacant(std::uint64_t position, std::uint64_t capacity) noexcept
    {
        return position < capacity ? 0 : written(position - capacity);
    }
};

template <message_layout L, class Shape = lossy_slot_shape<L>>
class lossy_slot_writer {
    using shape = Shape;

public:
    static constexpr unsigned pace = 0;  // it never waits

    lossy_slot_writer() noexcept { detach(); }

    // Goes on behind the last committed message. Must be called only while no other writer lives.
    error_code attach(lossy_view const& v) noexcept
    {
        std::uint64_t position = v.header->tail.load(std::memory_order_acquire);  // pairs with commit()
        if (position > ring_header::far)
            return errc::peer_corrupt;
        std::byte const* const slot = v.data + (position & (v.capacity - 1)) * shape::stride;
        std::uint64_t const sequence = shared_word(slot).load(std::memory_order_relaxed);
        if (sequence == shape::written(position))
            ++position;
        else if (sequence != shape::writing(position) && sequence != shape::vacant(position, v.capacity))
            return errc::peer_corrupt;
        header_ = v.header;
        first_ = v.data;
        last_ = v.data + v.capacity * shape::stride;
        slot_ = v.data + (position & (v.capacity - 1)) * shape::stride;
        start_ = position_ = position;
        header_->tail.store(position, std::memory_order_release);  // pairs with lossy_slot_reader::attach()
        STRAIT_CRASH_POINT("take over: tail told");
        attached_ = true;
        return {};
    }

    void detach() noexcept
    {
        header_ = &lossy_closed_state;
        slot_ = first_ = closed_state::scratch;
        last_ = first_ + shape::stride;
        attached_ = false;
    }

    eventcount& receivers() const noexcept { return header_->receivers; }
    static constexpr bool too_large(std::size_t n) noexcept { return n > shape::largest; }

    bool has_room(std::size_t n) const noexcept { return attached_ && n <= shape::largest; }

    // Gives up the oldest message, whether commit() follows or not.
    std::span<std::byte> room([[maybe_unused]] std::size_t n) const noexcept
    {
        shared_word(slot_).store(shape::writing(position_), std::memory_order_release);  // pairs with take()
        detail::atomic_thread_fence(std::memory_order_release);  // pairs with that of take()
        STRAIT_CRASH_POINT("reserve: oldest given up");
        return {slot_ + shape::offset + shape::before, shape::varies ? n : shape::largest};
    }

    void commit([[maybe_unused]] std::size_t used) noexcept
    {
        std::byte* const slot = slot_;
        if constexpr (shape::varies) {
            shape::note_size(slot + shape::offset, used);
            bytes_ += used;
        }
        std::uint64_t const position = position_++;
        slot_ = slot + shape::stride == last_ ? first_ : slot + shape::stride;
        STRAIT_CRASH_POINT("commit: payload written");
        shared_word(slot).store(shape::written(position), std::memory_order_release);  // pairs with take()
        STRAIT_CRASH_POINT("commit: sequence stored");
        header_->tail.store(position + 1, std::memory_order_release);  // pairs with attach(), catch_up() and skip()
        STRAIT_CRASH_POINT("commit: counted");
    }

    std::uint64_t messages() const noexcept { return position_ - start_; }
    std::uint64_t bytes() const noexcept { return shape::varies ? bytes_ : messages() * L.fixed_size; }

private:
    std::byte* slot_;
    std::uint64_t position_ = 0;
    std::byte* first_;
    std::byte* last_;
    lossy_header* header_;
    std::uint64_t start_ = 0;
    std::uint64_t bytes_ = 0;  // where sizes vary
    bool attached_;
};

static_assert(overwriting_ring_writer<lossy_slot_writer<message_layout{8, 8, 1}>, lossy_view>);

// `Newest`: messages before the newest one are skipped, as if they had been overwritten.
template <message_layout L, bool Newest = false, class Shape = lossy_slot_shape<L>>
class lossy_slot_reader : public ring_reader_defaults {
    using shape = Shape;

public:
    static constexpr unsigned pace = record_shape<L>::pace;
    lossy_slot_reader() noexcept { detach(); }

    // Begins at the end of what has been sent, or as many messages before it as are wanted.
    error_code attach(lossy_view const& v) noexcept
    {
        if (v.history > v.capacity)
            return errc::history_too_large;
        page_memory copy = allocate_pages((shape::payload + 7) / 8 * 8);
        if (!copy)
            return errc::out_of_memory;
        std::uint64_t const position = v.header->tail.load(std::memory_order_acquire);  // pairs with commit()
        if (position > ring_header::far)
            return errc::peer_corrupt;
        header_ = v.header;
        data_ = v.data;
        capacity_ = v.capacity;
        copy_ = std::move(copy);
        position_ = position;
        take();  // the tail counts a message a moment after it is there
        // Of these, what is overwritten before it is read counts as dropped, as of later messages.
        position_ -= std::min(position_, Newest ? std::uint64_t{1} : v.history);
        start_ = position_;
        messages_ = bytes_ = 0;
        holds_ = false;
        return {};
    }

    void detach() noexcept
    {
        header_ = &lossy_closed_state;
        data_ = closed_state::no_message;
        capacity_ = 1;
        position_ = start_ = 0;
        messages_ = 0;
        holds_ = false;
    }

    eventcount& receivers() const noexcept { return header_->receivers; }

    bool look() noexcept
    {
        if (holds_) [[unlikely]]
            return true;
        return take();
    }
    std::span<std::byte const> message() const noexcept { return message_in(copy_.get()); }
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
            newest_ = allocate_pages((shape::payload + 7) / 8 * 8);
        if (!newest_)
            return errc::out_of_memory;
        for (unsigned tries = 0; tries != most_tries; ++tries) {
            STRAIT_STEP();
            std::uint64_t const end = std::max(header_->tail.load(std::memory_order_acquire), position_);  // pairs with commit()
            if (end > ring_header::far)
                return errc::peer_corrupt;
            if (end == 0)
                return errc::empty;
            if (copy(end - 1, newest_.get())) {
                shown = message_in(newest_.get());
                return {};
            }
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
            std::byte const* const slot = data_ + (position_ & (capacity_ - 1)) * shape::stride;
            std::uint64_t const sequence = shared_word(slot).load(std::memory_order_acquire);  // pairs with commit() and room()
            if (sequence == shape::written(position_)) {
                copy_unsteady(slot + shape::offset, copy_.get(), used(slot));
                STRAIT_CRASH_POINT("take: copied");
                detail::atomic_thread_fence(std::memory_order_acquire);  // pairs with that of room()
                if (shared_word(slot).load(std::memory_order_acquire) == sequence) [[likely]] {
                    ++position_;
                    ++messages_;
                    if constexpr (shape::varies)
                        bytes_ += message().size();
                    holds_ = true;
                    return true;
                }
            } else if (sequence == shape::vacant(position_, capacity_) || sequence == shape::writing(position_)) {
                return false;
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
    std::uint64_t bytes() const noexcept { return shape::varies ? bytes_ : messages_ * L.fixed_size; }
    std::uint64_t dropped() const noexcept { return position_ - start_ - messages_; }
    std::uint64_t depth() const noexcept
    {
        std::uint64_t const ahead = header_->tail.load(std::memory_order_relaxed) - position_;
        return header_ == &lossy_closed_state || ahead > ring_header::far ? 0 : std::min(ahead, capacity_);
    }

private:
    static constexpr unsigned most_tries = 64;

    // How many bytes of this slot's payload are to be copied. A size that is being written is one of some message, or none.
    static std::size_t used([[maybe_unused]] std::byte const* slot) noexcept
    {
        if constexpr (shape::varies)
            return shape::before + shape::size_in(slot + shape::offset);
        else
            return L.fixed_size;
    }
    static std::span<std::byte const> message_in(std::byte const* payload) noexcept
    {
        if constexpr (shape::varies)
            return {payload + shape::before, shape::size_in(payload)};
        else
            return {payload, L.fixed_size};
    }

    // Whether the message of this position is there and could be copied whole.
    bool copy(std::uint64_t position, std::byte* to) const noexcept
    {
        std::byte const* const slot = data_ + (position & (capacity_ - 1)) * shape::stride;
        std::uint64_t const sequence = shared_word(slot).load(std::memory_order_acquire);  // pairs with commit() and room()
        if (sequence != shape::written(position))
            return false;
        copy_unsteady(slot + shape::offset, to, used(slot));
        STRAIT_CRASH_POINT("look at the newest: copied");
        detail::atomic_thread_fence(std::memory_order_acquire);  // pairs with that of room()
        return shared_word(slot).load(std::memory_order_relaxed) == sequence;
    }

    // Goes to the newest message that the tail counts, unless the slot says that another message, or none, is there.
    void skip() noexcept
    {
        std::uint64_t const newest = header_->tail.load(std::memory_order_acquire) - 1;  // pairs with commit()
        std::byte const* const slot = data_ + (newest & (capacity_ - 1)) * shape::stride;
        if (newest <= ring_header::far && newest > position_ &&
            shared_word(slot).load(std::memory_order_relaxed) == shape::written(newest))
            position_ = newest;
    }

    // Called when our message is overwritten. Goes on with the oldest that is there; when that one is being overwritten, too,
    // with later and later ones. False: the words contradict each other.
    bool catch_up(unsigned tries) noexcept
    {
        std::uint64_t const tail = header_->tail.load(std::memory_order_acquire);  // pairs with commit()
        if (tail > ring_header::far || tail < position_ + capacity_)
            return false;
        std::uint64_t const farther = tries < 2 ? 0 : (std::uint64_t{1} << std::min(tries, 32U)) - 1;
        position_ = std::min(std::max(tail - capacity_, position_ + 1) + farther, tail - 1);
        return true;
    }

    lossy_header* header_;
    std::byte const* data_;
    std::uint64_t capacity_;
    std::uint64_t position_;
    page_memory copy_;
    page_memory newest_;  // for copy_newest()
    std::uint64_t start_;
    std::uint64_t messages_;
    std::uint64_t bytes_ = 0;  // where sizes vary
    bool holds_;  // copy_ is a message that is not yet released
    bool damaged_ = false;
};

static_assert(ring_reader<lossy_slot_reader<message_layout{8, 8, 1}>, lossy_view>);

}  // namespace strait::detail

#endif
