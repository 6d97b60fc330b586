// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_CHANNEL_HPP
#define STRAIT_CHANNEL_HPP

#include <strait/receiver.hpp>
#include <strait/sender.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace strait {

/// The names of a channel that carries T over X: its two ends, and what belongs to neither. There is no channel object; a
/// process has an end of it.
///
///     using feed = strait::channel<trade, strait::shm_ring<>>;
///     feed::sender out{"trades"};   // in one process
///     feed::receiver in{"trades"};  // in another one
///
/// Without a name, for threads, and for a process and its child:
///
///     auto [out, in] = feed::make_pair().split();   // both ends here, for two threads
///
///     auto ends = feed::make_pair();                // one end in each process
///     if (fork() == 0)
///         produce(std::move(ends).sender());        // in the child
///     else
///         consume(std::move(ends).receiver());      // in the parent
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

    /// Not there: a process opens an end of a channel.
    template <class... Arguments>
    explicit channel(Arguments const&...)
    {
        static_assert(sizeof...(Arguments) == static_cast<std::size_t>(-1),
                      "strait: there is no channel object: open strait::sender<T, X> in one process and strait::receiver<T, X> in "
                      "the other one by the same name, or call make_pair()");
    }

    /// Makes a channel without a name and returns both of its ends, for threads, for a child of fork(), for tests. Throws what
    /// limit of the system was met.
    [[nodiscard]] static auto make_pair(options const& how = {})
    {
        static_assert(X::guarantees.nameless,
                      "strait: this transport has no nameless channels (guarantees.nameless): open both ends by an "
                      "endpoint, or choose another transport");
        return pair(pair::inner::make(how, detail::message_type_of<T>()).value(), how.linger);
    }

    /// Removes the name and everything that lies under it, unread messages too, whatever its content. Living ends
    /// receive what was sent before; where they would wait they report errc::removed. A System V queue goes at once,
    /// with what is in it. Success also when there was nothing.
    static result<void> remove(endpoint const& where) { return X::remove(where); }

    /// Waits until all that the ends have done so far is on the disk, where the channel lies on one.
    [[nodiscard]] static result<void> sync(endpoint const& where)
        requires requires { X::sync(where); }
    {
        return X::sync(where);
    }
};

/// Both ends of a channel without a name, before they are taken. Take one in each process, after fork(), or both with split()
/// for threads. A peer that dies before it took its end, or drops the pair, counts as one that has joined and died.
///
/// Distinct objects: safe. Shared objects: unsafe. Move only; meant to be carried over fork().
template <class T, class X>
class channel<T, X>::pair {
public:
    /// Takes the sender into this process and closes the other role here: `std::move(ends).sender()`. Throws as opening does.
    [[nodiscard]] strait::sender<T, X> sender() && { return {std::move(ends_).sender().value(), linger_}; }

    /// Takes the receiver into this process and closes the other role here: `std::move(ends).receiver()`. Throws as opening
    /// does.
    [[nodiscard]] strait::receiver<T, X> receiver() && { return {std::move(ends_).receiver().value(), linger_}; }

    /// Takes both ends, for two threads of this process: `std::move(ends).split()`, or `make_pair().split()`.
    [[nodiscard]] std::pair<strait::sender<T, X>, strait::receiver<T, X>> split() &&
    {
        auto both = std::move(ends_).split().value();
        return {strait::sender<T, X>(std::move(both.first), linger_), strait::receiver<T, X>(std::move(both.second), linger_)};
    }

    /// Not there: a pair gives its ends away.
    template <class Never = void>
    strait::sender<T, X> sender() &
    {
        static_assert(!std::is_void_v<Never>, "strait: a pair gives its sender away: write std::move(pair).sender()");
    }
    /// Not there: a pair gives its ends away.
    template <class Never = void>
    strait::receiver<T, X> receiver() &
    {
        static_assert(!std::is_void_v<Never>, "strait: a pair gives its receiver away: write std::move(pair).receiver()");
    }
    /// Not there: a pair gives its ends away.
    template <class Never = void>
    std::pair<strait::sender<T, X>, strait::receiver<T, X>> split() &
    {
        static_assert(!std::is_void_v<Never>, "strait: a pair gives both ends away: write std::move(pair).split()");
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
