// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_COPY_UNSTEADY_HPP
#define STRAIT_DETAIL_RING_COPY_UNSTEADY_HPP

#include <strait/detail/mpmc/geometry.hpp>
#include <strait/detail/ring/header.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace strait::detail {

// Copies out of a buffer that its sender may be writing again: a receiver copies a message before it knows whether it
// will be the one to consume it, and throws the copy away when another was faster. Between processes there is no other
// way to look at it; between threads of one process such a read is a data race by the letter, whose value nobody uses. So
// the compiler gets no load to reason about: on x86-64 they are instructions of ours, elsewhere relaxed atomics. Whole
// words of 8 bytes are copied; both sides have them.
inline void copy_unsteady(std::byte const* from, std::byte* to, std::size_t size) noexcept
{
#if defined(__x86_64__)
    if (size >= 1024) {
        void const* source = from;
        void* target = to;
        asm volatile("rep movsb" : "+S"(source), "+D"(target), "+c"(size) : : "memory");
        return;
    }
    std::size_t i = 0;
    for (; size - i >= 16; i += 16) {
        [[gnu::vector_size(16)]] long long sixteen;
        asm volatile("movups %1, %0" : "=x"(sixteen) : "m"(*reinterpret_cast<std::byte const(*)[16]>(from + i)));
        std::memcpy(to + i, &sixteen, 16);
    }
    for (; i < size; i += 8) {
        std::uint64_t eight;
        asm volatile("movq %1, %0" : "=r"(eight) : "m"(*reinterpret_cast<std::byte const(*)[8]>(from + i)));
        std::memcpy(to + i, &eight, 8);
    }
#else
    for (std::size_t i = 0; i < size; i += 8) {
        std::uint64_t const eight = shared_word(from + i).load(std::memory_order_relaxed);
        std::memcpy(to + i, &eight, 8);
    }
#endif
}

// One message in a sender's buffer.
template <message_layout L>
struct mpmc_buffer {
    using geometry = mpmc_geometry<L>;

    // How much memory of its own a receiver needs.
    static constexpr std::uint64_t own_bytes(std::uint64_t largest) noexcept { return (largest + 7) / 8 * 8; }

    static void set_size(std::byte* buffer, std::uint64_t size) noexcept
    {
        if constexpr (geometry::varies)
            shared_word(buffer).store(size, std::memory_order_relaxed);
    }

    static std::uint64_t size(std::byte const* buffer) noexcept
    {
        if constexpr (geometry::varies)
            return shared_word(buffer).load(std::memory_order_relaxed);
        else
            return L.fixed_size;
    }

    // `size` is at most the largest message: it has been checked since it was read.
    static void read(std::byte const* buffer, std::byte* own, std::uint64_t size) noexcept
    {
        copy_unsteady(buffer + geometry::payload_offset, own, size);
    }
};

}  // namespace strait::detail

#endif
