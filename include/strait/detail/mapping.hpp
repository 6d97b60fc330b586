// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MAPPING_HPP
#define STRAIT_DETAIL_MAPPING_HPP

#include <strait/detail/descriptor.hpp>
#include <strait/detail/fork_guard.hpp>
#include <strait/error.hpp>

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include <sys/mman.h>

namespace strait::detail {

// Lets Boost.Interprocess map a descriptor that it did not open.
class mappable {
public:
    explicit mappable(int fd) noexcept : fd_(fd) {}
    boost::interprocess::mapping_handle_t get_mapping_handle() const noexcept { return {fd_, false}; }
    boost::interprocess::mode_t get_mode() const noexcept { return boost::interprocess::read_write; }

private:
    int fd_;
};

// What of a file is mapped twice: its part from `first` on. Nothing if that is 0. With `each`, in pieces of so many bytes,
// up to 64, and only those that are asked for.
struct mirror {
    constexpr mirror(std::uint64_t from = 0, std::uint64_t piece = 0) noexcept : first(from), each(piece) {}

    std::uint64_t first;
    std::uint64_t each;
};

// A shared mapping of the whole of a file. What is mirrored is mapped once more right behind, piece by piece, so that what
// wraps at the end of a piece is contiguous in memory.
//
// In a child of fork() the pages are replaced by private zeroes: an inherited end that is used by mistake reads an empty
// channel and writes into nothing, and its slow path reports the mistake.
class mapping : fork_guard {
public:
    // `size` is a whole number of pieces behind `twice.first`.
    static error_code map(int fd, std::size_t size, mirror twice, std::shared_ptr<mapping>& m)
    {
        namespace ip = boost::interprocess;
        try {
            m.reset(new mapping);
            m->size_ = m->extent_ = size;
            if (twice.first != 0)
                return m->map_twice(fd, twice);
            m->region_ = ip::mapped_region(mappable(fd), ip::read_write, 0, size);
            m->data_ = static_cast<std::byte*>(m->region_.get_address());
            return {};
        } catch (ip::interprocess_exception const& e) {
            return system_failure(e.get_native_error());
        }
    }

    ~mapping()
    {
        if (mirror_.first != 0)
            ::munmap(data_, extent_);
    }

    // From now on this piece of what is mirrored can be used. Idempotent; safe from several threads.
    error_code map_piece(int fd, std::uint64_t i) noexcept
    {
        if (mirror_.first == 0)
            return {};
        std::lock_guard const hold(mutex_);
        std::uint64_t const offset = mirror_.first + i * mirror_.each;
        if ((pieces_ >> i & 1) == 0) {
            for (std::byte* const to : {at(offset), at(offset) + mirror_.each})
                if (!put(fd, offset, mirror_.each, to))
                    return last_failure();
            pieces_ |= std::uint64_t{1} << i;
        }
        return {};
    }

    std::byte* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }  // of the file

    // Where this byte of the file lies; of a mirrored piece the first time.
    std::byte* at(std::uint64_t offset) const noexcept
    {
        if (mirror_.first == 0 || offset < mirror_.first)
            return data_ + offset;
        return data_ + offset + (offset - mirror_.first) / mirror_.each * mirror_.each;
    }

private:
    mapping() : fork_guard(&disarm) {}

    // In addresses that nobody else can take, for all pieces.
    error_code map_twice(int fd, mirror twice) noexcept
    {
        std::size_t const extent = 2 * size_ - twice.first;
        void* const hole = ::mmap(nullptr, extent, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (hole == MAP_FAILED)
            return last_failure();
        bool const whole = twice.each == 0;
        data_ = static_cast<std::byte*>(hole);
        extent_ = extent;
        mirror_ = {twice.first, whole ? size_ - twice.first : twice.each};
        if (!put(fd, 0, twice.first, data_))
            return last_failure();
        return whole ? map_piece(fd, 0) : error_code();
    }

    static bool put(int fd, std::uint64_t offset, std::size_t n, std::byte* to) noexcept
    {
        return ::mmap(to, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, static_cast<::off_t>(offset)) != MAP_FAILED;
    }

    static void disarm(fork_guard& g) noexcept
    {
        if (auto& self = static_cast<mapping&>(g); self.data_ != nullptr)
            ::mmap(self.data_, self.extent_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
                   -1, 0);
    }

    boost::interprocess::mapped_region region_;  // unless something is mirrored
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t extent_ = 0;
    mirror mirror_;
    std::mutex mutex_;
    std::uint64_t pieces_ = 0;
};

}  // namespace strait::detail

#endif
