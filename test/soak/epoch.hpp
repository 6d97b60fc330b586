// Distributed under the Boost Software License, Version 1.0.
#ifndef SOAK_EPOCH_HPP
#define SOAK_EPOCH_HPP

#include <conformance/subject.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace soak {

// What the life of one channel adds to the table; plain numbers, so that a process can hand them to another.
struct figures {
    std::uint64_t epochs = 0;     // channels that were made, used, and judged
    std::uint64_t kills = 0;      // by SIGKILL, in all:
    std::uint64_t at_work = 0;    // ... while it sent, received or waited
    std::uint64_t opening = 0;    // ... before its end was open
    std::uint64_t leaving = 0;    // ... while it closed its end
    std::uint64_t stopped = 0;    // ... after SIGSTOP
    std::uint64_t receivers = 0;  // ... of all these, receivers
    std::uint64_t messages = 0;
    std::uint64_t lost = 0;
    std::uint64_t twice = 0;
    std::uint64_t broken = 0;   // promises: see judge()
    std::uint64_t silent = 0;   // deaths that were not reported where that is promised
    std::uint64_t wedged = 0;   // channels in which nothing went on
    std::uint64_t failed = 0;   // ends that gave up by themselves
    std::uint64_t left = 0;     // objects that were left on the host

    static constexpr std::size_t count = 15;
    using row = std::array<std::uint64_t, count>;
    row to_row() const
    {
        return {epochs, kills, at_work, opening, leaving, stopped, receivers, messages,
                lost,   twice, broken,  silent,  wedged,  failed,  left};
    }
    static figures of_row(row const& r)
    {
        return {r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14]};
    }
    figures& operator+=(figures const& o)
    {
        row sum = to_row();
        row const more = o.to_row();
        for (std::size_t i = 0; i != count; ++i)
            sum[i] += more[i];
        return *this = of_row(sum);
    }
    std::uint64_t faults() const { return broken + silent + wedged + failed + left; }
};

// Makes one channel, kills about so many of its processes, ends it, and looks at what is left. Prints each fault with the
// seed.
figures run_epoch(conformance::subject const& x, std::uint64_t seed, std::uint64_t kills);

}  // namespace soak

#endif
