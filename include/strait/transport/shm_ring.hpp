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

/// One sender and one receiver, a topology of shm_ring. Each is wait-free except where it must wait for the other, as the
/// waiting strategy says. Messages are written and read where they lie.
///
/// Messages of one size lie in slots: options.capacity counts messages, rounded up to a power of two; by default about 1 MiB
/// of them, at least 8. Messages that vary lie in a ring of bytes: options.capacity counts bytes, rounded up to a power of
/// two and to a page, 1 MiB by default or what options.max_message_size needs; a message takes 8 bytes and its size rounded
/// up to 8, and can have up to capacity - 16 bytes.
///
/// A message exists once it is committed, also when its sender is killed next. The next receiver sees again what a receiver
/// had not released when it was killed: at most one message is seen twice, and none is lost. Messages of one size from
/// 128 KiB on are copied out by receive() while send() still copies them in; a receiver that gives up has then written to
/// the message given to it.
struct spsc {
    static constexpr char const* name = "spsc";
};

/// Many senders and one receiver, a topology of shm_ring. Each sender has a lane of its own, which is a ring as that of
/// `spsc`, with the options, limits and promises of that, and as wait-free. options.capacity is that of one lane.
///
/// There are 64 lanes, so one sender more is refused with errc::busy. A lane that has never had a sender takes 512 bytes;
/// the memory of one that has had a sender stays until the channel is removed: by default 1 MiB for each sender at a time.
/// Opening a sender allocates it, or reports that there is no memory. A stopped or dead sender affects its own lane alone.
/// What a dead one has left there is read. The next sender takes a lane that has been drained if there is any; else it goes
/// on behind what is unread.
///
/// Messages of one sender are received in the order sent. The receiver takes up to 32 messages of a lane before it looks at
/// the others, so a message that is next in its lane waits for at most 32 of each other lane. A message whose sender was
/// killed between committing it and calling the receiver waits for up to 50 ms, or 64 such turns.
struct mpsc {
    static constexpr char const* name = "mpsc";
};

/// Many senders and many receivers, each message to one of them, a topology of shm_ring. It is lock-free: an end that is
/// killed or stopped at any instruction stops no other one. Messages of all senders are received in the order in which they
/// were committed.
///
/// options.capacity counts messages, rounded up to a power of two, up to 4,194,304; by default as many as are 4 MiB for all
/// senders together, 8 to 4,096. Messages that vary have up to options.max_message_size bytes, 4,096 by default. A sender
/// writes into buffers of its own: as many as the capacity if that is within 4 MiB for all senders, else fewer, at least 2.
/// When it has no free one, the channel is full for it. There are buffers for 64 senders at a time, or for fewer, at least 8,
/// if messages are larger than 2 KiB; one more is refused with errc::busy.
///
/// A message exists once it is committed, also when its sender is killed next; a sender that takes a dead one's place takes
/// over its buffers. A claimed message is filled in the ring, a borrowed one is a copy: receiving copies the message and then
/// consumes it. So a receiver that is killed takes at most one message with it, which is not seen; none is seen twice.
struct mpmc {
    static constexpr char const* name = "mpmc";
};

/// The memory of a ring that names none: shared memory of the host, with a name, or without one for a pair. It does not
/// outlive a reboot. Other kinds, each in a header of its own: mapped_file, sysv_memory; and, around one of these, prefaulted
/// and huge_pages.
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

/// A ring in shared memory. No system call is made while no end has to wait.
///
/// `Topology` says who sends and who receives, and what they may rely on; each has its promises and limits in its own
/// description: spsc, mpsc and mpmc here, broadcast<lossy>, broadcast<latest> and broadcast<lossless> in
/// <strait/transport/shm_broadcast.hpp>. `Wait` says how an end waits (busy_spin, yielding, adaptive in <strait/wait.hpp>); the
/// ends of one ring may wait in different ways. `Memory` says where the ring lies.
///
/// All of the memory is allocated when the channel is created, or, for `mpsc`, when a sender joins. While a sender waits for
/// room, it sees room at once after each 64 KiB or quarter of the capacity, and to the last message within 50 ms.
///
/// Peers are trusted with the messages and not with this process: whatever they write into the shared memory, an end
/// reports errc::peer_corrupt or shows wrong bytes, but touches nothing outside. Truncating the memory of a channel in use
/// still raises SIGBUS in each process that uses it. A message shown in place can change while it is looked at.
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
