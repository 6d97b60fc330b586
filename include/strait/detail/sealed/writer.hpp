// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SEALED_WRITER_HPP
#define STRAIT_DETAIL_SEALED_WRITER_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/ring/records.hpp>
#include <strait/detail/sealed/memory.hpp>
#include <strait/detail/sealed/protocol.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/stats.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace strait::detail {

// The ring of one sender, for one receiver. Messages are written where the receiver reads them; it sees them when publish() has
// moved the position.
//
// What the receiver says is how far it has read. It is compared with what was published and with what the receiver has said
// before; a receiver that lies is to be left.
//
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class sealed_writer {
    using shape = record_shape<L>;

public:
    explicit sealed_writer(sealed_size const& size) noexcept : size_(size) {}

    std::uint64_t capacity() const noexcept { return size_.capacity; }
    std::uint64_t limit() const noexcept { return size_.limit; }

    // A ring in new memory, whose descriptor is to be handed over.
    error_code make(descriptor& fd)
    {
        sealed_region made;
        if (error_code const e = sealed_region::make(size_.capacity, made, fd))
            return e;
        memory_ = std::move(made);
        data_ = memory_.data();
        room_.end = size_.capacity;
        return {};
    }

    // The receiver's memory has come. peer_corrupt: it is not what it should be.
    error_code adopt(descriptor fd)
    {
        if (error_code const e = sealed_region::adopt(std::move(fd), 0, theirs_))
            return e == errc::untrusted_object ? make_error_code(errc::peer_corrupt) : e;
        receiver_ = theirs_.words();
        return {};
    }

    // There is no ring. The memory stays mapped until there is another one, for a claim that was not committed.
    void forget() noexcept
    {
        position_ = published_ = taken_ = room_.end = 0;
        staged_ = staged_bytes_ = 0;
        theirs_ = {};
        receiver_ = &nothing;
    }

    bool has_memory() const noexcept { return static_cast<bool>(memory_); }
    sealed_words* words() const noexcept { return memory_.words(); }
    // Before the receiver has answered it has consumed nothing and does not sleep.
    sealed_words const* receiver() const noexcept { return receiver_; }
    bool has_left() const noexcept { return receiver_->left.load(std::memory_order_relaxed) != 0; }

    bool has_room(std::size_t size) const noexcept { return size <= size_.limit && position_ + shape::length(size) <= room_.end; }

    // Of a record for which there is room.
    std::span<std::byte> room(std::size_t size) const noexcept { return {record() + shape::unit, size}; }

    // Writes the record's header. The receiver sees nothing of it before publish().
    void commit(std::size_t used) noexcept
    {
        auto const header = std::bit_cast<std::uint64_t>(stream_frame{static_cast<std::uint32_t>(used), stream_frame::data});
        shared_word(record()).store(header, std::memory_order_relaxed);
        position_ += shape::length(used);
        ++staged_;
        staged_bytes_ += used;
    }

    bool is_staged() const noexcept { return staged_ != 0; }  // committed and not published

    void publish(channel_stats& stats) noexcept
    {
        published_ = position_;
        STRAIT_CRASH_POINT("sealed: written");
        memory_.words()->position.store(position_, std::memory_order_release);  // pairs with sealed_connection::look()
        STRAIT_CRASH_POINT("sealed: published");
        stats.messages += std::exchange(staged_, 0);
        stats.bytes += std::exchange(staged_bytes_, 0);
    }

    // Looks how far the receiver has read. Success: there may be room now.
    error_code refresh() noexcept
    {
        std::uint64_t const taken = receiver_->position.load(std::memory_order_acquire);  // pairs with sealed_connection::release()
        if (taken < taken_ || taken > published_ || taken % shape::unit != 0)
            return errc::peer_corrupt;
        taken_ = taken;
        room_.end = taken + size_.capacity;
        return {};
    }

    std::uint64_t depth() const noexcept { return published_ - taken_; }  // bytes that the receiver has not read

private:
    // The first position that is not known to be free; there is no room in an end that was moved from.
    struct known_room {
        known_room() = default;
        known_room(known_room&& other) noexcept : end(std::exchange(other.end, 0)) {}
        known_room& operator=(known_room&& other) noexcept
        {
            end = std::exchange(other.end, 0);
            return *this;
        }

        std::uint64_t end = 0;
    };

    static inline constinit sealed_words nothing{};

    std::byte* record() const noexcept { return data_ + (position_ & (size_.capacity - 1)); }

    sealed_size size_;
    sealed_region memory_;
    sealed_region theirs_;
    sealed_words const* receiver_ = &nothing;
    std::byte* data_ = nullptr;
    std::uint64_t position_ = 0;   // behind the last committed record
    std::uint64_t published_ = 0;  // behind the last that the receiver may see
    std::uint64_t taken_ = 0;      // how far the receiver has read, as it has said last
    known_room room_;
    std::uint64_t staged_ = 0;
    std::uint64_t staged_bytes_ = 0;
};

}  // namespace strait::detail

#endif
