// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_LIMIT_LINES_HPP
#define STRAIT_BENCHMARK_LIMIT_LINES_HPP

#include "clock.hpp"
#include "contestant.hpp"
#include "shared.hpp"

#include <atomic>
#include <climits>
#include <cstdint>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

// What the hardware and the kernel need for 8 bytes, whatever the size of the message is said to be.
namespace benchmark {

/// One cache line for each direction.
struct alignas(64) shared_cache_line {
    std::atomic<std::uint64_t> value{sequence::torn};
};

/// A store at one end, a poll at the other.
template <bool Paced>
struct cache_line {
    static constexpr bool threads = false;

    struct line {
        explicit line(setup const&) {}
        shared<shared_cache_line> memory;
    };

    struct sender {
        explicit sender(line& l) : memory(l.memory) {}
        void send(std::uint64_t s) { memory->value.store(s, std::memory_order_release); }
        shared<shared_cache_line> memory;
    };

    struct receiver {
        explicit receiver(line& l) : memory(l.memory) {}
        std::uint64_t receive()
        {
            for (paced_polls polls;;) {
                std::uint64_t const s = memory->value.load(std::memory_order_acquire);
                if (s != last)
                    return last = s;
                if constexpr (Paced)
                    polls.pause();
            }
        }
        shared<shared_cache_line> memory;
        std::uint64_t last = sequence::torn;
    };
};

/// A wake at one end, a sleep at the other, each time.
struct futex_line {
    static constexpr bool threads = false;

    struct word {
        alignas(64) std::atomic<std::uint32_t> changes{0};
        alignas(64) std::atomic<std::uint64_t> value{0};
    };

    struct line {
        explicit line(setup const&) {}
        shared<word> memory;
    };

    struct sender {
        explicit sender(line& l) : memory(l.memory) {}
        void send(std::uint64_t s)
        {
            memory->value.store(s, std::memory_order_relaxed);
            memory->changes.fetch_add(1, std::memory_order_release);
            ::syscall(SYS_futex, &memory->changes, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
        }
        shared<word> memory;
    };

    struct receiver {
        explicit receiver(line& l) : memory(l.memory) {}
        std::uint64_t receive()
        {
            while (memory->changes.load(std::memory_order_acquire) == last)
                ::syscall(SYS_futex, &memory->changes, FUTEX_WAIT, last, nullptr, nullptr, 0);
            ++last;
            return memory->value.load(std::memory_order_relaxed);
        }
        shared<word> memory;
        std::uint32_t last = 0;
    };
};

}  // namespace benchmark

#endif
