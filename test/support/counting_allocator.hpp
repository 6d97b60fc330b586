// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_COUNTING_ALLOCATOR_HPP
#define SUPPORT_COUNTING_ALLOCATOR_HPP

#include <cstddef>
#include <memory>

namespace support {

/// An allocator that counts what it has allocated, and what of that was not given back.
template <class T>
struct counting_allocator {
    using value_type = T;
    int* allocated;
    int* held;

    counting_allocator(int* a, int* h) noexcept : allocated(a), held(h) {}
    template <class U>
    counting_allocator(counting_allocator<U> const& other) noexcept : allocated(other.allocated), held(other.held)
    {
    }
    T* allocate(std::size_t n)
    {
        ++*allocated;
        ++*held;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept
    {
        --*held;
        std::allocator<T>().deallocate(p, n);
    }
    template <class U>
    bool operator==(counting_allocator<U> const& other) const noexcept
    {
        return allocated == other.allocated;
    }
};

}  // namespace support

#endif
