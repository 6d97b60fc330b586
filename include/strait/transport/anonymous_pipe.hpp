// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_ANONYMOUS_PIPE_HPP
#define STRAIT_TRANSPORT_ANONYMOUS_PIPE_HPP

#include <strait/detail/membership/nameless_pair.hpp>
#include <strait/detail/pipe/fifo.hpp>
#include <strait/detail/pipe/frame.hpp>
#include <strait/detail/pipe/receiver.hpp>
#include <strait/detail/pipe/sender.hpp>
#include <strait/transport.hpp>

#include <chrono>
#include <concepts>
#include <string_view>
#include <utility>

namespace strait {

/// pipe(2), for a parent and a child: one sender, one receiver, and no name. Call `channel<T,
/// anonymous_pipe>::make_pair()` before fork(), then `std::move(pair).sender()` in one process and
/// `std::move(pair).receiver()` in the other. Use two pairs for both directions.
///
/// A message has at most PIPE_BUF (4096) bytes, including its header of 8 bytes where the size varies, so that none
/// arrives in part, whenever its sender is killed. For longer messages between parent and child there is `unix_stream`.
/// `options.capacity` is in bytes; the kernel rounds it up; the default is 64 KiB; `capacity_limit` above
/// /proc/sys/fs/pipe-max-size without privileges.
///
/// Messages lie in the kernel from the call that sends them until the receiver reads them, and are lost with the
/// receiver. A process that holds the pair may still take an end, so the peer waits for it: each process takes an end
/// or drops the pair.
///
/// Distinct objects: safe. Shared objects: unsafe.
class anonymous_pipe {
public:
    static constexpr transport_guarantees guarantees{
        .name = "anonymous_pipe",
        .max_message_size = detail::pipe_frame_limit,
        .pollable = true,
        .nameless = true,
        .committed_when = commit_point::call_returned,
    };

    using options = channel_options;

    template <message_layout L>
    class sender_end;
    template <message_layout L>
    class receiver_end;
    template <message_layout L>
    class pair;

    /// Does not compile, because there is no name to be removed.
    template <std::convertible_to<endpoint> Endpoint>
    static result<void> remove(Endpoint const&)
    {
        static_assert(sizeof(Endpoint) == 0, "strait: an anonymous pipe has no name: there is nothing to remove");
        return {};
    }
};

/// The sending end. Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class anonymous_pipe::sender_end : public detail::fifo_sender<L> {
    using base = detail::fifo_sender<L>;

public:
    /// Does not compile, because there is no name to open: use make_pair().
    template <std::same_as<endpoint> Endpoint>
    static result<sender_end> open(Endpoint const&, options const&, message_type const&)
    {
        static_assert(sizeof(Endpoint) == 0,
                      "strait: an anonymous pipe has no name: use channel<T, anonymous_pipe>::make_pair(), or named_pipe");
        return errc::invalid_endpoint;
    }

private:
    friend class pair<L>;

    explicit sender_end(base s) : base(std::move(s)) {}
};

/// The receiving end. Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class anonymous_pipe::receiver_end : public detail::fifo_receiver<L> {
    using base = detail::fifo_receiver<L>;

public:
    /// Does not compile, because there is no name to open: use make_pair().
    template <std::same_as<endpoint> Endpoint>
    static result<receiver_end> open(Endpoint const&, options const&, message_type const&)
    {
        static_assert(sizeof(Endpoint) == 0,
                      "strait: an anonymous pipe has no name: use channel<T, anonymous_pipe>::make_pair(), or named_pipe");
        return errc::invalid_endpoint;
    }

private:
    friend class pair<L>;

    explicit receiver_end(base r) : base(std::move(r)) {}
};

/// The pipe, and a control file in memory, by which the receiver can tell whether the sender has left or died.
///
/// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class anonymous_pipe::pair {
public:
    static result<pair> make(options const& how, message_type const& type)
    {
        pair p;
        auto const traits = detail::traits_beside<L>(guarantees.name, type, how);
        if (error_code const e = detail::nameless_pair::make(traits, {}, p.pair_))
            return e;
        if (error_code const e = detail::make_pipe(how.capacity, p.reads_, p.writes_))
            return e;
        p.linger_ = how.linger;
        return p;
    }

    result<sender_end<L>> sender() &&
    {
        detail::participant member;
        error_code const e = std::move(pair_).take(detail::role::sender, member);
        reads_.reset();
        if (e)
            return e;
        return make_sender(std::move(member));
    }
    result<receiver_end<L>> receiver() &&
    {
        detail::participant member;
        error_code const e = std::move(pair_).take(detail::role::receiver, member);
        writes_.reset();
        if (e)
            return e;
        return make_receiver(std::move(member));
    }
    result<std::pair<sender_end<L>, receiver_end<L>>> split() &&
    {
        detail::participant members[2];
        if (error_code const e = std::move(pair_).split(members[0], members[1]))
            return e;
        auto s = make_sender(std::move(members[0]));
        auto r = make_receiver(std::move(members[1]));
        if (!s || !r)
            return s ? r.error() : s.error();
        return std::pair(std::move(*s), std::move(*r));
    }

private:
    pair() = default;

    result<sender_end<L>> make_sender(detail::participant member)
    {
        auto s = detail::fifo_sender<L>::of(std::move(member), std::move(writes_), linger_);
        if (!s)
            return s.error();
        return sender_end<L>(std::move(*s));
    }
    result<receiver_end<L>> make_receiver(detail::participant member)
    {
        auto r = detail::fifo_receiver<L>::of(std::move(member), std::move(reads_), linger_);
        if (!r)
            return r.error();
        return receiver_end<L>(std::move(*r));
    }

    detail::nameless_pair pair_;
    detail::descriptor reads_;
    detail::descriptor writes_;
    std::chrono::nanoseconds linger_{};
};

}  // namespace strait

#endif
