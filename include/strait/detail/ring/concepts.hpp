// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_CONCEPTS_HPP
#define STRAIT_DETAIL_RING_CONCEPTS_HPP

#include <strait/detail/wait/eventcount.hpp>
#include <strait/detail/wait/sleep_word.hpp>
#include <strait/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// What ring_sender (ring/sender.hpp) and ring_receiver (ring/receiver.hpp) ask of a topology: one class that writes messages
// into the shared memory and one that reads them. These classes never wait and make no system call; the ends do. They know
// where the messages are and who may read or overwrite them; the ends know nothing of that.
namespace strait::detail {

// What both sides have in common. `View` is how the topology's geometry describes the mapped memory.
//
//   pace          nanoseconds between two polls: more where a message touches more lines than the one that is polled
//   attach(v)     begins where the last end of this role has stopped, or at the end of what was sent, as the topology
//                 promises. peer_corrupt: the memory says what no end could have left there. out_of_memory
//   detach()      the memory is used no longer. Afterwards each operation finds no room or no message, and a late commit()
//                 or release() changes nothing that another end sees. Safe in a child of fork()
//   messages(), bytes()   how many were sent or received since attach()
//   depth()       optional: for channel_stats::depth
//   dropped()     optional: for channel_stats::dropped
template <class Side, class View>
concept ring_side = std::movable<Side> && std::default_initializable<Side> && requires(Side& s, Side const& c, View const& v) {
    { Side::pace } -> std::convertible_to<unsigned>;
    { s.attach(v) } noexcept -> std::same_as<error_code>;
    { s.detach() } noexcept;
    { c.messages() } noexcept -> std::same_as<std::uint64_t>;
    { c.bytes() } noexcept -> std::same_as<std::uint64_t>;
};

// What a writer has that overwrites the oldest message, and for which a sender therefore never waits.
//
//   has_room(n)   whether a message of n bytes can be written. False only for a size that is too large, and when detached
//   room(n)       where it is to be written, n bytes or more
//   commit(used)  the first `used` bytes there are a message from now on
//   too_large(n)  whether a message of n bytes is larger than any that fits
//   receivers()   the sleep word of the receivers (wait/sleep_word.hpp), or what stands for it
template <class Writer, class View>
concept overwriting_ring_writer = ring_side<Writer, View> && requires(Writer& w, Writer const& c, std::size_t n, asymmetric_fence const& f) {
    { w.has_room(n) } noexcept -> std::same_as<bool>;
    { w.room(n) } noexcept -> std::same_as<std::span<std::byte>>;
    { w.commit(n) } noexcept;
    { c.too_large(n) } noexcept -> std::same_as<bool>;
    { peer_sleeps(c.receivers(), f) } noexcept -> std::same_as<bool>;
    wake_peer(c.receivers(), 0);
    wake_from_futex(c.receivers());
};

// What a writer has besides whose sender waits for room.
//
//   refresh(n)    a cheap look whether the receivers have posted more room: enough for n bytes
//   inspect(n)    a thorough look. Success: there is room. peer_corrupt: no receiver could have left the memory so. Nothing:
//                 it is full
//   senders()     the sleep word of this sender, or of all senders
//   copy_in(message, begun)   optional, for large messages: copies so that receivers can follow (ring/slot_progress.hpp)
template <class Writer, class View>
concept ring_writer = overwriting_ring_writer<Writer, View> && requires(Writer& w, Writer const& c, std::size_t n, asymmetric_fence const& f) {
    { w.refresh(n) } noexcept -> std::same_as<bool>;
    { w.inspect(n) } noexcept -> std::same_as<std::optional<error_code>>;
    await_doorbell(c.senders(), f);
    stop_awaiting_doorbell(c.senders());
};

// What a writer has besides whose commit() may find that other senders have filled the ring since has_room(): the message
// then stays staged.
//
//   is_staged()   whether a committed message is not in the ring yet
//   put()         puts it there if there is room now; returns whether it is there
//   withdraw()    the message is no message any more
template <class Writer>
concept staging_ring_writer = requires(Writer& w, Writer const& c) {
    { c.is_staged() } noexcept -> std::same_as<bool>;
    { w.put() } noexcept -> std::same_as<bool>;
    { w.withdraw() } noexcept;
};

// What a reader has. One that copies messages out of the ring takes the next one with look(), and shows its copy.
//
//   look()        whether a message is there. message() shows it from then on, and look() stays true, until release()
//   message()     the message that look() has found
//   release()     it is consumed. True: it is time to post()
//   room_is_due() whether look() has consumed so much that it is time to post()
//   inspect()     a thorough look. Success: a message is there, as after look(). peer_corrupt: what is there no sender has
//                 written. Nothing: none is there
//   post_and_wake(fence, doorbell)   tells the senders how much room there is, and wakes those that wait for it
//   posted()      whether the senders know of all room
//   receivers()   the sleep word of this receiver, or of all receivers, or what stands for it
//   leave()       the sender waits for this receiver no longer; called while its place is still locked
//   left()        wakes a sender for which that was all it waited for; called when the place is free
//   has_message() optional: whether a message seems to be there, where that costs less than look()
//   progress(), partly_written()   optional, for large messages: ring/slot_progress.hpp
template <class Reader, class View>
concept ring_reader = ring_side<Reader, View> && requires(Reader& r, Reader const& c, asymmetric_fence const& f) {
    { r.look() } noexcept -> std::same_as<bool>;
    { c.message() } noexcept -> std::same_as<std::span<std::byte const>>;
    { r.release() } noexcept -> std::same_as<bool>;
    { c.room_is_due() } noexcept -> std::same_as<bool>;
    { r.inspect() } noexcept -> std::same_as<std::optional<error_code>>;
    { r.post_and_wake(f, 0) } noexcept;
    { c.posted() } noexcept -> std::same_as<bool>;
    await_doorbell(r.receivers(), f);
    stop_awaiting_doorbell(r.receivers());
    { r.leave() } noexcept;
    { r.left() } noexcept;
};

// For a reader that does nothing at these moments. Those of a reader whose sender waits for no receiver have no room to post.
struct ring_reader_defaults {
    static constexpr bool posted() noexcept { return true; }
    static constexpr void post_and_wake(asymmetric_fence const&, int) noexcept {}
    static constexpr bool room_is_due() noexcept { return false; }
    static constexpr void leave() noexcept {}
    static constexpr void left() noexcept {}
};

}  // namespace strait::detail

#endif
