// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_FRAME_BUFFER_HPP
#define STRAIT_DETAIL_FRAME_BUFFER_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace strait::detail {

// Bytes that go into or come out of a socket, data()[begin, end). The memory is page-aligned. Bytes that are moved keep
// their offset within 8 bytes, so that frames stay aligned also behind the rest of one that a socket has taken in part.
class stream_buffer {
public:
    stream_buffer() = default;
    stream_buffer(stream_buffer&& other) noexcept { *this = std::move(other); }
    // The one that was moved from has no memory any more.
    stream_buffer& operator=(stream_buffer&& other) noexcept
    {
        bytes_ = std::move(other.bytes_);
        capacity_ = std::exchange(other.capacity_, 0);
        begin = std::exchange(other.begin, 0);
        end = std::exchange(other.end, 0);
        return *this;
    }

    std::byte* data() const noexcept { return bytes_.get(); }
    std::size_t size() const noexcept { return end - begin; }
    std::size_t room() const noexcept { return capacity_ - end; }

    // Makes room for `more` bytes at the end, moving the others to the front or into a larger buffer. False: there is no
    // memory.
    bool make_room(std::size_t more) noexcept
    {
        if (room() >= more)
            return true;
        std::size_t const used = size();
        std::size_t const phase = begin % 8;
        if (phase + used + more <= capacity_) {
            std::memmove(data() + phase, data() + begin, used);
        }
        else {
            std::size_t const pages = (std::max(phase + used + more, stream_chunk) + 4095) / 4096 * 4096;
            memory bigger(static_cast<std::byte*>(std::aligned_alloc(4096, pages)));
            if (!bigger)
                return false;
            if (used != 0)
                std::memcpy(bigger.get() + phase, data() + begin, used);
            bytes_ = std::move(bigger);
            capacity_ = pages;
        }
        begin = phase;
        end = phase + used;
        return true;
    }

    // Gives back the memory that a large frame needed, if nothing is buffered.
    void shrink() noexcept
    {
        if (size() == 0) {
            begin = end = 0;
            if (capacity_ > stream_chunk) {
                bytes_.reset();
                capacity_ = 0;
            }
        }
    }

    std::size_t begin = 0;
    std::size_t end = 0;

private:
    struct release {
        void operator()(std::byte* p) const noexcept { std::free(p); }
    };
    using memory = std::unique_ptr<std::byte[], release>;

    memory bytes_;
    std::size_t capacity_ = 0;
};

// Memory for one message of an alignment that frames do not have.
template <message_layout L>
class aligned_message {
public:
    static constexpr bool needed = L.alignment > 8;

    std::byte* data(std::size_t size)
    {
        if (size > capacity_ || !bytes_) {  // it has no memory after a move
            std::size_t const whole = (size + L.alignment - 1) / L.alignment * L.alignment;
            bytes_.reset(static_cast<std::byte*>(std::aligned_alloc(L.alignment, whole)));
            capacity_ = bytes_ ? whole : 0;
        }
        return bytes_.get();
    }

    // This payload where it lies, or an aligned copy of it. out_of_memory.
    result<std::span<std::byte const>> show(std::span<std::byte const> payload)
    {
        if constexpr (needed) {
            std::byte* const p = data(payload.size());
            if (!p)
                return errc::out_of_memory;
            std::memcpy(p, payload.data(), payload.size());
            return std::span<std::byte const>(p, payload.size());
        } else {
            return payload;
        }
    }

private:
    struct release {
        void operator()(std::byte* p) const noexcept { std::free(p); }
    };
    std::unique_ptr<std::byte[], release> bytes_;
    std::size_t capacity_ = 0;
};

}  // namespace strait::detail

#endif
