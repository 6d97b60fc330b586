// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_HUGE_PAGES_HPP
#define STRAIT_TRANSPORT_HUGE_PAGES_HPP

#include <strait/detail/memory/policy.hpp>
#include <strait/detail/memory/prepared.hpp>
#include <strait/detail/memory/sysv_segment.hpp>

namespace strait {

struct posix_memory;
struct sysv_memory;

/// Memory of shm_ring in huge pages: fewer entries of the processor's address tables cover a large ring.
///
/// `huge_pages<posix_memory>` is advice (MADV_HUGEPAGE). The kernel follows it where /dev/shm is mounted with huge=advise or
/// huge=within_size, or for pairs where /sys/kernel/mm/transparent_hugepage/shmem_enabled allows it, and then when it sees
/// fit; else it has no effect. Ends with and without it can use one channel.
///
/// `huge_pages<sysv_memory>` is a demand (SHM_HUGETLB). Without free huge pages, or without the permission of this user to use
/// them, the channel is not created: errc::huge_page_limit. Each end must ask for them, else it is refused with
/// errc::transport_mismatch. The ring takes whole huge pages, usually of 2 MiB; messages that vary get at least one. Not for
/// `mpsc`.
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
    using geometry = sysv_geometry<G, true>;
    template <class M>
    using mechanism = segment_mechanism<M, true>;
};

}  // namespace detail
}  // namespace strait

#endif
