// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_SHM_BROADCAST_HPP
#define STRAIT_TRANSPORT_SHM_BROADCAST_HPP

#include <strait/detail/broadcast/lossless_reader.hpp>
#include <strait/detail/broadcast/lossless_writer.hpp>
#include <strait/detail/broadcast/lossy_record_reader.hpp>
#include <strait/detail/broadcast/lossy_record_writer.hpp>
#include <strait/detail/broadcast/lossy_slots.hpp>
#include <strait/detail/ring/pair.hpp>
#include <strait/detail/ring/receiver.hpp>
#include <strait/detail/ring/sender.hpp>
#include <strait/transport.hpp>

#include <type_traits>

namespace strait {

/// A topology with one sender and many receivers: broadcast<lossy>. The sender is wait-free and never waits: it overwrites the
/// oldest message, and goes on without any receiver.
///
/// Receivers, up to 4,096, change nothing that the sender looks at, so they can slow down neither it nor each other. They
/// are as wait-free as it lets them be: a copy is thrown away when a whole lap was made meanwhile. A receiver that was too
/// slow goes on with the oldest message that is there. stats().dropped counts exactly what it has missed: by how much it grew
/// over a receive is how many messages are missing before the one received. stats().depth of a receiver is how far it is
/// behind. Receiving copies.
///
/// A message that is claimed takes the place of the oldest at once, also if it is not committed. Messages that vary have up
/// to a quarter of options.capacity bytes less 40 (more for an alignment above 8), 1 MiB or eight times
/// options.max_message_size by default; each takes 16 bytes and its size rounded up to 8, and is overwritten up to a sixteenth
/// of the capacity before its bytes are needed.
///
/// A receiver that joins gets the last options.history messages first, in order, and then what follows them. They are those
/// that the ring still holds: the others of them count as dropped, exactly. A history that no ring of this capacity can hold is
/// refused with errc::history_too_large. It costs the sender nothing and the receiver, when it joins, a walk over at most
/// a sixteenth of the ring where messages vary.
struct lossy {
    static constexpr char const* name = "lossy";
};

/// A topology with one sender and many receivers, each of which gets only the newest message: broadcast<latest>. For receivers
/// to which an old message is worth nothing: states, prices, positions.
///
/// Each message that is received is the newest when it is looked for. Those sent since the one before are skipped, and
/// counted in stats().dropped as if they had been overwritten; stats().depth says how far the receiver was behind. A message
/// that a receiver has received or borrowed stays as it is. Finding the newest takes the same time however many were skipped.
/// The sender is that of `lossy`, and so is the channel: it can have receivers of both kinds, and each gets what it asks for.
///
/// A receiver that joins gets the present value at once: the message that was sent last, if there was any. receiver::current()
/// shows it again and again, and takes nothing. With options.keep it stays when all ends have left or were killed, and the next
/// sender replaces it with its first message. A sender that is killed at any moment leaves the old value or the new one.
struct latest {
    static constexpr char const* name = "latest";
};

/// A topology with one sender and many receivers, each of which gets every message: broadcast<lossless>. A full ring makes its
/// sender wait for room until the slowest receiver has made it, however long that is stopped.
///
/// Committing and reading are wait-free. The sender finds by its lock a receiver that was killed, when the ring is full, and
/// waits for it no longer. At most 64 receivers; one more is refused with errc::busy. Messages are read where they lie.
///
/// A sender waits up to options.connect_timeout for its first receiver. One that never waits (`try_send`, or a poll) reports
/// errc::no_receiver meanwhile, and may try again.
///
/// With options.history of who creates the channel, the sender leaves so many of the last messages as they are, in memory beside
/// options.capacity, and a receiver that asks for that many or fewer gets them first, in order, and then what follows. Where
/// sizes vary, give options.max_message_size, too: then all of them fit. Without it the channel keeps as many bytes as it has
/// capacity, takes messages of less than half of that, and counts what a receiver has asked for and does not get as dropped.
/// An end that asks for more than the channel keeps is refused with errc::history_too_large. A history needs no receiver to be
/// kept, but the sender needs one to send.
///
/// When all receivers have left or died, operations report errc::no_receiver
/// until another one joins; the sender may send as much as one capacity before it notices that, and no receiver gets it.
struct lossless {
    static constexpr char const* name = "lossless";
};

/// One sender and many receivers, each message to every receiver: a topology of shm_ring, which
/// <strait/transport/shm_ring.hpp> has. `Overflow` says what happens when the ring is full, and has the promises and limits:
/// lossy, latest or lossless. Capacities and sizes are those of `spsc` unless it says otherwise.
///
/// A receiver begins where the sender was when it joined, or as many messages before as its options.history says; of
/// `latest` with the last one. No message waits for a later receiver: what lies in the ring when all ends have left is gone,
/// unless options.keep is set. A message exists once it is committed, also when its sender is killed next, and the next sender goes on
/// behind it. A message that a receiver was working on when it was killed is lost with it. A pair has one sender and one
/// receiver.
template <class Overflow>
struct broadcast {
    static constexpr char const* name = "broadcast";
};

namespace detail {

template <message_layout L>
using lossy_writer = std::conditional_t<L.fixed_size == 0, lossy_record_writer<L>, lossy_slot_writer<L>>;

template <message_layout L, bool Newest = false>
using lossy_reader = std::conditional_t<L.fixed_size == 0, lossy_record_reader<L, Newest>, lossy_slot_reader<L, Newest>>;

template <waiting_strategy Wait>
struct ring_topology<broadcast<lossy>, Wait> {
    static constexpr transport_guarantees guarantees{
        .name = "shm_ring<broadcast<lossy>>",
        .receivers = multiplicity::many,
        .delivery = delivery_mode::each_to_all,
        .reliable = false,
        .has_history = true,
        .bounded = false,
        .nameless = true,
        .committed_when = commit_point::stored,
    };

    template <message_layout L, class G>
    using sender = ring_sender<L, Wait, G, lossy_writer<L>>;
    template <message_layout L, class G>
    using receiver = ring_receiver<L, Wait, G, lossy_reader<L>>;
    template <message_layout L>
    using geometry = lossy_geometry<L>;
    using mechanism = lossy_mechanism;
};

template <waiting_strategy Wait>
struct ring_topology<broadcast<latest>, Wait> : ring_topology<broadcast<lossy>, Wait> {
    static constexpr transport_guarantees guarantees = [] {
        transport_guarantees g = ring_topology<broadcast<lossy>, Wait>::guarantees;
        g.name = "shm_ring<broadcast<latest>>";
        g.has_history = false;
        g.shows_present = true;
        return g;
    }();

    template <message_layout L, class G>
    using receiver = ring_receiver<L, Wait, G, lossy_reader<L, true>>;
};

template <waiting_strategy Wait>
struct ring_topology<broadcast<lossless>, Wait> {
    static constexpr transport_guarantees guarantees{
        .name = "shm_ring<broadcast<lossless>>",
        .receivers = multiplicity::many,
        .delivery = delivery_mode::each_to_all,
        .has_history = true,
        .zero_copy = true,
        .nameless = true,
        .committed_when = commit_point::stored,
    };

    template <message_layout L, class G>
    using sender = ring_sender<L, Wait, G, lossless_writer<L>>;
    template <message_layout L, class G>
    using receiver = ring_receiver<L, Wait, G, lossless_reader<L>>;
    template <message_layout L>
    using geometry = lossless_geometry<L>;
    using mechanism = lossless_mechanism;
};

}  // namespace detail

}  // namespace strait

#endif
