// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_STATS_HPP
#define STRAIT_STATS_HPP

#include <cstdint>

namespace strait {

/// What an end has done since it was opened.
struct channel_stats {
    std::uint64_t messages = 0;  ///< accepted by this sender, or taken by this receiver
    std::uint64_t bytes = 0;     ///< of their encodings
    std::uint64_t waits = 0;     ///< operations that found the channel full or empty and had to wait
    std::uint64_t depth = 0;     ///< messages (or bytes, as options.capacity) in the channel now; 0 where that is not known
    std::uint64_t dropped = 0;   ///< messages known to be lost, and malformed ones discarded
    /// openings that failed with `type_mismatch` or `transport_mismatch` while the channel was in use: since it was made, of all
    /// processes. Over tcp, udp and sealed_memory with an address only a receiver over a stream counts, those that it has refused itself.
    std::uint64_t refused = 0;
};

namespace detail {

/// How often a channel has refused an end, and what it noted of the last one.
struct refusals {
    std::uint64_t count = 0;
    char text[256] = {};  // with a zero at its end
};

}  // namespace detail

}  // namespace strait

#endif
