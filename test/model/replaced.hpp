// Distributed under the Boost Software License, Version 1.0.
// What the explorer of weak memory puts in place of headers of the library. To be included before any of them: it defines
// their guards and gives their names. Every source that includes rings here includes this first, so that all see one library.
#ifndef MODEL_REPLACED_HPP
#define MODEL_REPLACED_HPP

#include "weak_memory.hpp"

#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#if defined(STRAIT_DETAIL_OS_ATOMIC_HPP) || defined(STRAIT_DETAIL_WAIT_FUTEX_HPP) || defined(STRAIT_DETAIL_OS_RANGE_LOCK_HPP)
#error "to be included before the headers that it replaces"
#endif

#define STRAIT_DETAIL_OS_ATOMIC_HPP
namespace strait::detail {

using model::atomic;

inline void atomic_thread_fence(std::memory_order o, model::site s = MODEL_HERE) noexcept { model::thread_fence(o, s); }
inline void atomic_signal_fence(std::memory_order) noexcept {}

}  // namespace strait::detail

// The system call is not made: its meaning is that of P1202.
#define STRAIT_DETAIL_WAIT_ASYMMETRIC_FENCE_HPP
namespace strait::detail {

class asymmetric_fence {
public:
    static asymmetric_fence attach() noexcept { return {}; }
    void light(model::site s = MODEL_HERE) const noexcept { model::light(s); }
    void heavy(model::site s = MODEL_HERE) const noexcept { model::heavy(s); }
};

}  // namespace strait::detail

#define STRAIT_DETAIL_WAIT_FUTEX_HPP
namespace strait::detail {

inline constexpr std::chrono::milliseconds wait_slice{50};

// No wait ends by time.
inline void futex_wait(atomic<std::uint32_t> const& word, std::uint32_t seen, deadline, model::site s = MODEL_HERE) noexcept
{
    model::futex_wait(&word, seen, s);
}
inline void futex_wake_all(atomic<std::uint32_t> const& word, model::site s = MODEL_HERE) noexcept { model::futex_wake(&word, s); }

// Of a control file, which no program here has.
inline void futex_wait(std::atomic<std::uint32_t> const&, std::uint32_t, deadline) noexcept {}
inline void futex_wake_all(std::atomic<std::uint32_t> const&) noexcept {}

}  // namespace strait::detail

// That of the library has instructions of its own on x86-64; this is what it does elsewhere.
#define STRAIT_DETAIL_RING_COPY_UNSTEADY_HPP
namespace strait::detail {

inline void copy_unsteady(std::byte const* from, std::byte* to, std::size_t size) noexcept
{
    model::begin_copy();
    for (std::size_t i = 0; i < size; i += 8) {
        std::uint64_t const eight = model::copied(from + i);
        __builtin_memcpy(to + i, &eight, 8);
    }
}

}  // namespace strait::detail

// Memory that is taken back when an execution is over, wherever its threads have stopped.
#define STRAIT_DETAIL_OS_READ_BUFFER_HPP
namespace strait::detail {

struct free_pages {
    void operator()(std::byte*) const noexcept {}
};
using page_memory = std::unique_ptr<std::byte[], free_pages>;

inline page_memory allocate_pages(std::size_t bytes) noexcept
{
    return page_memory(static_cast<std::byte*>(model::allocate(bytes + 8, 64)));
}

}  // namespace strait::detail

// A place's lock, which its holder has until it ends, in whatever way. Of a channel's other bytes there is none here.
#define STRAIT_DETAIL_OS_RANGE_LOCK_HPP
#include <sys/types.h>
namespace strait::detail {

inline result<void> try_lock_byte(int, ::off_t byte) noexcept
{
    return model::try_lock(static_cast<int>(byte % 8)) ? result<void>() : result<void>(errc::busy);
}
inline void unlock_byte(int, ::off_t byte) noexcept { model::unlock(static_cast<int>(byte % 8)); }
inline bool any_locked(int, ::off_t, ::off_t) noexcept { return false; }
inline result<void> lock_byte(int, ::off_t, deadline) noexcept { return {}; }

}  // namespace strait::detail

#endif
