// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_CASE_HPP
#define STRAIT_BENCHMARK_CASE_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace benchmark {

enum class measure { latency, throughput, serialization };

/// What `list` says of a case.
struct case_info {
    std::string name;
    std::string group;    ///< strait, bare, limit, rival
    std::string family;   ///< shared memory, pipe, mqueue, unix socket, tcp, in_process, serialization
    std::string waiting;  ///< spin, block; none of a serialization
    std::string title;
    std::string settings;
    std::string bare = {};   ///< the case of the same mechanism without a library; empty: none
    std::string limit = {};  ///< the case of the physical limit
    std::vector<measure> measures = {measure::latency, measure::throughput};
    std::vector<std::size_t> batches = {1};
    std::size_t min_size = 8;
    std::size_t max_size = 4'194'304;
    unsigned max_senders = 1;
    unsigned max_receivers = 1;
};

/// What `run` was asked for.
struct request {
    std::string name;
    measure what = measure::latency;
    std::size_t size = 8;
    std::size_t batch = 1;
    std::vector<int> cpus;
    unsigned senders = 1;
    unsigned receivers = 1;
    double seconds = 1;
};

struct bin {
    double upper_ns;
    std::uint64_t count;
};

struct one_way {
    double p50, p99, p999, min, max, mean;
    std::vector<bin> histogram;
};

/// Of one message, on average.
struct coding {
    double encode_ns, decode_ns, bytes;
};

/// What `run` says.
struct outcome {
    std::uint64_t messages = 0;
    double seconds = 0;
    one_way latency = {};  ///< nanoseconds; only of a latency
    coding code = {};      ///< only of a serialization
};

/// The mechanism cannot do what was asked for; the exit code is 3.
struct not_applicable : std::runtime_error {
    using runtime_error::runtime_error;
};

/// A message came twice, not, torn or out of order, or an end failed.
struct broken_channel : std::runtime_error {
    using runtime_error::runtime_error;
};

struct benchmark_case {
    case_info info;
    std::function<outcome(request const&)> run;
};

/// The main() of a measuring program: `list`, or `run CASE ...`.
int run_program(int argc, char** argv, std::vector<benchmark_case> const& cases);

}  // namespace benchmark

#endif
