// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_END_HPP
#define STRAIT_DETAIL_RING_END_HPP

#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/membership/membership.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/fork_guard.hpp>
#include <strait/detail/wait/wait_for_peer.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace strait::detail {

// What the sender and the receiver of a ring have in common: each participates in a channel, with or without a name, and has
// its writer or its reader, `Ring`, in the mapped memory. `Geometry` says how the channel lies in memory, and how many ends
// of this role it takes.
template <class Geometry, class Ring, role Role>
class ring_end : fork_guard {
    using membership_type = membership<typename Geometry::mechanism_type>;

public:
    ring_end(ring_end&& other)
        : fork_guard(&disarm), ring_(std::move(other.ring_)), waiter_(other.waiter_), participant_(std::move(other.participant_)),
          where_(std::move(other.where_)), linger_(other.linger_)
    {
        other.ring_.detach();
    }

    // The name has been removed and the other end has joined: no further one will come.
    void expect_no_more_peers() noexcept
    {
        participant_.forget_name();
        if (where_)
            where_->close_directory();
    }

protected:
    ring_end() : fork_guard(&disarm) {}
    ~ring_end() = default;

    ring_end& operator=(ring_end&& other)
    {
        ring_ = std::move(other.ring_);
        other.ring_.detach();
        waiter_ = other.waiter_;
        participant_ = std::move(other.participant_);
        where_ = std::move(other.where_);
        linger_ = other.linger_;
        return *this;
    }

    error_code open(endpoint const& at, channel_options const& how, message_type const& type)
    {
        location where;
        channel_traits traits;
        participant member;
        if (error_code const e = membership_type::find(at, how.access, where))
            return e;
        if (error_code const e = Geometry::traits(how, type, traits))
            return e;
        auto mechanism = Geometry::mechanism();
        if (error_code const e = membership_type::join(where, traits, Role, Geometry::places(Role), mechanism, member))
            return e;
        return enter(std::move(member), std::move(where), how.linger, how.history);
    }

    // Begins with a control file that has been joined. After an error the channel is left again.
    error_code enter(participant member, std::optional<location> where, std::chrono::nanoseconds linger, std::uint64_t history = 0)
    {
        participant_ = std::move(member);
        where_ = std::move(where);
        linger_ = linger;
        typename Geometry::view_type view{};
        error_code e = Geometry::view(participant_, Role, view);
        if constexpr (requires { view.history; })
            view.history = history;
        if (!e)
            e = ring_.attach(view);
        STRAIT_CRASH_POINT("enter: ring attached");
        if (e)
            leave(deadline::poll());
        else {
            waiter_.fence = asymmetric_fence::attach();
            participant_.count_in();
        }
        return e;
    }

    // arm() of waitable_end, at this sleep word. `again`: peers do not wake this end for everything.
    template <class Word>
    wake_source arm_at(Word&& word, bool again)
    {
        if (!participant_.is_member())
            return {};  // the look after this reports it
        ++waiter_.waits;
        await_doorbell(word, waiter_.fence);
        return {.file = participant_.fd(), .again = again};
    }

    // How often the channel has refused an end, and why the last one.
    refusals refused() const noexcept { return read_refusals(participant_.fd()); }

    template <class Word>
    void disarm_at(Word&& word) noexcept
    {
        if (participant_.is_member())
            stop_awaiting_doorbell(word);
    }

    // Whether there is a channel to leave. If not, `why` is success for an end that was closed or moved from, and
    // inherited_handle in a child of fork().
    bool can_leave(result<void>& why) const
    {
        if (participant_.is_member())
            return true;
        if (participant_.missing() == errc::inherited_handle)
            why = errc::inherited_handle;
        return false;
    }

    // Leaves the channel. The ring can still be used afterwards, until forget(): to wake peers.
    void leave(deadline until) noexcept
    {
        auto mechanism = Geometry::mechanism();
        if (where_)
            membership_type::leave(participant_, *where_, mechanism, until);
        else
            participant_.leave_nameless();
    }

    // Gives up the memory, after leave().
    void forget() noexcept
    {
        ring_.detach();
        participant_ = participant();
    }

    channel_stats count() const noexcept
    {
        channel_stats s;
        s.messages = ring_.messages();
        s.bytes = ring_.bytes();
        s.waits = waiter_.waits;
        if constexpr (requires { ring_.depth(); })
            s.depth = ring_.depth();
        if constexpr (requires { ring_.dropped(); })
            s.dropped = ring_.dropped();
        return s;
    }

    Ring ring_;
    waiter waiter_;
    participant participant_;
    std::optional<location> where_;
    std::chrono::nanoseconds linger_{};

private:
    static void disarm(fork_guard& g) noexcept { static_cast<ring_end&>(g).ring_.detach(); }
};

}  // namespace strait::detail

#endif
