// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_MAPPING_HPP
#define STRAIT_DETAIL_OS_MAPPING_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/fork_guard.hpp>
#include <strait/error.hpp>

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include <sys/mman.h>
#include <unistd.h>

namespace strait::detail {

// The size of the host's pages, in bytes.
inline std::uint64_t page_size() noexcept { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

// Lets Boost.Interprocess map a descriptor that it did not open.
class mappable {
public:
    explicit mappable(int fd) noexcept : fd_(fd) {}
    boost::interprocess::mapping_handle_t get_mapping_handle() const noexcept { return {fd_, false}; }
    boost::interprocess::mode_t get_mode() const noexcept { return boost::interprocess::read_write; }

private:
    int fd_;
};

// Which part of a file is mapped twice: from `first` on; nothing if that is 0. If `each` is not 0 this part consists of
// pieces of so many bytes, at most 64 pieces, of which each is mapped when map_piece() asks for it.
struct mirror {
    constexpr mirror(std::uint64_t from = 0, std::uint64_t piece = 0) noexcept : first(from), each(piece) {}

    std::uint64_t first;
    std::uint64_t each;
};

// Memory that is no part of the file and lies behind its first bytes in the mapping. `place` puts `n` bytes of it, from
// `offset` on, over what is mapped at `to`.
struct memory_beside {
    error_code (*place)(int handle, std::uint64_t offset, std::size_t n, std::byte* to) noexcept;
    int handle;
    std::uint64_t first;
    std::uint64_t alignment;  // of its address; it takes whole multiples
};

// A shared mapping of the whole of a file, and of memory beside it. What is mirrored is mapped once more right behind,
// piece by piece, so that what wraps at the end of a piece is contiguous in memory.
//
// In a child of fork() the pages are replaced by private zeroes: an inherited end that is used by mistake reads an
// empty channel and writes into nothing, and its slow path reports the mistake.
class mapping : fork_guard {
public:
    // Maps `size` bytes of the file. Behind `twice.first` they are a whole number of pieces. Without `writable`, writing to
    // the memory raises SIGSEGV, and the descriptor need not allow it.
    static error_code map(int fd, std::size_t size, mirror twice, std::shared_ptr<mapping>& m, bool writable = true)
    {
        namespace ip = boost::interprocess;
        try {
            m.reset(new mapping);
            m->size_ = m->extent_ = size;
            m->protection_ = writable ? PROT_READ | PROT_WRITE : PROT_READ;
            if (twice.first != 0)
                return m->map_in_hole(fd, twice, 1);
            m->region_ = ip::mapped_region(mappable(fd), writable ? ip::read_write : ip::read_only, 0, size);
            m->data_ = static_cast<std::byte*>(m->region_.get_address());
            return {};
        } catch (ip::interprocess_exception const& e) {
            return mapping_failure(e.get_native_error());
        }
    }

    // Maps `size` bytes, of which those before `beside.first` are the file's and the rest lies in `beside`.
    static error_code map(int fd, std::size_t size, mirror twice, memory_beside const& beside, std::shared_ptr<mapping>& m)
    {
        m.reset(new mapping);
        m->size_ = size;
        m->beside_ = beside;
        return m->map_in_hole(fd, twice, beside.alignment);
    }

    ~mapping()
    {
        if (in_hole_)
            ::munmap(data_, extent_);
    }

    // Calls how() for the first `bytes` bytes, or for all if that is 0; prepare() calls it for a piece that is mapped
    // later.
    error_code prepare_by(error_code (*how)(std::byte* at, std::size_t n) noexcept, std::size_t bytes) noexcept
    {
        prepare_ = how;
        return how(data_, bytes != 0 ? bytes : extent_);
    }
    error_code prepare(std::uint64_t offset, std::size_t n) const noexcept
    {
        return prepare_ ? prepare_(at(offset), mirror_.first != 0 ? 2 * n : n) : error_code();
    }

    // Maps piece `i` of the mirrored part; it can be used afterwards. Idempotent; safe from several threads.
    error_code map_piece(int fd, std::uint64_t i) noexcept
    {
        if (mirror_.first == 0)
            return {};
        std::lock_guard const hold(mutex_);
        std::uint64_t const offset = mirror_.first + i * mirror_.each;
        if ((pieces_ >> i & 1) == 0) {
            for (std::byte* const to : {at(offset), at(offset) + mirror_.each})
                if (error_code const e = put(fd, offset, mirror_.each, to))
                    return e;
            pieces_ |= std::uint64_t{1} << i;
        }
        return {};
    }

    std::byte* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }  // of the file and the memory beside it
    bool is_file() const noexcept { return beside_.place == nullptr; }

    // The address of this byte of the file; of a byte that is mapped twice, the first one.
    std::byte* at(std::uint64_t offset) const noexcept
    {
        if (mirror_.first == 0 || offset < mirror_.first)
            return data_ + offset;
        return data_ + offset + (offset - mirror_.first) / mirror_.each * mirror_.each;
    }

private:
    mapping() : fork_guard(&disarm) {}

    // Reserves addresses for all pieces first, so that no other mapping of this process can take them, and maps into
    // them.
    error_code map_in_hole(int fd, mirror twice, std::uint64_t alignment) noexcept
    {
        std::uint64_t const first = twice.first != 0 ? twice.first : beside_.first;
        std::size_t const behind = ((twice.first != 0 ? 2 : 1) * (size_ - first) + alignment - 1) / alignment * alignment;
        extent_ = first + behind;
        void* const hole = ::mmap(nullptr, extent_ + alignment - 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (hole == MAP_FAILED)
            return mapping_failure(errno);
        auto const from = reinterpret_cast<std::uintptr_t>(hole);
        std::size_t const skipped = (alignment - (from + first) % alignment) % alignment;
        data_ = static_cast<std::byte*>(hole) + skipped;
        in_hole_ = true;
        if (skipped != 0)
            ::munmap(hole, skipped);
        if (skipped + 1 != alignment)
            ::munmap(data_ + extent_, alignment - 1 - skipped);
        if (error_code const e = put(fd, 0, first, data_))
            return e;
        if (twice.first == 0)
            return put(fd, first, size_ - first, data_ + first);
        bool const whole = twice.each == 0;
        mirror_ = {twice.first, whole ? size_ - twice.first : twice.each};
        return whole ? map_piece(fd, 0) : error_code();
    }

    error_code put(int fd, std::uint64_t offset, std::size_t n, std::byte* to) const noexcept
    {
        if (beside_.place && offset >= beside_.first)
            return beside_.place(beside_.handle, offset - beside_.first, n, to);
        void* const done = ::mmap(to, n, protection_, MAP_SHARED | MAP_FIXED, fd, static_cast<::off_t>(offset));
        return done == MAP_FAILED ? mapping_failure(errno) : error_code();
    }

    static void disarm(fork_guard& g) noexcept
    {
        if (auto& self = static_cast<mapping&>(g); self.data_ != nullptr)
            ::mmap(self.data_, self.extent_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
                   -1, 0);
    }

    boost::interprocess::mapped_region region_;  // empty where this class has chosen the addresses
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t extent_ = 0;
    int protection_ = PROT_READ | PROT_WRITE;
    mirror mirror_;
    memory_beside beside_{};
    error_code (*prepare_)(std::byte* at, std::size_t n) noexcept = nullptr;
    bool in_hole_ = false;
    std::mutex mutex_;
    std::uint64_t pieces_ = 0;
};

}  // namespace strait::detail

#endif
