// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/sealed_memory.hpp>

#include <cstddef>

namespace benchmark {

std::vector<benchmark_case> sealed_memory_cases()
{
    using strait::sealed_memory;
    constexpr std::size_t largest = 4'194'304;
    std::vector<benchmark_case> all;
    case_info info{"strait/sealed_memory/block", "strait", "shared memory", "block", "strait sealed_memory, blocking",
                   "default options; send() and receive()"};
    info.limit = "limit/futex";
    info.batches = {1, 64};
    info.max_senders = 2;
    all.push_back(sized_case<copied<sealed_memory, false>::template of, largest>(info));

    case_info polled = info;
    polled.name = "strait/sealed_memory/spin";
    polled.waiting = "spin";
    polled.title = "strait sealed_memory, polled";
    polled.settings = "default options; send(), and try_receive() in a loop";
    polled.limit = "limit/cache_line";
    all.push_back(sized_case<copied<sealed_memory, true>::template of, largest>(polled));

    case_info strings = info;
    strings.name = "strait/sealed_memory/strings";
    strings.title = "strait sealed_memory, strings";
    strings.settings = "options.max_message_size as the messages need; std::string, receive() into one that is reused";
    strings.batches = {1};
    strings.max_size = largest;
    all.push_back(strings_case<sealed_memory, false>(strings));
    return all;
}

}  // namespace benchmark
