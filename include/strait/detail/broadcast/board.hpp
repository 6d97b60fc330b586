// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_BOARD_HPP
#define STRAIT_DETAIL_BROADCAST_BOARD_HPP

#include <strait/detail/broadcast/lossy_geometry.hpp>
#include <strait/detail/broadcast/lossy_slots.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/membership/role.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/detail/ring/header.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

// A board: a small ring of the latest value for each key, one behind the other in one segment. Each is a ring of slots as in
// lossy_slots.hpp, with a header of its own, and so is what a reader does, and what a writer leaves that is killed.
//
//   0 control block   ring_data_offset() { lossy_header  board_slots slots } for each key, in the order of the members   end
//
// The writer of a key has the place of that number among the senders: there is one at a time.
namespace strait::detail {

// So many that a reader which copies is lapped only by a writer that writes seven values meanwhile.
inline constexpr std::uint64_t board_slots = 8;

// Where sizes vary, the payload of a slot begins with the size of the value.
template <message_layout L, std::size_t Largest>
inline constexpr message_layout board_payload{L.fixed_size != 0 ? L.fixed_size : std::max<std::size_t>(8, L.alignment) + (Largest + 7) / 8 * 8,
                                              std::max<std::size_t>(8, L.alignment), L.fingerprint};

template <message_layout L, std::size_t Largest>
struct board_shape : lossy_slot_shape<board_payload<L, Largest>> {
    static constexpr bool varies = L.fixed_size == 0;
    static constexpr std::size_t largest = varies ? Largest : L.fixed_size;
    static constexpr std::size_t before = varies ? std::max<std::size_t>(8, L.alignment) : 0;

    static void note_size(std::byte* payload, std::size_t size) noexcept { shared_word(payload).store(size, std::memory_order_relaxed); }
    static std::size_t size_in(std::byte const* payload) noexcept
    {
        return std::min<std::uint64_t>(shared_word(payload).load(std::memory_order_relaxed), Largest);
    }
};

template <message_layout L, std::size_t Largest>
using board_writer = lossy_slot_writer<L, board_shape<L, Largest>>;
template <message_layout L, std::size_t Largest>
using board_reader = lossy_slot_reader<L, true, board_shape<L, Largest>>;

// Where the header and the slots of a key lie, from the beginning of the data.
struct board_cell {
    std::uint64_t header;
    std::uint64_t slots;
};

// The cells of keys with these layouts, and as a last one where they end.
template <std::size_t Largest, message_layout... L>
consteval std::array<board_cell, sizeof...(L) + 1> board_cells()
{
    std::array<board_cell, sizeof...(L) + 1> cells{};
    auto const round_up = [](std::uint64_t n, std::uint64_t to) { return (n + to - 1) / to * to; };
    std::uint64_t at = 0;
    std::size_t i = 0;
    ((cells[i].header = round_up(at, alignof(lossy_header)),
      cells[i].slots = round_up(cells[i].header + sizeof(lossy_header), std::max<std::uint64_t>(alignof(lossy_header), board_shape<L, Largest>::offset)),
      at = cells[i].slots + board_slots * board_shape<L, Largest>::stride, ++i),
     ...);
    cells[i].header = round_up(at, 4096);
    return cells;
}

// Of a key of a board. `Board` says what all of its keys share: cells, largest, fingerprint, and type(), the message_type.
template <class Board, std::size_t Key, message_layout L>
struct board_geometry {
    using view_type = lossy_view;
    using mechanism_type = lossy_mechanism;

    static mechanism_type mechanism() noexcept { return mechanism_type(false); }
    static constexpr place_range places(role r) noexcept
    {
        return r == role::sender ? place_range(::off_t{Key}, ::off_t{Key + 1}) : place_range(lock_bytes::most);
    }

    static error_code traits(channel_options const& how, message_type const&, channel_traits& t)
    {
        t.transport = "board";
        t.type = &Board::type();
        t.fingerprint = Board::fingerprint;
        t.capacity = board_slots;
        t.max_message_size = Board::largest;
        t.size = ring_data_offset() + Board::cells.back().header;
        t.keep = how.keep;
        return {};
    }

    static error_code view(participant const& c, role, lossy_view& v)
    {
        constexpr board_cell cell = Board::cells[Key];
        if (c.memory()->size() != ring_data_offset() + Board::cells.back().header)
            return errc::peer_corrupt;
        std::byte* const data = c.memory()->data() + ring_data_offset();
        v = {reinterpret_cast<lossy_header*>(data + cell.header), data + cell.slots, board_slots, board_shape<L, Board::largest>::largest};
        return {};
    }
};

}  // namespace strait::detail

#endif
