// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_ALLOCATION_HPP
#define STRAIT_DETAIL_OS_ALLOCATION_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace strait::detail {

// The number of KiB that /proc/meminfo gives for this key; larger than any memory where it has none.
inline std::uint64_t memory_info(std::string_view key) noexcept
{
    std::uint64_t kibibytes = ~std::uint64_t{0} >> 10;
    descriptor const file(::open("/proc/meminfo", O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> text{};
    ::ssize_t const n = file ? ::read(file.get(), text.data(), text.size()) : 0;
    std::string_view const all(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    if (auto const at = all.find(key); at != all.npos) {
        auto const number = all.find_first_not_of(' ', at + key.size());
        if (number != all.npos)
            std::from_chars(all.data() + number, all.data() + all.size(), kibibytes);
    }
    return kibibytes;
}

// How many bytes the host can give without swapping, as the kernel estimates.
inline std::uint64_t available_memory() noexcept { return memory_info("MemAvailable:") << 10; }

// Whether this many bytes of memory can be asked for. Files of memfd_create(2) and System V segments have no limit, and
// /dev/shm may be larger than the memory behind it: there the kernel kills processes instead of refusing. So a large
// request for which there is no memory is refused here, before the kernel sees it.
inline bool is_available(std::uint64_t size) noexcept
{
    constexpr std::uint64_t large = std::uint64_t{64} << 20;
    return size <= large || size <= available_memory();
}

// Whether a file lies in memory and not on a disk.
inline bool is_in_memory(int fd) noexcept
{
    struct ::statfs found = {};
    return ::fstatfs(fd, &found) != 0 || found.f_type == TMPFS_MAGIC || found.f_type == RAMFS_MAGIC;
}

// Whether RLIMIT_FSIZE allows a file of this size. Asking for a longer one would raise SIGXFSZ.
inline bool may_be_so_long(std::uint64_t size) noexcept
{
    struct ::rlimit limit = {};
    return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur;
}

// Gives a file the blocks of these bytes now, so that a full file system is an error here and not a SIGBUS later.
// Errors: out_of_memory, file_size_limit, those of posix_fallocate(3).
inline result<void> allocate(int fd, std::uint64_t size, std::uint64_t first = 0) noexcept
{
    constexpr std::uint64_t far = std::uint64_t{1} << 62;
    if (size > far || (!is_available(size) && is_in_memory(fd)))
        return errc::out_of_memory;
    if (!may_be_so_long(first + size))
        return errc::file_size_limit;
    int e = 0;
    do {
        e = ::posix_fallocate(fd, static_cast<::off_t>(first), static_cast<::off_t>(size));
    } while (e == EINTR);
    if (e == 0)
        return {};
    return e == EFBIG || e == EINVAL ? make_error_code(errc::out_of_memory) : system_failure(e);
}

// Makes sure that a part of a file has its blocks, if it seems to have them already. Unlike allocate(), which uses
// posix_fallocate(), this writes nothing where the file system cannot do it; it succeeds there.
inline error_code keep_allocated(int fd, std::uint64_t size, std::uint64_t first) noexcept
{
    int const done = uninterrupted([&] { return ::fallocate(fd, 0, static_cast<::off_t>(first), static_cast<::off_t>(size)); });
    return done == 0 || errno == EOPNOTSUPP ? error_code() : error_code(last_failure());
}

// Gives a new file its size, and the first `bytes` bytes their blocks. The blocks of the rest are allocated by the end
// that will use them.
inline result<void> allocate_beginning(int fd, std::uint64_t size, std::uint64_t bytes) noexcept
{
    if (!may_be_so_long(size))
        return errc::file_size_limit;
    if (bytes != size && ::ftruncate(fd, static_cast<::off_t>(size)) != 0)
        return errno == EFBIG || errno == EINVAL ? make_error_code(errc::out_of_memory) : system_failure(errno);
    return allocate(fd, bytes);
}

}  // namespace strait::detail

#endif
