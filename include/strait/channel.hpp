// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_CHANNEL_HPP
#define STRAIT_CHANNEL_HPP

#include <strait/receiver.hpp>
#include <strait/sender.hpp>

#include <utility>

namespace strait {

/// Names what belongs together: the two ends of a channel that carries T over X, and what belongs to neither.
///
///     using feed = strait::channel<trade, strait::shm_ring<>>;
///     feed::sender out{"trades"};
///     feed::receiver in{"trades"};
template <class T, class X>
class channel {
    static_assert(transport<X>, "strait: the second argument of channel must be a transport, such as strait::shm_ring<>");

public:
    using value_type = T;
    using transport_type = X;
    using sender = strait::sender<T, X>;
    using receiver = strait::receiver<T, X>;
    using options = typename X::options;
    static constexpr transport_guarantees guarantees = X::guarantees;

    class pair;

    /// A channel without a name: for threads, for a child of fork(), for tests. Throws what limit of the system was met.
    [[nodiscard]] static auto make_pair(options const& how = {})
    {
        static_assert(X::guarantees.nameless,
                      "strait: this transport has no nameless channels (guarantees.nameless): open both ends by an "
                      "endpoint, or choose another transport");
        return pair(pair::inner::make(how, detail::type_name<T>()).value(), how.linger);
    }

    /// Removes the name and everything that lies under it, unread messages too; living ends go on without it,
    /// but over a System V queue, which goes at once (errc::removed). Content that is damaged, or of another type, does not
    /// matter. Success also when there was nothing.
    static result<void> remove(endpoint const& where) { return X::remove(where); }

    /// Returns when all that the ends have done so far is on the disk, where the channel lies on one.
    [[nodiscard]] static result<void> sync(endpoint const& where)
        requires requires { X::sync(where); }
    {
        return X::sync(where);
    }
};

/// Two ends that nobody has taken yet. Take one in each process, after fork(), or both with split() for threads. A peer
/// that dies before it took its end, or drops the pair, counts as one that has joined and died.
///
/// Distinct objects: safe. Shared objects: unsafe. Move only; meant to be carried over fork().
template <class T, class X>
class channel<T, X>::pair {
public:
    /// Keeps the sender in this process and closes the other role here. Throws as opening does.
    [[nodiscard]] strait::sender<T, X> sender() && { return {std::move(ends_).sender().value(), linger_}; }

    /// Keeps the receiver in this process and closes the other role here.
    [[nodiscard]] strait::receiver<T, X> receiver() && { return {std::move(ends_).receiver().value(), linger_}; }

    /// Both ends, for threads of this process.
    [[nodiscard]] std::pair<strait::sender<T, X>, strait::receiver<T, X>> split() &&
    {
        auto both = std::move(ends_).split().value();
        return {strait::sender<T, X>(std::move(both.first), linger_), strait::receiver<T, X>(std::move(both.second), linger_)};
    }

private:
    friend class channel;
    using inner = typename detail::ends<T, X>::template pair<>;

    pair(inner ends, std::chrono::nanoseconds linger) : ends_(std::move(ends)), linger_(linger) {}

    inner ends_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait

#endif
