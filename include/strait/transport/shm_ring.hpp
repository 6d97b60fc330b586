// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_SHM_RING_HPP
#define STRAIT_TRANSPORT_SHM_RING_HPP

#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/lanes/geometry.hpp>
#include <strait/detail/lanes/reader.hpp>
#include <strait/detail/lanes/writer.hpp>
#include <strait/detail/memory/policy.hpp>
#include <strait/detail/mpmc/reader.hpp>
#include <strait/detail/mpmc/writer.hpp>
#include <strait/detail/ring/pair.hpp>
#include <strait/detail/ring/receiver.hpp>
#include <strait/detail/ring/sender.hpp>
#include <strait/transport.hpp>

namespace strait {

/// One sender and one receiver.
struct spsc {
    static constexpr char const* name = "spsc";
};

/// Many senders, each in a lane of its own, and one receiver.
struct mpsc {
    static constexpr char const* name = "mpsc";
};

/// Many senders and many receivers; each message goes to one of them.
struct mpmc {
    static constexpr char const* name = "mpmc";
};

/// Memory of the host with a name, or without one for a pair. Other kinds, each in a header of its own: mapped_file,
/// sysv_memory; and, around one of them, prefaulted and huge_pages.
struct posix_memory {
    static constexpr char const* name = "posix_memory";
};

namespace detail {

template <>
struct ring_memory<posix_memory> {
    static constexpr bool is_usual = true;
    static constexpr bool nameless = true;
    template <class G>
    using geometry = G;
    template <class M>
    using mechanism = M;
};

template <waiting_strategy Wait>
struct ring_topology<spsc, Wait> {
    static constexpr transport_guarantees guarantees{
        .name = "shm_ring",
        .retained = true,
        .zero_copy = true,
        .nameless = true,
        .committed_when = commit_point::stored,
    };

    template <message_layout L, class G>
    using sender = ring_sender<L, Wait, G, spsc_writer<L>>;
    template <message_layout L, class G>
    using receiver = ring_receiver<L, Wait, G, spsc_reader<L>>;
    template <message_layout L>
    using geometry = ring_geometry<L>;
    using mechanism = ring_mechanism;
};

template <waiting_strategy Wait>
struct ring_topology<mpsc, Wait> {
    static constexpr transport_guarantees guarantees{
        .name = "shm_ring<mpsc>",
        .senders = multiplicity::many,
        .retained = true,
        .zero_copy = true,
        .nameless = true,
        .committed_when = commit_point::stored,
    };

    template <message_layout L, class G>
    using sender = ring_sender<L, Wait, G, lane_writer<L>>;
    template <message_layout L, class G>
    using receiver = ring_receiver<L, Wait, G, lane_reader<L>>;
    template <message_layout L>
    using geometry = lane_geometry<L>;
    using mechanism = lane_mechanism;
};

template <waiting_strategy Wait>
struct ring_topology<mpmc, Wait> {
    static constexpr transport_guarantees guarantees{
        .name = "shm_ring<mpmc>",
        .senders = multiplicity::many,
        .receivers = multiplicity::many,
        .retained = true,
        .nameless = true,
        .committed_when = commit_point::stored,
    };

