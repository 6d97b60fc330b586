// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_SHM_RING_HPP
#define STRAIT_TRANSPORT_SHM_RING_HPP

#include <strait/detail/ring_pair.hpp>
#include <strait/detail/ring_receiver.hpp>
#include <strait/detail/ring_sender.hpp>
#include <strait/transport.hpp>

#include <concepts>

namespace strait {

/// One sender and one receiver.
struct spsc {
    static constexpr char const* name = "spsc";
};

/// Memory of the host with a name, or without one for a pair.
struct posix_memory {
    static constexpr char const* name = "posix_memory";
};

/// A ring in shared memory: messages are written and read where they lie, and no system call is made while both ends
/// run. Wait-free for one sender and one receiver except where one must wait for the other, as `Wait` says; the two ends
/// may wait by different strategies.
///
/// Messages of one size lie in slots: options.capacity counts messages, rounded up to a power of two; by default about
/// 1 MiB of them, at least 8. Messages that vary lie in a ring of bytes: options.capacity counts bytes, rounded up to a
/// power of two and to a page, 1 MiB by default or what options.max_message_size needs; a message takes 8 bytes and its
/// size rounded up to 8, and can have up to capacity - 16 bytes. All of it is allocated when the channel is created.
///
/// A message exists once it is committed, also when its sender is killed next. What a receiver has not released when it
/// is killed, the next one sees again: at most one message is seen twice, and none is lost. While a sender waits for
/// room, room is seen in quarters of the capacity at once, and to the last message within 50 ms.
///
/// Peers are trusted with the messages and not with this process: whatever they write into the shared memory, an end
/// reports peer_corrupt or shows wrong bytes, but touches nothing outside. Truncating the memory of a living channel
/// still raises SIGBUS in whoever uses it. A message shown in place can change while it is looked at.
template <class Topology = spsc, waiting_strategy Wait = adaptive, class Memory = posix_memory>
struct shm_ring {
    static_assert(std::same_as<Topology, spsc>, "strait: the topology of shm_ring is spsc: there is no ring for another one");
    static_assert(std::same_as<Memory, posix_memory>, "strait: the memory of shm_ring is posix_memory: there is no other");

    static constexpr transport_guarantees guarantees{
        .name = "shm_ring",
        .retained = true,
        .zero_copy = true,
        .nameless = true,
        .committed_when = commit_point::stored,
    };

    using options = channel_options;

    template <message_layout L>
    using sender_end = detail::ring_sender<L, Wait>;
    template <message_layout L>
    using receiver_end = detail::ring_receiver<L, Wait>;

    /// Memory without a name, for threads and for children of fork().
    template <message_layout L>
    using pair = detail::ring_pair<L, Wait>;

    /// Removes a ring of this name, unread messages too. Success also when there is none.
    static result<void> remove(endpoint const& where) { return detail::companion_door<detail::ring_mechanism>::remove(where); }
};

}  // namespace strait

#endif
