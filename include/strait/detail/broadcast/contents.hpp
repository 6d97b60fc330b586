// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_BROADCAST_CONTENTS_HPP
#define STRAIT_DETAIL_BROADCAST_CONTENTS_HPP

#include <strait/detail/broadcast/lossless_geometry.hpp>
#include <strait/detail/membership/contents.hpp>
#include <strait/detail/ring/contents.hpp>
#include <strait/detail/ring/header.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace strait::detail {

// What the slowest receiver of a lossless broadcast has not read. (A receiver of a lossy one knows alone where it is.)
struct lossless_contents {
    static bool is_of(channel_view const& v) noexcept { return v.control().transport() == "shm_ring/lossless"; }

    static void look(channel_view const& v, channel_contents& c)
    {
        constexpr std::uint64_t header = ring_header::offset;
        std::uint64_t const first = lossless_data_offset();
        auto const active = v.word(header + offsetof(lossless_header, active));
        if (v.size() <= first || !active) {
            c.damage = "it is too short for a ring";
            return;
        }
        std::optional<std::uint64_t> slowest;
        std::uint64_t slowest_consumed = 0;
        for (std::uint64_t i = 0; i != lossless_header::most_receivers; ++i) {
            std::uint64_t const cursor = header + offsetof(lossless_header, cursors) + i * sizeof(ring_header);
            auto const consumed = v.word(cursor + offsetof(ring_header, consumed));
            if ((*active >> i & 1) == 0 || !consumed || *consumed == lossless_header::joining)
                continue;
            if (!slowest || *consumed < slowest_consumed) {
                slowest = cursor;
                slowest_consumed = *consumed;
            }
        }
        if (slowest)
            ring_counter(v, *slowest, first, v.size() - first).count(c, true);
        else
            c.count(0);
    }
};
static_assert(contents_reader<lossless_contents>);

}  // namespace strait::detail

#endif
