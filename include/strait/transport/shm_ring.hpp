// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_SHM_RING_HPP
#define STRAIT_TRANSPORT_SHM_RING_HPP

#include <strait/detail/companion_door.hpp>
#include <strait/detail/companion_pair.hpp>
#include <strait/detail/ring_geometry.hpp>
#include <strait/detail/ring_receiver.hpp>
#include <strait/detail/ring_sender.hpp>
#include <strait/transport.hpp>

#include <cerrno>
#include <chrono>
#include <concepts>
#include <optional>
#include <string_view>
#include <utility>

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
class shm_ring {
    static_assert(std::same_as<Topology, spsc>, "strait: the topology of shm_ring is spsc: there is no ring for another one");
    static_assert(std::same_as<Memory, posix_memory>, "strait: the memory of shm_ring is posix_memory: there is no other");

public:
    static constexpr transport_guarantees guarantees{
        .name = "shm_ring",
        .retained = true,
        .zero_copy = true,
        .nameless = true,
        .committed_when = commit_point::stored,
    };

    using options = channel_options;

    template <message_layout L>
    class sender_end;
    template <message_layout L>
    class receiver_end;
    template <message_layout L>
    class pair;

    /// Removes a ring of this name, unread messages too. Success also when there is none.
    static result<void> remove(endpoint const& where)
    {
        // Whoever may unlink there may remove: what others may do with the directory is not asked.
        auto const place = detail::location::find(where, access_mode::everyone);
        if (!place)
            return place.error();
        auto const removed = door::remove(*place, deadline::after(patience));
        if (!removed && removed.error() == error_code(ENOENT, boost::system::system_category()))
            return {};
        return removed;
    }

private:
    using door = detail::companion_door<detail::ring_mechanism>;

    // How long opening waits for others that are just opening or leaving: a few system calls, unless they are stopped.
    static constexpr std::chrono::seconds patience{5};

    static constexpr std::string_view mechanism_name = "shm_ring/spsc";

    template <message_layout L>
    static result<detail::channel_traits> traits(options const& how, std::string_view type_name)
    {
        return detail::ring_geometry<L>::traits(mechanism_name, type_name, how.capacity, how.max_message_size, how.keep);
    }

    template <class End, message_layout L>
    static result<End> open_end(endpoint const& where, options const& how, std::string_view type_name, detail::role r)
    {
        auto place = detail::location::find(where, how.access);
        if (!place)
            return place.error();
        auto const wanted = traits<L>(how, type_name);
        if (!wanted)
            return wanted.error();
        detail::ring_mechanism mechanism{L.fixed_size == 0};
        auto joined = door::join(*place, *wanted, r, 1, mechanism, deadline::after(patience));
        if (!joined)
            return joined.error();
        return End::enter(std::move(*joined), std::move(*place), how.linger);
    }

    template <class Ring>
    static channel_stats count(Ring const& ring, std::uint64_t waits) noexcept
    {
        channel_stats s;
        s.messages = ring.messages();
        s.bytes = ring.bytes();
        s.waits = waits;
        return s;
    }
};

/// Distinct objects: safe. Shared objects: unsafe.
template <class Topology, waiting_strategy Wait, class Memory>
template <message_layout L>
class shm_ring<Topology, Wait, Memory>::sender_end : public detail::ring_sender<L, Wait> {
    using base = detail::ring_sender<L, Wait>;

public:
    static result<sender_end> open(endpoint const& where, options const& how, std::string_view type_name)
    {
        return open_end<sender_end, L>(where, how, type_name, detail::role::sender);
    }

    channel_stats stats() const noexcept
    {
        channel_stats s = count(base::messages(), base::waits());
        s.depth = base::messages().depth();
        return s;
    }

private:
    friend shm_ring;
    using base::base;

    static result<sender_end> enter(detail::companion c, std::optional<detail::location> where, std::chrono::nanoseconds linger)
    {
        auto ring = base::attach(c, where);
        if (!ring)
            return ring.error();
        return sender_end(*ring, std::move(c), std::move(where), linger);
    }
};

/// Distinct objects: safe. Shared objects: unsafe.
template <class Topology, waiting_strategy Wait, class Memory>
template <message_layout L>
class shm_ring<Topology, Wait, Memory>::receiver_end : public detail::ring_receiver<L, Wait> {
    using base = detail::ring_receiver<L, Wait>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, std::string_view type_name)
    {
        return open_end<receiver_end, L>(where, how, type_name, detail::role::receiver);
    }

    channel_stats stats() const noexcept { return count(base::messages(), base::waits()); }

private:
    friend shm_ring;
    using base::base;

    static result<receiver_end> enter(detail::companion c, std::optional<detail::location> where, std::chrono::nanoseconds linger)
    {
        auto ring = base::attach(c, where);
        if (!ring)
            return ring.error();
        return receiver_end(*ring, std::move(c), std::move(where), linger);
    }
};

/// Memory without a name, for threads and for children of fork(). Move only.
template <class Topology, waiting_strategy Wait, class Memory>
template <message_layout L>
class shm_ring<Topology, Wait, Memory>::pair {
public:
    static result<pair> make(options const& how, std::string_view type_name)
    {
        auto const wanted = traits<L>(how, type_name);
        if (!wanted)
            return wanted.error();
        auto made = detail::companion_pair::make(*wanted, detail::ring_mechanism{L.fixed_size == 0}.mirrored(wanted->size));
        if (!made)
            return made.error();
        return pair(std::move(*made), how.linger);
    }

    result<sender_end<L>> sender() &&
    {
        auto c = std::move(inner_).take(detail::role::sender);
        if (!c)
            return c.error();
        return sender_end<L>::enter(std::move(*c), std::nullopt, linger_);
    }

    result<receiver_end<L>> receiver() &&
    {
        auto c = std::move(inner_).take(detail::role::receiver);
        if (!c)
            return c.error();
        return receiver_end<L>::enter(std::move(*c), std::nullopt, linger_);
    }

    result<std::pair<sender_end<L>, receiver_end<L>>> split() &&
    {
        auto both = std::move(inner_).split();
        if (!both)
            return both.error();
        auto s = sender_end<L>::enter(std::move(both->first), std::nullopt, linger_);
        if (!s)
            return s.error();
        auto r = receiver_end<L>::enter(std::move(both->second), std::nullopt, linger_);
        if (!r)
            return r.error();
        return std::pair(std::move(*s), std::move(*r));
    }

private:
    pair(detail::companion_pair inner, std::chrono::nanoseconds linger) : inner_(std::move(inner)), linger_(linger) {}

    detail::companion_pair inner_;
    std::chrono::nanoseconds linger_;
};

static_assert(byte_transport<shm_ring<>> && byte_transport<shm_ring<spsc, busy_spin>> && byte_transport<shm_ring<spsc, yielding>>);

}  // namespace strait

#endif
