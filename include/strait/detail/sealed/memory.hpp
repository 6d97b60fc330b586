// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SEALED_MEMORY_HPP
#define STRAIT_DETAIL_SEALED_MEMORY_HPP

#include <strait/detail/os/allocation.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/mapping.hpp>
#include <strait/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace strait::detail {

// The first page of each end's memory. Only the end that has made the memory can write to it; its peer reads it. All zero at
// first. No end reads its own words back: what it has stored there it also has in memory of its own.
//
//   0    position  u64  sender: everything before it is published; receiver: everything before it is consumed
//   128  sleeps    u32  odd while the end may be asleep; it grows by one when the end falls asleep and when it is awake
//   132  left      u32  1: the end has left
struct sealed_words {
    alignas(128) atomic<std::uint64_t> position;
    alignas(128) atomic<std::uint32_t> sleeps;
    atomic<std::uint32_t> left;
};
static_assert(sizeof(sealed_words) == 256);

// Memory that one end writes and its peer only reads: the words, and `capacity` bytes behind the first page, which are mapped
// twice, back to back. It is a file without a name of which the kernel guarantees that it keeps its size, so that reading it
// raises no SIGBUS, and that no process can map it for writing or write to it any more: the end that has made it had mapped it
// before it said so.
//
// Distinct objects: safe. Shared objects: unsafe.
class sealed_region {
public:
    // Makes the memory, and maps it for writing. `fd` is to be handed to the peer. Errors: out_of_memory, file_size_limit,
    // descriptor_limit, locked_memory_limit, those of memfd_create(2); EINVAL: the kernel is older than 5.1.
    static error_code make(std::uint64_t capacity, sealed_region& made, descriptor& fd)
    {
        fd.reset(::memfd_create("strait", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        if (!fd)
            return last_failure();
        if (auto const allocated = allocate(fd.get(), page_size() + capacity); !allocated)
            return allocated.error();
        if (error_code const e = made.map(fd.get(), capacity, true))
            return e;
        return ::fcntl(fd.get(), F_ADD_SEALS, seals) == 0 ? error_code() : last_failure();
    }

    // Maps for reading what the peer has made. untrusted_object: it is anything else than such memory, of this size.
    static error_code adopt(descriptor fd, std::uint64_t capacity, sealed_region& adopted)
    {
        // First whether it is sealed, which only memory of the kernel's own file systems can be: a question to another file
        // may wait for the process that serves its file system.
        int const sealed = ::fcntl(fd.get(), F_GET_SEALS);
        if (sealed < 0 || (sealed & seals) != seals)
            return errc::untrusted_object;
        // Huge pages can be sealed, too, but reading a page that is not there raises SIGBUS when no huge page is free.
        struct ::statfs in = {};
        if (::fstatfs(fd.get(), &in) != 0 || in.f_type != TMPFS_MAGIC)
            return errc::untrusted_object;
        struct ::stat found = {};
        if (::fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode) ||
            static_cast<std::uint64_t>(found.st_size) != page_size() + capacity)
            return errc::untrusted_object;
        // All of it is there, and by the seals stays there. Reading a page that is not makes the kernel look for one, on this
        // process's account, and where it must not overcommit memory it raises SIGBUS.
        if (static_cast<std::uint64_t>(found.st_blocks) * 512 < page_size() + capacity)
            return errc::untrusted_object;
        int const flags = ::fcntl(fd.get(), F_GETFL);
        if (flags < 0 || (flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_WRONLY)
            return errc::untrusted_object;
        return adopted.map(fd.get(), capacity, false);
    }

    explicit operator bool() const noexcept { return static_cast<bool>(mapped_); }

    // Of memory that this end has adopted, this must only be read.
    sealed_words* words() const noexcept { return reinterpret_cast<sealed_words*>(mapped_->data()); }
    std::byte* data() const noexcept { return mapped_->at(page_size()); }

private:
    // F_SEAL_FUTURE_WRITE, 0x10, is not in older headers.
    static constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | 0x10;

    error_code map(int fd, std::uint64_t capacity, bool writable)
    {
        std::uint64_t const page = page_size();
        return mapping::map(fd, static_cast<std::size_t>(page + capacity), capacity != 0 ? mirror(page) : mirror(), mapped_, writable);
    }

    std::shared_ptr<mapping> mapped_;
};

}  // namespace strait::detail

#endif
