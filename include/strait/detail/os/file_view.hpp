// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_FILE_VIEW_HPP
#define STRAIT_DETAIL_OS_FILE_VIEW_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace strait::detail {

// Memory of this process that another process may take away at any moment. A plain access would then raise SIGBUS; here
// the kernel copies, and reports that.
inline bool copy_without_fault(std::byte const* from, void* to, std::size_t n) noexcept
{
    ::iovec const there = {const_cast<std::byte*>(from), n};
    ::iovec const here = {to, n};
    return ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) == static_cast<::ssize_t>(n);
}

// A file that others write and may truncate, for somebody who only looks. It is read through a mapping: read(2) of a
// control file would ring the doorbell of every end that waits in an event loop. Where a container forbids
// process_vm_readv(2), read(2) is used all the same.
//
// Distinct objects: safe. Shared objects: safe to read.
class file_view {
public:
    explicit file_view(int fd) noexcept : fd_(fd)
    {
        if (fd < 0 || ::fstat(fd, &status_) != 0 || status_.st_size <= 0 || !S_ISREG(status_.st_mode))
            return;
        size_ = static_cast<std::uint64_t>(status_.st_size);
        void* const at = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
        at_ = at == MAP_FAILED ? nullptr : static_cast<std::byte const*>(at);
    }
    file_view(file_view const&) = delete;
    file_view& operator=(file_view const&) = delete;
    ~file_view()
    {
        if (at_)
            ::munmap(const_cast<std::byte*>(at_), size_);
    }

    // As the kernel said when this object was made.
    struct ::stat const& status() const noexcept { return status_; }
    std::uint64_t size() const noexcept { return size_; }

    // False where the file does not have these bytes (any more).
    bool read(std::uint64_t offset, void* to, std::size_t n) const noexcept
    {
        if (offset > size_ || n > size_ - offset)
            return false;
        if (at_ && copy_without_fault(at_ + offset, to, n))
            return true;
        if (at_ && errno == EFAULT)
            return false;
        return ::pread(fd_, to, n, static_cast<::off_t>(offset)) == static_cast<::ssize_t>(n);
    }

private:
    int fd_;
    struct ::stat status_ = {};
    std::uint64_t size_ = 0;
    std::byte const* at_ = nullptr;
};

}  // namespace strait::detail

#endif
