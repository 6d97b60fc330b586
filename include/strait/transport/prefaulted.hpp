// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_PREFAULTED_HPP
#define STRAIT_TRANSPORT_PREFAULTED_HPP

#include <strait/detail/memory/prepared.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/mapping.hpp>
#include <strait/error.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sys/mman.h>

namespace strait {

namespace detail {

// By who names it.
template <class Memory>
inline constexpr built_name prefaulted_name = [] {
    built_name n;
    n += "prefaulted<";
    n += Memory::name;
    n += ">";
    return n;
}();

// Peers may be at work in these pages: an older kernel is made to fault them in by changing nothing.
inline error_code fault_in(std::byte* at, std::size_t n) noexcept
{
    if (::madvise(at, n, MADV_POPULATE_WRITE) == 0)
        return {};
    if (errno == EFAULT || errno == EHWPOISON)
        return errc::out_of_memory;  // where a write would raise SIGBUS
    if (errno != EINVAL)
        return last_failure();
    std::size_t const page = page_size();
    for (std::size_t i = 0; i < n; i += page)
        reinterpret_cast<std::atomic<std::uint64_t>*>(at + i)->fetch_or(0, std::memory_order_relaxed);
    return {};
}

}  // namespace detail

/// Memory of shm_ring, of another kind, whose pages are all there once an end is open: its first round through the ring
/// takes no page fault, and memory that is short is errc::out_of_memory then. Opening takes longer, about 0.1 ms for each MiB. Each
/// end prepares its own pages, and only if it says so: ends with and without it use one channel. Pages can be swapped out
/// later all the same, or, of a mapped_file, dropped.
///
///     strait::shm_ring<strait::spsc, strait::adaptive, strait::prefaulted<strait::posix_memory>>
///
/// A policy and not an option: what an end does to its memory is known when it is compiled, and costs nobody else anything.
template <class Memory>
struct prefaulted {
    static constexpr char const* name = detail::prefaulted_name<Memory>.text;
};

namespace detail {

template <class Memory>
struct ring_memory<prefaulted<Memory>> : prepared_memory<Memory, &fault_in> {};

}  // namespace detail
}  // namespace strait

#endif
