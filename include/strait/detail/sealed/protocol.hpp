// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SEALED_PROTOCOL_HPP
#define STRAIT_DETAIL_SEALED_PROTOCOL_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/ring/records.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

// What travels over the socket of a sealed ring, and how large its memory is.
//
//   sender:    stream_greeting, sealed_opening, and beside them the descriptor of its memory; then a byte for each sleep of
//              the receiver that it ends
//   receiver:  sealed_answer, and beside it the descriptor of its memory, or a stream_rejection; then such bytes
//
// A record of the ring begins with a stream_frame, which is followed by the payload at the next multiple of the record's unit.
namespace strait::detail {

struct sealed_opening {
    std::uint64_t capacity = 0;  // bytes of the ring, a power of two
    std::uint64_t unit = 0;      // records lie at multiples of it
};
static_assert(sizeof(sealed_opening) == 16 && std::is_trivially_copyable_v<sealed_opening>);

struct sealed_answer {
    static constexpr std::uint64_t magic_value = 0x7365'616c'6564'6f6bU;

    std::uint64_t magic = magic_value;
    std::uint64_t unused = 0;
};
static_assert(sizeof(sealed_answer) == sizeof(stream_rejection), "a sender reads either of them at once");

// How large the ring of a sender is, and its largest message.
struct sealed_size {
    std::uint64_t capacity;
    std::uint64_t limit;

    // A receiver maps at most so many bytes of each sender, unless its own options.capacity is larger.
    static constexpr std::uint64_t most_mapped = std::uint64_t{64} << 20;

    // What the options ask for. out_of_memory: no address space has so much.
    template <message_layout L>
    static error_code of(std::size_t asked_capacity, std::size_t asked_limit, std::uint64_t page, sealed_size& size)
    {
        using record = record_shape<L>;
        constexpr std::uint64_t far = std::uint64_t{1} << 46;
        constexpr std::uint64_t default_bytes = std::uint64_t{1} << 20;
        if (asked_capacity > far || asked_limit > far)
            return errc::out_of_memory;
        std::uint64_t const largest = L.fixed_size != 0 ? L.fixed_size : asked_limit;
        std::uint64_t wanted = asked_capacity;
        if (wanted == 0)
            wanted = std::max(default_bytes, (L.fixed_size != 0 ? 4 : 1) * record::length(largest));
        if (L.fixed_size != 0)
            wanted = std::max(wanted, record::length(largest));
        size.capacity = std::bit_ceil(std::max({wanted, page, 4 * record::unit}));
        std::uint64_t const most = std::min<std::uint64_t>(size.capacity - record::unit, stream_frame::largest_payload);
        size.limit = largest == 0 ? most : std::min(largest, most);
        return {};
    }
};

}  // namespace strait::detail

#endif
