// Distributed under the Boost Software License, Version 1.0.
#ifndef RINGS_LIVES_HPP
#define RINGS_LIVES_HPP

#include <support/messages.hpp>

#include <strait/wait.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>

#include <sys/mman.h>

namespace lanes {

/// What senders and receivers have done, in memory that survives them. Each life has pages of its own.
class ledger {
public:
    static constexpr std::size_t most = 1 << 16;

    struct life {
        std::atomic<std::uint64_t> sent;      ///< send() has returned so often
        std::atomic<std::uint64_t> received;  ///< so many are noted below
        std::atomic<std::uint64_t> torn;
        std::array<support::origin, most> seen;

        template <class T>
        void note(T const& message)
        {
            std::uint64_t const n = received.load(std::memory_order_relaxed);
            torn.fetch_add(support::is_whole(message) ? 0 : 1, std::memory_order_relaxed);
            seen[n] = support::origin_of(message);
            received.store(n + 1, std::memory_order_release);
        }
    };

    explicit ledger(std::size_t lives) : bytes_(lives * sizeof(life))
    {
        void* const p = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
            std::abort();
        lives_ = static_cast<life*>(p);
    }
    ledger(ledger const&) = delete;
    ledger& operator=(ledger const&) = delete;
    ~ledger() { ::munmap(lives_, bytes_); }

    life& operator[](std::size_t i) const noexcept { return lives_[i]; }

private:
    std::size_t bytes_;
    life* lives_;
};

/// The same numbers in every run; the moments are never the same.
class dice {
public:
    std::uint64_t roll(std::uint64_t sides) { return random_() % sides; }
    void pass_a_moment()
    {
        std::int64_t const end = strait::deadline::now() + static_cast<std::int64_t>(roll(600'000));
        while (strait::deadline::now() < end) {
        }
    }

private:
    std::mt19937_64 random_{4711};
};

}  // namespace lanes

#endif
