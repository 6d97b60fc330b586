// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_FRAME_WRITER_HPP
#define STRAIT_DETAIL_FRAME_WRITER_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace strait::detail {

// Writes frames into a buffer, from the front of which somebody else sends them. Where it finds no room at the end it
// moves the bytes to the front or into a larger buffer, and calls moved(n): what lay at an offset lies n bytes before it
// now.
template <message_layout L>
class frame_writer {
public:
    // Room for the payload of one frame. `spare`: how many bytes more to ask for when there is no room. out_of_memory.
    template <class Moved>
    result<std::span<std::byte>> reserve(std::size_t size, std::size_t spare, Moved moved)
    {
        if (!make_room(stream_frame::bytes(size), spare, moved)) [[unlikely]]
            return errc::out_of_memory;
        if constexpr (aligned_message<L>::needed) {
            std::byte* const p = aligned_.data(size);
            if (!p)
                return errc::out_of_memory;
            return std::span(p, size);
        }
        else
            return std::span(payload(), size);
    }

    // Makes a frame of the first `used` bytes of the room that was reserved.
    void commit(std::size_t used, std::uint32_t kind) noexcept
    {
        if constexpr (aligned_message<L>::needed)
            std::memcpy(payload(), aligned_.data(used), used);
        frame(used, kind);
    }

    // Makes a frame of these bytes: one message, or a run of them. False: there is no memory.
    template <class Moved>
    bool append(std::span<std::byte const> run, std::uint32_t kind, std::size_t spare, Moved moved)
    {
        if (!make_room(stream_frame::bytes(run.size()), spare, moved))
            return false;
        if (!run.empty())
            std::memcpy(payload(), run.data(), run.size());
        frame(run.size(), kind);
        return true;
    }

    // How many messages a frame has.
    static std::uint64_t messages_in(stream_frame const& f) noexcept
    {
        return f.kind == stream_frame::end ? 0 : L.fixed_size == 0 ? 1 : f.size / std::max<std::uint64_t>(1, L.fixed_size);
    }

    stream_buffer bytes;

private:
    std::byte* payload() const noexcept { return bytes.data() + bytes.end + sizeof(stream_frame); }
    void frame(std::size_t used, std::uint32_t kind) noexcept
    {
        bytes.end += stream_frame::write_around(bytes.data() + bytes.end, used, kind);
    }

    template <class Moved>
    bool make_room(std::size_t more, std::size_t spare, Moved& moved)
    {
        return bytes.room() >= more || move_or_grow(more + spare, moved);
    }

    template <class Moved>
    [[gnu::noinline, gnu::cold]] bool move_or_grow(std::size_t more, Moved& moved)
    {
        std::size_t const before = bytes.begin;
        if (!bytes.make_room(more))
            return false;
        moved(before - bytes.begin);
        return true;
    }

    [[no_unique_address]] aligned_message<L> aligned_;
};

}  // namespace strait::detail

#endif
