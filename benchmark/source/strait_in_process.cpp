// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/in_process.hpp>

namespace benchmark {

std::vector<benchmark_case> in_process_cases()
{
    case_info info{"strait/in_process/block",
                   "strait",
                   "in_process",
                   "block",
                   "strait in_process, blocking",
                   "two threads of one process; send() and receive()"};
    info.limit = "limit/futex";
    info.batches = {1, 64};
    info.max_senders = info.max_receivers = 2;
    // A mutex, a deque and a move: of interest for small messages.
    auto blocking = sized_case<copied<strait::in_process, false>::of, 4096>(info);
    info.name = "strait/in_process/spin";
    info.title = "strait in_process, polled";
    info.waiting = "spin";
    info.limit = "limit/cache_line";
    info.settings = "two threads of one process; send(), and try_receive() in a loop";
    return {std::move(blocking), sized_case<copied<strait::in_process, true>::of, 4096>(info)};
}

}  // namespace benchmark
