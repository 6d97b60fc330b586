// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_RIVAL_ADDRESS_HPP
#define STRAIT_BENCHMARK_RIVAL_ADDRESS_HPP

#include "shared.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sched.h>

namespace benchmark {

/// An address that one end learns by binding, and the other waits for.
class rival_address {
public:
    void publish(std::string_view address)
    {
        if (address.size() >= memory_->text.size())
            throw std::runtime_error("the address is too long");
        std::copy(address.begin(), address.end(), memory_->text.begin());
        memory_->known.store(true, std::memory_order_release);
    }

    std::string wait() const
    {
        while (!memory_->known.load(std::memory_order_acquire))
            ::sched_yield();
        return memory_->text.data();
    }

private:
    struct memory {
        std::atomic<bool> known{false};
        std::array<char, 256> text{};
    };

    shared<memory> memory_;
};

}  // namespace benchmark

#endif
