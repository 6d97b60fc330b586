// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_LANES_CONTENTS_HPP
#define STRAIT_DETAIL_LANES_CONTENTS_HPP

#include <strait/detail/lanes/geometry.hpp>
#include <strait/detail/membership/contents.hpp>
#include <strait/detail/ring/contents.hpp>

#include <cstddef>
#include <cstdint>

namespace strait::detail {

// What is unread in all lanes together.
struct lanes_contents {
    static bool is_of(channel_view const& v) noexcept { return v.control().transport() == "shm_ring/mpsc"; }

    static void look(channel_view const& v, channel_contents& c)
    {
        std::uint64_t const each = lane_mechanism::each(v.size());
        auto const opened = v.word(ring_header::offset + offsetof(lanes_header, opened));
        if (each == 0 || !opened) {
            c.damage = "its size is not that of lanes";
            return;
        }
        channel_contents all;
        all.count(0);
        for (std::uint64_t i = 0; i != lanes_header::most; ++i) {
            if ((*opened >> i & 1) == 0)
                continue;  // this lane has no memory yet
            channel_contents lane;
            std::uint64_t const header = ring_header::offset + offsetof(lanes_header, lanes) + i * sizeof(ring_header);
            ring_counter(v, header, lanes_data_offset() + i * each, each).count(lane);
            all.unread += lane.unread;
            if (lane.known != channel_contents::knowledge::exact)
                all.known = channel_contents::knowledge::at_least;
            if (lane.damage)
                all.damage = lane.damage;
        }
        c = all;
    }
};
static_assert(contents_reader<lanes_contents>);

}  // namespace strait::detail

#endif
