// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_POLLED_HPP
#define STRAIT_TRANSPORT_POLLED_HPP

#include <strait/detail/wait/wait_for_peer.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace strait {

/// A transport whose receivers poll the kernel and never sleep in it. They see a message without the wake-up for which a
/// receiver that sleeps must wait; each waiting receiver keeps a core busy.
///
///     strait::receiver<trade, strait::polled<strait::unix_stream>> in{"trades"};
///
/// `busy_spin` gives the core away only now and then, `yielding` after each miss, for more receivers than cores. Without
/// `polled` a receiver polls for 30 us, as long as that pays, and then sleeps. The channel is that of `X`, and so are its
/// options, limits and promises: each end chooses for itself, and the other one does not notice. Senders are those of `X`.
/// Rings do not need it: their second template argument says how an end waits.
template <byte_transport X, waiting_strategy Wait = busy_spin>
    requires(!Wait::sleeps)
class polled {
public:
    static constexpr transport_guarantees guarantees = X::guarantees;
    using options = typename X::options;
    /// How its receivers wait.
    using waiting = Wait;

    /// Removes what X::remove() does.
    static result<void> remove(endpoint const& where) { return X::remove(where); }

    template <message_layout L>
    using sender_end = typename X::template sender_end<L>;
    template <message_layout L>
    class receiver_end;
    template <message_layout L>
    class pair;
};

namespace detail {

template <class X, class Wait>
inline constexpr bool senders_sleep<polled<X, Wait>> = senders_sleep<X>;

}  // namespace detail

/// Distinct objects: safe. Shared objects: unsafe.
template <byte_transport X, waiting_strategy Wait>
    requires(!Wait::sleeps)
template <message_layout L>
class polled<X, Wait>::receiver_end : public X::template receiver_end<L> {
    using base = typename X::template receiver_end<L>;

public:
    explicit receiver_end(base&& end) : base(std::move(end)) {}

    static result<receiver_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        auto end = base::open(where, how, type);
        if (!end)
            return end.error();
        return receiver_end(std::move(*end));
    }

    result<std::span<std::byte const>> peek(deadline until)
    {
        return until_there(until, [this] { return base::peek(deadline::poll()); });
    }

    result<std::size_t> take_n(std::span<std::byte> messages, deadline until)
        requires detail::bulk_receiver<base>
    {
        return until_there(until, [&] { return base::take_n(messages, deadline::poll()); });
    }

    void copy_out() = delete;  // would sleep

private:
    template <class Attempt>
    static auto until_there(deadline until, Attempt attempt)
    {
        auto got = attempt();
        if (until.is_poll() || got || got.error() != errc::empty)
            return got;
        auto const ready = [&] {
            got = attempt();
            return got || got.error() != errc::empty;
        };
        if (!detail::poll_until<Wait, 0>(until, ready, [&] { return until.passed(); }))
            got = errc::timed_out;
        return got;
    }
};

/// Two ends without a name, of which the receiver polls. Distinct objects: safe. Shared objects: unsafe.
template <byte_transport X, waiting_strategy Wait>
    requires(!Wait::sleeps)
template <message_layout L>
class polled<X, Wait>::pair {
public:
    static result<pair> make(options const& how, message_type const& type)
        requires(X::guarantees.nameless)
    {
        auto ends = inner::make(how, type);
        if (!ends)
            return ends.error();
        return pair(std::move(*ends));
    }

    result<sender_end<L>> sender() && { return std::move(ends_).sender(); }
    result<receiver_end<L>> receiver() &&
    {
        auto end = std::move(ends_).receiver();
        if (!end)
            return end.error();
        return receiver_end<L>(std::move(*end));
    }
    result<std::pair<sender_end<L>, receiver_end<L>>> split() &&
    {
        auto both = std::move(ends_).split();
        if (!both)
            return both.error();
        return std::pair<sender_end<L>, receiver_end<L>>(std::move(both->first), std::move(both->second));
    }

private:
    using inner = typename X::template pair<L>;

    explicit pair(inner&& ends) : ends_(std::move(ends)) {}

    inner ends_;
};

}  // namespace strait

#endif
