// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_COPY_UNSTEADY_HPP
#define STRAIT_DETAIL_RING_COPY_UNSTEADY_HPP

#include <strait/detail/ring/header.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace strait::detail {

// Copies out of a buffer that its sender may be writing again. The receiver of such a message copies it before it knows
// whether the copy is whole and whether it is the one to consume it, and throws the copy away when it was not. Between
// processes there is no other way to look at the message. Between threads of one process such a read is a data race by the
// letter of the language, although its value is not used. So the compiler gets no load to reason about: on x86-64 these are
// instructions of our own, elsewhere relaxed atomics. Whole words of 8 bytes are copied; both buffers have room for them.
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

}  // namespace strait::detail

#endif
