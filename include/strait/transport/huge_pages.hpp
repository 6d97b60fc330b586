// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_HUGE_PAGES_HPP
#define STRAIT_TRANSPORT_HUGE_PAGES_HPP

#include <strait/detail/memory/prepared.hpp>
#include <strait/detail/memory/sysv_segment.hpp>
#include <strait/error.hpp>

#include <cstddef>

#include <sys/mman.h>
#include <sys/shm.h>

namespace strait {

struct posix_memory;
struct sysv_memory;

/// Memory of shm_ring in huge pages, of which fewer entries of the processor's address tables cover a large ring.
///
/// `huge_pages<posix_memory>` is advice (MADV_HUGEPAGE), which the kernel follows where /dev/shm is mounted with huge=advise
/// or huge=within_size, or for pairs where /sys/kernel/mm/transparent_hugepage/shmem_enabled says so, and then in its own
/// time; else nothing happens. Ends with and without it use one channel.
///
/// `huge_pages<sysv_memory>` is a demand (SHM_HUGETLB): a channel for which there are no free huge pages, or not for this
/// user, is not made, errc::huge_page_limit. Each end must ask for them, else it is refused with errc::transport_mismatch.
/// The ring takes whole huge pages, usually of 2 MiB; messages that vary get at least one. Not for `mpsc`.
///
///     strait::shm_ring<strait::spsc, strait::adaptive, strait::huge_pages<strait::sysv_memory>>
///
/// `prefaulted` can be put around it. A file on a disk, mapped_file, has no huge pages.
template <class Memory>
struct huge_pages;

template <>
struct huge_pages<posix_memory> {
    static constexpr char const* name = "huge_pages<posix_memory>";
};

template <>
struct huge_pages<sysv_memory> {
    static constexpr char const* name = "huge_pages<sysv_memory>";
};

namespace detail {

// A kernel without transparent huge pages refuses the advice; that is no error.
inline error_code advise_huge_pages(std::byte* at, std::size_t n) noexcept
{
    static_cast<void>(::madvise(at, n, MADV_HUGEPAGE));
    return {};
}

template <>
struct ring_memory<huge_pages<posix_memory>> {
    static constexpr bool nameless = true;
    template <class G>
    using geometry = prepared_geometry<G, &advise_huge_pages>;
    template <class M>
    using mechanism = M;
};

template <>
struct ring_memory<huge_pages<sysv_memory>> {
    static constexpr bool nameless = false;
    template <class G>
    using geometry = sysv_geometry<G, SHM_HUGETLB>;
    template <class M>
    using mechanism = segment_mechanism<M, SHM_HUGETLB>;
};

}  // namespace detail
}  // namespace strait

#endif
