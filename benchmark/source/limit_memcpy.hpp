// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_LIMIT_MEMCPY_HPP
#define STRAIT_BENCHMARK_LIMIT_MEMCPY_HPP

#include "clock.hpp"
#include "contestant.hpp"
#include "shared.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace benchmark {

/// Bytes copied in at one end and out at the other, in pieces, so that both copy at the same time: what no copying ring
/// can beat. A stream announces only every 16 KiB; a ping announces its end, too.
template <std::size_t N>
struct memcpy_stream {
    static constexpr bool threads = false;
    static constexpr std::size_t capacity = std::size_t{1} << (N < 65'536 ? 20 : 23);
    static constexpr std::size_t piece = std::size_t{1} << 14;

    struct memory {
        alignas(64) std::atomic<std::uint64_t> written{0};
        alignas(64) std::atomic<std::uint64_t> read{0};
        alignas(4096) std::array<std::byte, capacity> bytes;
    };

    struct line {
        explicit line(setup const&) {}
        shared<memory> shared_memory;
    };

    class sender {
    public:
        explicit sender(line& l) : memory_(l.shared_memory), to_(&*memory_) {}

        void send(std::uint64_t s)
        {
            with_message<N>(ready_, s,
                            [&](message<N> const& m) { copy_in(reinterpret_cast<std::byte const*>(m.data())); });
        }
        void flush() { to_->written.store(position_, std::memory_order_release); }

    private:
        void copy_in(std::byte const* from)
        {
            if (limit_ - position_ >= N) [[likely]] {
                std::memcpy(to_->bytes.data() + position_ % capacity, from, N);  // of constant size
                position_ += N;
                return;
            }
            for (std::size_t left = N; left != 0;) {
                if (position_ == limit_)
                    next_piece();
                std::size_t const n = std::min<std::size_t>(left, limit_ - position_);
                std::memcpy(to_->bytes.data() + position_ % capacity, from, n);
                from += n;
                position_ += n;
                left -= n;
            }
        }

        void next_piece()
        {
            flush();
            paced_polls polls;
            while (position_ + piece - to_->read.load(std::memory_order_acquire) > capacity)
                polls.pause();
            limit_ = position_ + piece;
        }

        shared<memory> memory_;
        memory* to_;
        std::uint64_t position_ = 0;
        std::uint64_t limit_ = 0;
        messages<N> ready_{1};
    };

    class receiver {
    public:
        explicit receiver(line& l) : memory_(l.shared_memory), from_(&*memory_) {}

        std::uint64_t receive()
        {
            if constexpr (N <= largest_made_anew) {
                message<N> m;
                copy_out(reinterpret_cast<std::byte*>(m.data()));
                return sequence_of<N>(m);
            } else {
                copy_out(reinterpret_cast<std::byte*>(ready_[0].data()));
                return sequence_of<N>(ready_[0]);
            }
        }

    private:
        void copy_out(std::byte* to)
        {
            if (known_ - position_ >= N && position_ % piece + N < piece) [[likely]] {
                std::memcpy(to, from_->bytes.data() + position_ % capacity, N);  // of constant size
                position_ += N;
                return;
            }
            for (std::size_t left = N; left != 0;) {
                if (position_ == known_)
                    wait_for_more();
                std::size_t const n = std::min<std::size_t>({left, known_ - position_, piece - position_ % piece});
                std::memcpy(to, from_->bytes.data() + position_ % capacity, n);
                to += n;
                position_ += n;
                left -= n;
                if (position_ % piece == 0)
                    from_->read.store(position_, std::memory_order_release);
            }
        }

        void wait_for_more()
        {
            paced_polls polls;
            while ((known_ = from_->written.load(std::memory_order_acquire)) == position_)
                polls.pause();
        }

        shared<memory> memory_;
        memory* from_;
        std::uint64_t position_ = 0;
        std::uint64_t known_ = 0;
        messages<N> ready_{1};
    };
};

}  // namespace benchmark

#endif
