// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_MAPPED_FILE_HPP
#define STRAIT_TRANSPORT_MAPPED_FILE_HPP

#include <strait/detail/memory/mapped_file.hpp>
#include <strait/detail/memory/policy.hpp>

namespace strait {

/// Memory of shm_ring: a file that everybody maps. Messages pass through the page cache, at the speed of shared memory, and
/// the kernel writes them to the disk when it sees fit.
///
///     strait::channel<trade, strait::shm_ring<strait::spsc, strait::adaptive, strait::mapped_file>>
///
/// A path names the file, `/srv/feed/trades` being `/srv/feed/trades.channel`; a name lies in `/var/tmp/strait-<uid>`, apart
/// from the channels that lie in memory. All of it is allocated when the channel is created, or, for `mpsc`, when a sender
/// comes: a full file system is errc::out_of_memory then, a limit of the process errc::file_size_limit, never SIGBUS later.
/// That needs a local file system that writes in place; on one that copies on write (btrfs, ZFS), or over a network, it may
/// not hold, and ends on different hosts do not see each other.
///
/// What is unread when the last one leaves stays, as in posix_memory, and here it outlives the machine's run: nobody's locks
/// survive that, so the next opener goes on, as it does when all have been killed. After an orderly shutdown all is there,
/// whatever became of the ends. Before a power failure only that is safe which was written out: the last end that leaves
/// does so, and shm_ring::sync(), or channel::sync(), at any time; both take as long as the disk does. What was sent or
/// received after that may be on the disk in part, in any order: messages may be missing, wrong or seen again, or the
/// channel may be refused as damaged (errc::peer_corrupt). A message type with a checksum of its own tells.
///
/// A file that nobody uses may be copied, and opened under its new name. `broadcast` keeps nothing for later receivers, in a
/// file neither. There are no nameless channels.
struct mapped_file {
    static constexpr char const* name = "mapped_file";
};

namespace detail {

template <>
struct ring_memory<mapped_file> {
    static constexpr bool nameless = false;
    template <class G>
    using geometry = file_geometry<G>;
    template <class M>
    using mechanism = file_mechanism<M>;
};

}  // namespace detail
}  // namespace strait

#endif
