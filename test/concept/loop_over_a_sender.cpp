// expect: strait: messages come out of a strait::receiver<T, X>: iterate over that one
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

#include <ranges>

using numbers = strait::channel<int, strait::shm_ring<>>;

int sum(numbers::sender& out)
{
    int all = 0;
    for (int n : out)
        all += n;
    return all;
}

static_assert(!std::ranges::range<numbers::sender>);
