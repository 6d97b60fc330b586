// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_PRIORITIZED_HPP
#define STRAIT_TRANSPORT_PRIORITIZED_HPP

#include <strait/transport.hpp>

namespace strait {

/// A transport over a queue of the kernel that can order by priority.
template <class X>
concept prioritizable_transport = requires
{
    X::priorities::name;
    requires byte_transport<X>;
};

/// sysv_mqueue whose receivers get the most urgent message first:
///
///     strait::sender<order, strait::prioritized<strait::sysv_mqueue>> out{"orders"};
///     out.send(buy);          // priority 0, the lowest
///     out.set_priority(255);  // the highest: for all that is sent from now on
///     out.send(cancel);       // is received before any order that waits
///
/// Each sender sets its own, at any time. That costs a promise: `ordered` is false. Messages of the same priority arrive in
/// the order sent, those of a lower one wait for as long as there are others. In all else this is X: a full queue keeps
/// urgent messages out, too, and each of them is in the kernel, or is not, when send returns. The kernel looks through all
/// that waits for each message that is received. The two are different transports to each other; what another program
/// sends of a type that is no priority of ours is `malformed_message`.
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

    /// As X::remove().
    static result<void> remove(endpoint const& where) { return X::remove(where); }
};

}  // namespace strait

#endif
