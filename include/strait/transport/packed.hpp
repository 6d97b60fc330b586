// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_PACKED_HPP
#define STRAIT_TRANSPORT_PACKED_HPP

#include <strait/detail/packed_receiver.hpp>
#include <strait/detail/packed_sender.hpp>
#include <strait/detail/stream_wire.hpp>
#include <strait/transport.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

namespace strait {

/// A transport over a queue of the kernel that can pack.
template <class X>
concept packable_transport = requires
{
    X::packs::name;
    requires byte_transport<X>;
};

/// posix_mqueue or sysv_mqueue whose batches share messages of the kernel: as many small ones as fit into 8 KiB take
/// one system call at each end.
///
///     strait::sender<trade, strait::packed<strait::posix_mqueue>> out{"trades"};
///
/// That costs a promise: with a receiver that is killed the rest of the pack in its hands is lost. So `retained` is
/// false, and all that belongs to it: the channel goes with its last participant, what is unread too, a sender's first
/// operation waits for a receiver, and no_receiver is reported when the last one has left or died.
///
/// A pack is accepted or refused as a whole. Single messages have one each: there X is faster. options.capacity is
/// packs; options.max_message_size, for types that vary, is of one message, up to 8,184 bytes by default; a larger one
/// makes the packs as large. Limits and errors are those of X; the two are different transports to each other.
template <packable_transport X>
class packed {
    using packs = typename X::packs;

public:
    static constexpr transport_guarantees guarantees = [] {
        transport_guarantees g = X::guarantees;
        g.name = packs::name;
        g.retained = false;
        g.max_message_size = g.max_message_size / 8 * 8 - sizeof(detail::stream_frame);
        return g;
    }();

    using options = channel_options;

    template <message_layout L>
    class sender_end;
    template <message_layout L>
    class receiver_end;

    /// As X::remove().
    static result<void> remove(endpoint const& where) { return X::remove(where); }

private:
    // A message that is larger than what a pack usually takes has a pack of its size.
    template <message_layout L>
    static options pack_options(options how)
    {
        std::size_t const message = L.fixed_size != 0 ? L.fixed_size : how.max_message_size;
        std::size_t const needed =
            message == 0 || message > guarantees.max_message_size ? message : detail::stream_frame::bytes(message);
        how.max_message_size = needed > packs::member::usual_size() ? needed : 0;
        return how;
    }
};

/// Distinct objects: safe. Shared objects: unsafe.
template <packable_transport X>
template <message_layout L>
class packed<X>::sender_end
    : public detail::packed_sender<L, typename packed<X>::packs::template sender_end<detail::pack_layout(L)>> {
    using inner = typename packs::template sender_end<detail::pack_layout(L)>;
    using base = detail::packed_sender<L, inner>;

public:
    static result<sender_end> open(endpoint const& where, options const& how, std::string_view type_name)
    {
        auto end = inner::open(where, pack_options<L>(how), type_name);
        if (!end)
            return end.error();
        return sender_end(base(std::move(*end), how.linger));
    }

private:
    explicit sender_end(base s) : base(std::move(s)) {}
};

/// Distinct objects: safe. Shared objects: unsafe.
template <packable_transport X>
template <message_layout L>
class packed<X>::receiver_end
    : public detail::packed_receiver<L, typename packed<X>::packs::template receiver_end<detail::pack_layout(L)>> {
    using inner = typename packs::template receiver_end<detail::pack_layout(L)>;
    using base = detail::packed_receiver<L, inner>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, std::string_view type_name)
    {
        auto end = inner::open(where, pack_options<L>(how), type_name);
        if (!end)
            return end.error();
        return receiver_end(base(std::move(*end)));
    }

private:
    explicit receiver_end(base r) : base(std::move(r)) {}
};

}  // namespace strait

#endif
