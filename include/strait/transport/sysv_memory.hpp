// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_SYSV_MEMORY_HPP
#define STRAIT_TRANSPORT_SYSV_MEMORY_HPP

#include <strait/detail/memory/policy.hpp>
#include <strait/detail/memory/sysv_segment.hpp>

namespace strait {

/// Memory of shm_ring: a System V segment, for hosts that limit shared memory by those limits and administer it with ipcs(1).
/// As fast as any other.
///
///     strait::channel<trade, strait::shm_ring<strait::spsc, strait::adaptive, strait::sysv_memory>>
///
/// The messages lie in the segment. The channel's name, its locks, and the few words by which the ends wait for each other
/// lie in a small file, as for posix_memory, under the same names. The segment has the file's owner, group and mode. It is
/// removed when the file is: by the last participant that leaves a channel in which nothing is unread, by remove(), or, after
/// crashes, by the next opener. A creator that is killed at any moment leaves nothing that this opener does not find. If you
/// delete the file by hand, delete the segment too, with ipcrm(1). Between users only the segment's owner, who created the
/// channel, can remove it: until then it stays.
///
/// The kernel's limits are errc::segment_size_limit (kernel.shmmax), segment_memory_limit (shmall) and segment_count_limit
/// (shmmni). The kernel accounts for memory when a segment is created, and gives it page by page as messages come, so a host
/// that has promised too much runs out of memory later; `prefaulted<sysv_memory>` asks for it at once. A segment that was
/// removed with ipcrm(1) still serves the ends that have it. An end that opens later gets errc::peer_corrupt, as does one in
/// another IPC namespace. There are no channels without a name.
struct sysv_memory {
    static constexpr char const* name = "sysv_memory";
};

namespace detail {

template <>
struct ring_memory<sysv_memory> {
    static constexpr bool nameless = false;
    template <class G>
    using geometry = sysv_geometry<G>;
    template <class M>
    using mechanism = segment_mechanism<M>;
};

}  // namespace detail
}  // namespace strait

#endif
