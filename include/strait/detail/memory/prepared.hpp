// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMORY_PREPARED_HPP
#define STRAIT_DETAIL_MEMORY_PREPARED_HPP

#include <strait/detail/membership/participant.hpp>
#include <strait/detail/memory/policy.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/mapping.hpp>
#include <strait/error.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sys/mman.h>

namespace strait::detail {

// Faults the pages in. Peers may be using them: where the kernel is too old for the system call, a write that changes nothing in a
// word of each page does it. out_of_memory: there is no memory for a page.
inline error_code fault_in(std::byte* at, std::size_t n) noexcept
{
    if (::madvise(at, n, MADV_POPULATE_WRITE) == 0)
        return {};
    if (errno == EFAULT || errno == EHWPOISON)
        return errc::out_of_memory;  // a write would raise SIGBUS
    if (errno != EINVAL)
        return last_failure();
    std::size_t const page = page_size();
    for (std::size_t i = 0; i < n; i += page)
        reinterpret_cast<std::atomic<std::uint64_t>*>(at + i)->fetch_or(0, std::memory_order_relaxed);
    return {};
}

// Advises the kernel to use huge pages. A kernel without transparent huge pages refuses the advice; that is no error.
inline error_code advise_huge_pages(std::byte* at, std::size_t n) noexcept
{
    static_cast<void>(::madvise(at, n, MADV_HUGEPAGE));
    return {};
}


// A ring whose pages are prepared by How when an end maps them, before it looks at a message. What Geometry does to them is
// done before.
template <class Geometry, error_code (*How)(std::byte* at, std::size_t n) noexcept>
struct prepared_geometry : Geometry {
    static error_code prepare(std::byte* at, std::size_t n) noexcept
    {
        if constexpr (requires { Geometry::prepare(at, n); })
            if (error_code const e = Geometry::prepare(at, n))
                return e;
        return How(at, n);
    }

    static error_code view(participant const& c, role r, typename Geometry::view_type& v)
    {
        return look(&prepare, c, r, v);
    }

    // view(), with all that is done to the pages: the outermost geometry knows it.
    static error_code look(error_code (*all)(std::byte*, std::size_t) noexcept, participant const& c, role r,
                           typename Geometry::view_type& v)
    {
        if constexpr (requires { Geometry::look(all, c, r, v); }) {
            return Geometry::look(all, c, r, v);
        } else {
            std::size_t before_pieces = 0;
            if constexpr (requires { Geometry::mechanism_type::in_pieces; })
                before_pieces = Geometry::mechanism_type::data_offset();
            error_code const e = c.memory()->prepare_by(all, before_pieces);
            return e ? e : Geometry::view(c, r, v);
        }
    }
};

template <class Memory, error_code (*How)(std::byte* at, std::size_t n) noexcept>
struct prepared_memory {
    static constexpr bool nameless = ring_memory<Memory>::nameless;
    template <class G>
    using geometry = prepared_geometry<typename ring_memory<Memory>::template geometry<G>, How>;
    template <class M>
    using mechanism = typename ring_memory<Memory>::template mechanism<M>;
};

}  // namespace strait::detail

#endif
