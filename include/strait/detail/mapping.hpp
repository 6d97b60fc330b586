// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MAPPING_HPP
#define STRAIT_DETAIL_MAPPING_HPP

#include <strait/detail/descriptor.hpp>
#include <strait/detail/fork_guard.hpp>
#include <strait/error.hpp>

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <cstddef>
#include <memory>

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

// A shared mapping of the whole of a file. With `mirrored`, its part from there on is mapped once more right behind, so
// that what wraps at the end of the file is contiguous in memory.
//
// In a child of fork() the pages are replaced by private zeroes: an inherited end that is used by mistake reads an empty
// channel and writes into nothing, and its slow path reports the mistake.
class mapping : fork_guard {
public:
    static error_code map(int fd, std::size_t size, std::size_t mirrored, std::shared_ptr<mapping>& m)
    {
        try {
            namespace ip = boost::interprocess;
            m.reset(new mapping);
            mappable const file(fd);
            if (mirrored == 0) {
                m->first_ = ip::mapped_region(file, ip::read_write, 0, size);
            } else {
                reservation hole(2 * size - mirrored);
                m->first_ = ip::mapped_region(file, ip::read_write, 0, size, hole.at, MAP_SHARED | MAP_FIXED);
                hole.shrink(size);
                m->second_ = ip::mapped_region(file, ip::read_write, static_cast<ip::offset_t>(mirrored), size - mirrored,
                                               hole.at, MAP_SHARED | MAP_FIXED);
                hole.shrink(size - mirrored);
            }
            return {};
        } catch (boost::interprocess::interprocess_exception const& e) {
            return system_failure(e.get_native_error());
        }
    }

    std::byte* data() const noexcept { return static_cast<std::byte*>(first_.get_address()); }
    std::size_t size() const noexcept { return first_.get_size(); }

private:
    // Addresses that nobody else can take until both parts lie there.
    struct reservation {
        explicit reservation(std::size_t n)
            : size(n)
        {
            void* const p = ::mmap(nullptr, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (p == MAP_FAILED)
                throw boost::interprocess::interprocess_exception(boost::interprocess::error_info(errno));
            at = static_cast<std::byte*>(p);
        }
        reservation(reservation const&) = delete;
        reservation& operator=(reservation const&) = delete;
        ~reservation()
        {
            if (size != 0)
                ::munmap(at, size);
        }
        void shrink(std::size_t n) noexcept
        {
            at += n;
            size -= n;
        }

        std::byte* at = nullptr;
        std::size_t size;
    };

    mapping() : fork_guard(&disarm) {}

    static void disarm(fork_guard& g) noexcept
    {
        auto& self = static_cast<mapping&>(g);
        for (auto* region : {&self.first_, &self.second_})
            if (region->get_size() != 0)
                ::mmap(region->get_address(), region->get_size(), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    }

    boost::interprocess::mapped_region first_;
    boost::interprocess::mapped_region second_;
};

}  // namespace strait::detail

#endif
