// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_ENDS_HPP
#define STRAIT_BENCHMARK_ENDS_HPP

#include <functional>
#include <vector>

namespace benchmark {

/// What one end of a channel does, in a process or thread of its own.
using end_body = std::function<void()>;

/// Keeps this thread, and those that it starts, on a core.
void pin_to(int cpu);

/// Runs each end in a child process pinned to its core (the i-th to cpus[i % cpus.size()]) and waits for all of them.
/// Throws broken_channel when one fails, or when `seconds` are over; then the others are killed.
void run_as_processes(std::vector<end_body> const& ends, std::vector<int> const& cpus, double seconds);

/// The same in threads of this process, which an alarm ends.
void run_as_threads(std::vector<end_body> const& ends, std::vector<int> const& cpus, double seconds);

}  // namespace benchmark

#endif
