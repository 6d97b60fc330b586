// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_FRAME_ROW_HPP
#define STRAIT_DETAIL_FRAME_ROW_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace strait::detail {

// A place in a row of whole frames that came in one piece, from a peer that may be hostile: the message in front, and how
// many more its frame has.
template <message_layout L>
class frame_row {
public:
    // Whether a whole frame of messages lies there; `rest`: bytes up to the end of the row.
    static bool is_sound(std::byte const* frame, std::size_t rest, std::uint64_t limit) noexcept
    {
        if (rest < sizeof(stream_frame))
            return false;
        stream_frame const f = stream_frame::at(frame);
        return f.kind == stream_frame::data && (L.fixed_size != 0 || f.size <= limit) &&
               stream_frame::fits(f.size, L.fixed_size) && stream_frame::bytes(f.size) <= rest;
    }

    // Goes to the first message of this frame. False: the frame is not sound.
    bool enter(std::byte const* frame, std::size_t rest, std::uint64_t limit) noexcept
    {
        if (!is_sound(frame, rest, limit))
            return false;
        stream_frame const f = stream_frame::at(frame);
        size = L.fixed_size != 0 ? L.fixed_size : f.size;
        left = L.fixed_size != 0 ? f.size / std::max<std::size_t>(1, L.fixed_size) : 1;
        front = sizeof f;
        bytes = stream_frame::bytes(f.size);
        return true;
    }

    // Goes on by so many messages. Returns how many bytes of the row are done with: those of the frame when its last
    // message was taken, else none.
    std::size_t take(std::size_t messages) noexcept
    {
        front += messages * size;
        left -= messages;
        return left == 0 ? bytes : 0;
    }

    std::size_t size = 0;   // of the message in front
    std::size_t front = 0;  // where it lies in its frame
    std::size_t left = 0;   // messages of the frame that were not taken
    std::size_t bytes = 0;  // of the frame
};

}  // namespace strait::detail

#endif
