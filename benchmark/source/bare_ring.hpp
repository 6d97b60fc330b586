// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_BARE_RING_HPP
#define STRAIT_BENCHMARK_BARE_RING_HPP

#include "clock.hpp"
#include "contestant.hpp"
#include "shared.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace benchmark {

/// A ring in shared memory as one would write it for this benchmark alone: each slot holds the sequence of its message,
/// the receiver posts how far it has read, the sender looks at that only when its last look says full. No liveness, no
/// sleeping, no checks, and whole messages copied before they are announced.
template <std::size_t N>
struct bare_ring {
    static constexpr bool threads = false;
    static constexpr std::size_t capacity = std::bit_ceil(std::max<std::size_t>(8, (std::size_t{1} << 20) / (N + 8)));

    struct slot {
        std::atomic<std::uint64_t> sequence{0};
        message<N> payload;
    };

    struct memory {
        alignas(64) std::atomic<std::uint64_t> read{0};
        alignas(64) std::array<slot, capacity> slots;
    };

    struct line {
        explicit line(setup const&) {}
        shared<memory> ring;
    };

    class sender {
    public:
        explicit sender(line& l) : shared_(l.ring), ring_(&*shared_) {}

        void send(std::uint64_t s)
        {
            if (position_ == limit_) [[unlikely]]
                wait_for_room();
            slot& to = ring_->slots[position_ % capacity];
            with_message<N>(ready_, s, [&](message<N> const& m) { std::memcpy(to.payload.data(), m.data(), N); });
            to.sequence.store(++position_, std::memory_order_release);
        }

    private:
        void wait_for_room()
        {
            paced_polls polls;
            while (limit_ = ring_->read.load(std::memory_order_acquire) + capacity, position_ == limit_)
                polls.pause();
        }

        shared<memory> shared_;
        memory* ring_;
        std::uint64_t position_ = 0;
        std::uint64_t limit_ = capacity;
        messages<N> ready_{1};
    };

    class receiver {
    public:
        explicit receiver(line& l) : shared_(l.ring), ring_(&*shared_) {}

        std::uint64_t receive()
        {
            slot& from = ring_->slots[position_ % capacity];
            if (from.sequence.load(std::memory_order_acquire) != position_ + 1) [[unlikely]]
                wait_for(from);
            std::uint64_t s;
            if constexpr (N <= largest_made_anew) {
                message<N> const m = from.payload;
                s = sequence_of<N>(m);
            } else {
                std::memcpy(ready_[0].data(), from.payload.data(), N);
                s = sequence_of<N>(ready_[0]);
            }
            // Posted in quarters: each post takes the line away from a sender that looks at it.
            if (++position_ % (capacity / 4) == 0)
                ring_->read.store(position_, std::memory_order_release);
            return s;
        }

    private:
        void wait_for(slot& from)
        {
            paced_polls polls;
            while (from.sequence.load(std::memory_order_acquire) != position_ + 1)
                polls.pause();
        }

        shared<memory> shared_;
        memory* ring_;
        std::uint64_t position_ = 0;
        messages<N> ready_{1};
    };
};

}  // namespace benchmark

#endif
