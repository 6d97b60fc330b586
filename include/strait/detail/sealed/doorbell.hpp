// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SEALED_DOORBELL_HPP
#define STRAIT_DETAIL_SEALED_DOORBELL_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/sealed/memory.hpp>
#include <strait/detail/wait/asymmetric_fence.hpp>
#include <strait/error.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <sys/socket.h>

namespace strait::detail {

// How the two ends of a sealed ring wake each other: an end that is about to sleep says so in its own words, and its peer then
// sends one byte through the socket between them. A peer that has stopped, or sends nothing, is not waited for: it is the end
// that sleeps which looks at its deadline. The closed socket tells of the peer's death.
//
// An end sends at most one byte for each time that its peer falls asleep. Whoever gets more than that has a hostile peer.
class sealed_doorbell {
public:
    enum class heard : std::uint8_t {
        nothing,  // the peer is there
        rung,     // it has rung since
        gone,     // the connection is over
        lied,     // it has rung more often than this end has slept
    };

    sealed_doorbell() = default;
    sealed_doorbell(sealed_words* own, sealed_words const* peer) noexcept : own_(own), peer_(peer) {}

    // The peer's words come later than this end's own.
    void meet(sealed_words const* peer) noexcept { peer_ = peer; }

    // This end will sleep. Afterwards it runs fence.heavy() and looks once more.
    void announce() noexcept
    {
        if (sleeps_ % 2 != 0)
            return;
        ++announced_;
        own_->sleeps.store(++sleeps_, std::memory_order_relaxed);
        STRAIT_CRASH_POINT("sealed: announced");
    }
    // The peer has rung and rings no second time for this sleep, so what is left of it becomes one of its own. False: this end is
    // awake. Afterwards it runs fence.heavy() and looks once more.
    bool renew() noexcept
    {
        if (sleeps_ % 2 == 0)
            return false;
        ++announced_;
        own_->sleeps.store(sleeps_ += 2, std::memory_order_relaxed);
        return true;
    }
    void awake() noexcept
    {
        if (sleeps_ % 2 != 0)
            own_->sleeps.store(++sleeps_, std::memory_order_relaxed);
    }

    // After publishing: wakes the peer if it may be asleep and was not woken from this sleep. Without an effect where the
    // connection is over, which hear() says next time.
    void ring(int socket, asymmetric_fence const& fence) noexcept
    {
        fence.light();  // pairs with the heavy() behind announce()
        std::uint32_t const sleeps = peer_->sleeps.load(std::memory_order_relaxed);
        if (sleeps % 2 != 0 && sleeps != answered_) [[unlikely]]
            wake(socket, sleeps);
    }

    // Reads what the peer has sent, 64 bytes at most: the rest is left in the socket.
    heard hear(int socket) noexcept
    {
        std::array<std::byte, 64> bytes;
        auto const n = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? heard::nothing : heard::gone;
        if (n == 0)
            return heard::gone;
        heard_ += static_cast<std::uint64_t>(n);
        return heard_ <= announced_ ? heard::rung : heard::lied;
    }

private:
    [[gnu::noinline, gnu::cold]] void wake(int socket, std::uint32_t sleeps) noexcept
    {
        answered_ = sleeps;
        STRAIT_CRASH_POINT("sealed: sleeper seen");
        char const byte = 0;
        (void)!::send(socket, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        STRAIT_CRASH_POINT("sealed: rung");
    }

    sealed_words* own_ = nullptr;
    sealed_words const* peer_ = nullptr;
    std::uint64_t announced_ = 0;  // how often this end has fallen asleep
    std::uint64_t heard_ = 0;      // how often the peer has rung
    std::uint32_t sleeps_ = 0;     // what own_ says
    std::uint32_t answered_ = 0;   // the peer's sleep that it was woken from last
};

}  // namespace strait::detail

#endif
