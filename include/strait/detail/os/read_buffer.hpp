// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_READ_BUFFER_HPP
#define STRAIT_DETAIL_OS_READ_BUFFER_HPP

#include <strait/detail/os/fork_guard.hpp>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <utility>

namespace strait::detail {

// Buffers are whole pages: the kernel copies to and from these fastest, and every message layout is aligned in one.
inline constexpr std::size_t page_bytes = 4096;

struct free_pages {
    void operator()(std::byte* p) const noexcept { std::free(p); }
};
using page_memory = std::unique_ptr<std::byte[], free_pages>;

// Whole pages of at least `bytes` bytes; null when there is no memory.
inline page_memory allocate_pages(std::size_t bytes) noexcept
{
    std::size_t const whole = (bytes + page_bytes - 1) / page_bytes * page_bytes;
    if (whole < bytes)
        return nullptr;
    return page_memory(static_cast<std::byte*>(std::aligned_alloc(page_bytes, whole == 0 ? page_bytes : whole)));
}

// The bytes that a receiver has read from the kernel and not yet handed out: data[at, have). In a child of fork() it is
// empty: the messages are the parent's, and the child's end then asks the kernel, which makes it report
// inherited_handle.
//
// Distinct objects: safe. Shared objects: unsafe.
class read_ahead : fork_guard {
public:
    read_ahead() : fork_guard(&disarm) {}
    read_ahead(page_memory pages, std::size_t bytes) : fork_guard(&disarm), size(bytes), pages_(std::move(pages)) {}
    read_ahead(read_ahead&& other) : fork_guard(&disarm) { *this = std::move(other); }
    read_ahead& operator=(read_ahead&& other) noexcept
    {
        at = std::exchange(other.at, 0);
        have = std::exchange(other.have, 0);
        size = std::exchange(other.size, 0);
        pages_ = std::move(other.pages_);
        return *this;
    }
    ~read_ahead() = default;

    std::byte* data() const noexcept { return pages_.get(); }
    bool is_empty() const noexcept { return at == have; }
    void clear() noexcept { at = have = 0; }

    std::size_t at = 0;
    std::size_t have = 0;
    std::size_t size = 0;

private:
    static void disarm(fork_guard& g) noexcept { static_cast<read_ahead&>(g).clear(); }

    page_memory pages_;
};

}  // namespace strait::detail

#endif