    template <message_layout L, class G>
    using sender = ring_sender<L, Wait, G, mpmc_writer<L>>;
    template <message_layout L, class G>
    using receiver = ring_receiver<L, Wait, G, mpmc_reader<L>>;
    template <message_layout L>
    using geometry = mpmc_geometry<L>;
    using mechanism = mpmc_mechanism;
};

}  // namespace detail

/// A ring in shared memory, in which no system call is made while all ends run. The ends of one ring may wait by different
/// strategies. All of its memory is allocated when the channel is created, or, for `mpsc`, when a sender comes.
///
/// `spsc`: one sender and one receiver, wait-free except where one must wait for the other, as `Wait` says; messages are
/// written and read where they lie. Messages of one size lie in slots: options.capacity counts messages, rounded up to a
/// power of two; by default about 1 MiB of them, at least 8. Messages that vary lie in a ring of bytes: options.capacity
/// counts bytes, rounded up to a power of two and to a page, 1 MiB by default or what options.max_message_size needs; a
/// message takes 8 bytes and its size rounded up to 8, and can have up to capacity - 16 bytes. A message exists once it is
/// committed, also when its sender is killed next. What a receiver has not released when it is killed, the next one sees
/// again: at most one message is seen twice, and none is lost. Messages of one size from 128 KiB on are copied out by
/// receive() while send() still copies them in; a receiver that gives up has then written to the message given to it.
///
/// `mpsc`: many senders and one receiver; each sender has a lane of its own, which is a ring as that of `spsc`, with the same
/// options, limits and promises, and as wait-free. options.capacity is that of a lane. There are 64 lanes, so one sender more
/// is refused with errc::busy. A lane that has never had a sender takes 512 bytes; the memory of one that has stays until the
/// channel goes: by default 1 MiB for each sender at a time. Opening a sender allocates it, or says that there is none. A
/// stopped or dead sender affects its own lane alone; what a dead one has left there is read, and the next sender takes the
/// lane: one that has been drained if there is any, else it goes on behind what is unread. Messages of one sender are
/// received in the order sent. The receiver takes turns: up to 32 messages of a lane while others have some, so a message
/// that is next in its lane waits for at most 32 of each other one. A message whose sender was killed between committing it
/// and telling the receiver waits for up to 50 ms, or 64 such turns.
///
/// `mpmc`: many senders and many receivers; lock-free: an end that is killed or stopped at any instruction keeps nobody
/// from going on. Messages of all senders are received in the order in which they were committed, each by one receiver.
/// options.capacity counts messages, rounded up to a power of two, up to 4,194,304; by default as many as are 4 MiB for
/// all senders together, 8 to 4,096. Messages that vary have up to options.max_message_size bytes, 4,096 by default. A
/// sender writes into buffers of its own, as many as the capacity if that is within 4 MiB for all, else fewer, at least 2;
/// when it has no free one the channel is full for it. There are buffers for 64 senders at a time, for fewer, at least 8,
/// if messages are larger than 2 KiB; one more is refused with errc::busy. A message exists once it is committed, also when
/// its sender is killed next; a sender that takes a dead one's place takes over its buffers. A claimed message is filled in
/// the ring, a borrowed one is a copy: receiving copies the message and then consumes it, so what a receiver has in its
/// hands when it is killed is gone with it. At most one message is not seen, and none is seen twice.
///
/// `broadcast<lossy>`, `broadcast<latest>`, `broadcast<lossless>`: one sender, each message to every receiver; <strait/transport/shm_broadcast.hpp>
/// has them.
///
/// While a sender waits for room, room is seen at once by 64 KiB or a quarter of the capacity, and to the last message
/// within 50 ms.
///
/// Peers are trusted with the messages and not with this process: whatever they write into the shared memory, an end
/// reports peer_corrupt or shows wrong bytes, but touches nothing outside. Truncating the memory of a living channel
/// still raises SIGBUS in whoever uses it. A message shown in place can change while it is looked at.
template <class Topology = spsc, waiting_strategy Wait = adaptive, class Memory = posix_memory>
struct shm_ring {
    static_assert(requires { detail::ring_topology<Topology, Wait>::guarantees; },
                  "strait: there is no ring for this topology here: spsc, mpsc and mpmc are in <strait/transport/shm_ring.hpp>, "
                  "broadcast<lossy>, broadcast<latest> and broadcast<lossless> in <strait/transport/shm_broadcast.hpp>");
    static_assert(requires { detail::ring_memory<Memory>::nameless; },
                  "strait: the memory of shm_ring is posix_memory, mapped_file (<strait/transport/mapped_file.hpp>), sysv_memory "
                  "(<strait/transport/sysv_memory.hpp>), prefaulted<> of any (<strait/transport/prefaulted.hpp>), or huge_pages<> "
                  "of posix_memory or sysv_memory (<strait/transport/huge_pages.hpp>)");

private:
    using ends = detail::ring_topology<Topology, Wait>;
    using memory = detail::ring_memory<Memory>;
    using mechanism = typename memory::template mechanism<typename ends::mechanism>;

    template <message_layout L>
    using geometry = typename memory::template geometry<typename ends::template geometry<L>>;

public:
    static constexpr transport_guarantees guarantees = detail::guarantees_in<ends, Wait, Memory>();

    using options = channel_options;

    /// How its ends wait.
    using waiting = Wait;

    template <message_layout L>
    using sender_end = typename ends::template sender<L, geometry<L>>;
    template <message_layout L>
    using receiver_end = typename ends::template receiver<L, geometry<L>>;

    /// Memory without a name, for threads and for children of fork(), where the kind of memory allows it.
    template <message_layout L>
        requires(memory::nameless)
    using pair = detail::ring_pair<geometry<L>, sender_end<L>, receiver_end<L>>;

    /// Removes the ring of this name, with its unread messages. Success also when there is none.
    static result<void> remove(endpoint const& where) { return detail::membership<mechanism>::remove(where); }

    /// Writes to the disk what all ends of this ring have done so far, in any process. For mapped_file. Errors are those of
    /// open(2) and fdatasync(2).
    static result<void> sync(endpoint const& where)
        requires(mechanism::on_disk)
    {
        return detail::membership<mechanism>::sync(where);
    }
};

}  // namespace strait

#endif
