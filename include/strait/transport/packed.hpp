// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_PACKED_HPP
#define STRAIT_TRANSPORT_PACKED_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/queue/packed_receiver.hpp>
#include <strait/detail/queue/packed_sender.hpp>
#include <strait/transport.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

namespace strait {

/// A transport over a queue of the kernel whose messages can be packs: posix_mqueue and sysv_mqueue.
template <class X>
concept packable_transport = requires
{
    X::packs::name;
    requires byte_transport<X>;
};

/// posix_mqueue or sysv_mqueue whose batches share messages of the kernel: as many small messages as fit into 8 KiB
/// take one system call at each end.
///
///     strait::sender<trade, strait::packed<strait::posix_mqueue>> out{"trades"};
///
/// That costs a promise: when a receiver is killed, the rest of the pack that it has in use is lost. So `retained` is
/// false, with all that follows: the channel and its unread messages go with its last participant, a sender waits for
/// the first receiver (one that does not wait reports `no_receiver`), and `no_receiver` is reported when the last
/// receiver has left or died.
///
/// A pack is accepted or refused as a whole. A message that is sent alone is a pack of one: for these X is faster.
/// `options.capacity` is in packs. `options.max_message_size`, for types that vary in size, is that of one message in
/// bytes, 8,184 by default; a larger one makes larger packs. Limits and errors are those of X. An end over X and one
/// over packed<X> do not fit together: `transport_mismatch`.
///
/// Distinct objects: safe. Shared objects: unsafe.
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

private:
    // A message that is larger than what a pack usually takes has a pack of its size.
    static options pack_options(message_layout const& l, options how)
    {
        std::size_t const message = l.fixed_size != 0 ? l.fixed_size : how.max_message_size;
        std::size_t const needed =
            message == 0 || message > guarantees.max_message_size ? message : detail::stream_frame::bytes(message);
        how.max_message_size = needed > packs::member::usual_size() ? needed : 0;
        return how;
    }

    // Distinct objects: safe. Shared objects: unsafe.
    template <message_layout L, class Inner, class Base>
    class end : public Base {
    public:
        static result<end> open(endpoint const& where, options const& how, message_type const& type)
        {
            auto inner = Inner::open(where, pack_options(L, how), type);
            if (!inner)
                return inner.error();
            return end(Base(std::move(*inner), how.linger));
        }

    private:
        explicit end(Base b) : Base(std::move(b)) {}
    };

    template <message_layout L>
    using inner_sender = typename packs::template sender_end<detail::pack_layout(L)>;
    template <message_layout L>
    using inner_receiver = typename packs::template receiver_end<detail::pack_layout(L)>;

public:
    template <message_layout L>
    using sender_end = end<L, inner_sender<L>, detail::packed_sender<L, inner_sender<L>>>;
    template <message_layout L>
    using receiver_end = end<L, inner_receiver<L>, detail::packed_receiver<L, inner_receiver<L>>>;

    /// Removes the channel as X::remove() does, with its errors.
    static result<void> remove(endpoint const& where) { return X::remove(where); }
};

}  // namespace strait

#endif
