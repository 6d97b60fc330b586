// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MPMC_CONTENTS_HPP
#define STRAIT_DETAIL_MPMC_CONTENTS_HPP

#include <strait/detail/membership/contents.hpp>
#include <strait/detail/mpmc/geometry.hpp>
#include <strait/detail/mpmc/words.hpp>
#include <strait/detail/ring/geometry.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace strait::detail {

// A word that is full is a message that no receiver has consumed, wherever it lies.
struct mpmc_contents {
    static bool is_of(channel_view const& v) noexcept { return v.control().transport() == "shm_ring/mpmc"; }

    static void look(channel_view const& v, channel_contents& c)
    {
        std::uint64_t const capacity = v.control().block().capacity;
        if (!std::has_single_bit(capacity) || capacity > mpmc_words::most || mpmc_buffers_offset(capacity) > v.size()) {
            c.damage = "its capacity is not that of a ring of its size";
            return;
        }
        std::uint64_t words[512];
        std::uint64_t full = 0;
        std::int64_t least = 0;
        std::int64_t most = 0;
        std::uint64_t near = 0;
        for (std::uint64_t i = 0; i < capacity; i += std::size(words)) {
            std::uint64_t const n = std::min<std::uint64_t>(std::size(words), capacity - i);
            if (!v.read(ring_data_offset() + i * sizeof(std::uint64_t), words, n * sizeof(std::uint64_t))) {
                c.damage = "it was cut off";
                return;
            }
            if (i == 0)
                near = words[0] >> mpmc_word::lap_shift;
            for (std::uint64_t k = 0; k != n; ++k) {
                full += mpmc_word::is_full(words[k]) ? 1 : 0;
                std::int64_t const ahead = mpmc_word::ahead(words[k], near);
                least = std::min(least, ahead);
                most = std::max(most, ahead);
            }
        }
        if (v.is_unused() && most - least > 1)
            c.damage = "its words are of laps that do not follow each other";
        c.count(full);
    }
};
static_assert(contents_reader<mpmc_contents>);

}  // namespace strait::detail

#endif
