// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_SHARED_PAGE_HPP
#define SUPPORT_SHARED_PAGE_HPP

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <thread>

#include <sys/mman.h>

namespace support {

/// What processes of one test tell each other beside the channel under test: a store here survives a kill at the next
/// instruction and costs no system call that could shift the moments that a kill hits.
struct notes {
    std::atomic<std::uint64_t> done{0};     ///< operations that have returned
    std::atomic<std::uint64_t> stage{0};    ///< how far a child has come
    std::atomic<std::uint64_t> wrong{0};    ///< what should not have happened
    std::atomic<std::uint64_t> proceed{0};  ///< how far a child may go
    std::atomic<std::uint64_t> other[4]{};

    static void await(std::atomic<std::uint64_t> const& number, std::uint64_t least) noexcept
    {
        while (number.load(std::memory_order_acquire) < least)
            std::this_thread::yield();
    }
};

/// A T, all zero at first, in memory that forked children share with us.
template <class T>
class shared_object {
public:
    shared_object()
    {
        void* const p = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
            std::abort();
        object_ = ::new (p) T;
    }
    shared_object(shared_object const&) = delete;
    shared_object& operator=(shared_object const&) = delete;
    ~shared_object() { ::munmap(object_, sizeof(T)); }

    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }

private:
    T* object_;
};

using shared_page = shared_object<notes>;

}  // namespace support

#endif
