// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_PRIORITIZED_HPP
#define STRAIT_TRANSPORT_PRIORITIZED_HPP

#include <strait/transport.hpp>

namespace strait {

/// A transport over a queue of the kernel that can order messages by priority: sysv_mqueue.
template <class X>
concept prioritizable_transport = requires
{
    X::priorities::name;
    requires byte_transport<X>;
};

/// sysv_mqueue whose receivers get the message of the highest priority first:
///
///     strait::sender<order, strait::prioritized<strait::sysv_mqueue>> out{"orders"};
///     out.send(buy);          // priority 0, the lowest
///     out.set_priority(255);  // the highest, for all messages that are sent from now on
///     out.send(cancel);       // is received before all orders that are waiting
///
/// Each sender sets its own priority, at any time. That costs a promise: `ordered` is false. Messages of one priority
/// arrive in the order in which they were sent; those of a lower one wait as long as there are others. In all else this
/// is X: a full queue does not take urgent messages either, and when send() returns a message is in the kernel, or it
/// is not. For each message that is received the kernel looks through all that are waiting. An end over X and one over
/// prioritized<X> do not fit together: `transport_mismatch`. A message of another program whose type is none of our
/// priorities is `malformed_message`.
///
/// Distinct objects: safe. Shared objects: unsafe.
template <prioritizable_transport X>
class prioritized {
    using priorities = typename X::priorities;

public:
    static constexpr transport_guarantees guarantees = [] {
        transport_guarantees g = X::guarantees;
        g.name = priorities::name;
        g.ordered = false;
        return g;
    }();

    using options = typename X::options;

    template <message_layout L>
    using sender_end = typename priorities::template sender_end<L>;
    template <message_layout L>
    using receiver_end = typename priorities::template receiver_end<L>;

    /// Removes the channel as X::remove() does, with its errors.
    static result<void> remove(endpoint const& where) { return X::remove(where); }
};

}  // namespace strait

#endif
