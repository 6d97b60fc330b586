// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_MAPPED_FILE_HPP
#define STRAIT_TRANSPORT_MAPPED_FILE_HPP

#include <strait/detail/memory/mapped_file.hpp>
#include <strait/detail/memory/policy.hpp>

namespace strait {

/// Memory of shm_ring: a file that all ends map. Messages pass through the page cache, at the speed of shared memory, and the
/// kernel writes them to the disk when it sees fit.
///
///     strait::channel<trade, strait::shm_ring<strait::spsc, strait::adaptive, strait::mapped_file>>
///
/// A path names the file: `/srv/feed/trades` is `/srv/feed/trades.channel`. A name lies in `/var/tmp/strait-<uid>`, apart from
/// the channels that lie in memory. The whole file is allocated when the channel is created, or, for `mpsc`, when a sender
/// joins: a full file system is errc::out_of_memory then, a limit of the process errc::file_size_limit, never SIGBUS later.
/// That needs a local file system that writes in place. On one that copies on write (btrfs, ZFS), or over a network, it may
/// not hold, and ends on different hosts do not see each other.
///
/// What is unread when the last participant leaves stays, as in posix_memory, and here it also survives a reboot: no lock
/// survives that, so the next opener goes on, as it does when all participants have been killed. After an orderly shutdown all
/// messages are there, however the ends ended. After a power failure only those are certain that were written to the disk
/// before: by the last end that left, or by shm_ring::sync() or channel::sync(), which both take as long as the disk does. What
/// was sent or received after that may be on the disk in part, in any order: messages may be missing, wrong or seen again, or
/// the channel may be refused as damaged (errc::peer_corrupt). A message type with a checksum of its own finds that out.
///
/// A file that no process uses may be copied, and opened under its new name. `broadcast` keeps nothing for later receivers, in
/// a file neither. There are no channels without a name.
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
