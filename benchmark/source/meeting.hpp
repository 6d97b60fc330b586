// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_MEETING_HPP
#define STRAIT_BENCHMARK_MEETING_HPP

#include "case.hpp"
#include "contestant.hpp"
#include "ends.hpp"

#include <atomic>
#include <vector>

#include <unistd.h>

namespace benchmark {

/// Where the ends wait until all of them are open, and again until all have finished: some libraries lose what a sender
/// that closes has not yet handed over. Asleep, for the threads of a library may need the core.
class meeting {
public:
    explicit meeting(unsigned ends) : missing_(ends) {}

    void arrive_and_wait() noexcept
    {
        missing_.fetch_sub(1);
        while (missing_.load() != 0)
            ::usleep(100);
    }

private:
    std::atomic<unsigned> missing_;
};

// A hung measurement ends; a slow one, such as polling ends that share a core, does not.
template <contestant C>
void run_ends(std::vector<end_body> const& ends, request const& r)
{
    double const bound = 3 * r.seconds + 15;
    if constexpr (within_a_process<C>)
        run_as_threads(ends, r.cpus, bound);
    else
        run_as_processes(ends, r.cpus, bound);
}

}  // namespace benchmark

#endif
