// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_FRAME_PARSER_HPP
#define STRAIT_DETAIL_RPC_FRAME_PARSER_HPP

#include <strait/detail/rpc/frame.hpp>
#include <strait/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace strait::detail {

// What a frame holds.
enum class frame_kind : std::uint8_t {
    message,          // the message of index()
    failure,          // the text of a failed call, or its last part
    part_of_failure,  // a part of such a text; more follow
    malformed,        // nothing that this interface knows
};

// Reads a frame of requests or replies, which may come from a hostile peer. It needs no descriptor and no clock, refers to
// the frame, and keeps nothing. Distinct objects: safe. Shared objects: safe for reading.
template <class Frame>
class rpc_frame_parser {
    static constexpr bool plain = is_plain<Frame>;
    static constexpr std::size_t count = std::tuple_size_v<typename Frame::messages>;

public:
    explicit rpc_frame_parser(Frame const& f) noexcept : frame_(f) {}

    // That of the request.
    std::uint64_t number() const noexcept
    {
        if constexpr (plain)
            return frame_.head >> 16;
        else
            return frame_.number;
    }

    // Which message of its direction the frame holds; only meaningful where kind() is `message`.
    std::size_t index() const noexcept
    {
        if constexpr (plain)
            return frame_.head & 0xffff;
        else
            return frame_.what.index() - (Frame::is_reply ? 1 : 0);
    }

    frame_kind kind() const noexcept
    {
        if (index() < count) [[likely]]
            return frame_kind::message;
        if constexpr (Frame::is_reply && plain) {
            if (index() == Frame::failed)
                return frame_kind::failure;
            if (index() == Frame::failed_part)
                return frame_kind::part_of_failure;
        } else if constexpr (Frame::is_reply) {
            if (frame_.what.index() == 0)
                return frame_kind::failure;
        }
        return frame_kind::malformed;
    }

    // The text of a failure or of a part of one; nullopt where its size is wrong.
    std::optional<std::string_view> text() const noexcept
    {
        if constexpr (plain) {
            std::size_t const size = std::to_integer<std::size_t>(frame_.body[0]);
            if (size > Frame::text_in_one)
                return std::nullopt;
            return std::string_view(reinterpret_cast<char const*>(frame_.body.data()) + 1, size);
        } else {
            return std::string_view(std::get<0>(frame_.what).text).substr(0, longest_failure);
        }
    }

private:
    Frame const& frame_;
};

// The message of a frame whose parser says that it holds the I-th one, which is a T; malformed_message when its bytes are
// no T. A coded frame gives its message away.
template <std::size_t I, class T, class Frame>
result<T> read_frame(Frame& f)
{
    if constexpr (is_plain<Frame>) {
        if constexpr (std::is_same_v<T, std::monostate>)
            return T{};
        else
            return codec<T>::decode(std::span<std::byte const>(f.body).first(sizeof(T)));
    } else {
        return result<T>{std::in_place, std::get<I + Frame::is_reply>(std::move(f.what))};
    }
}

}  // namespace strait::detail

#endif
