// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CHANNEL_UNTIL_STOPPED_HPP
#define STRAIT_DETAIL_CHANNEL_UNTIL_STOPPED_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/wait/thread_watcher.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <concepts>
#include <optional>
#include <stop_token>

// How an operation waits until a stop is requested.
namespace strait::detail {

// Whether an attempt has found nothing to do and may find it later. A sender whose first receiver may still come waits on.
template <class End>
bool is_pending(End& end, error_code const& e)
{
    if (!e) [[likely]]
        return false;
    if (e == errc::timed_out || e == errc::empty || e == errc::full)
        return true;
    if constexpr (requires { { end.awaits_receiver() } -> std::convertible_to<bool>; })
        return e == errc::no_receiver && end.awaits_receiver();
    else
        return false;
}

// An end and what is to be done at it, for a wait set.
template <class End, class Attempt>
struct attempt_at {
    End& end;
    Attempt& attempt;
    error_code outcome;

    static attempt_at& of(void* self) noexcept { return *static_cast<attempt_at*>(self); }

    std::optional<error_code> look()
    {
        outcome = attempt(deadline::poll());
        return is_pending(end, outcome) ? std::nullopt : std::optional<error_code>(error_code());
    }
    wake_source arm()
    {
        wake_source source = end.arm();
        source.again = source.again || outcome == errc::no_receiver;  // the first receiver wakes no sender
        return source;
    }

    waited_for as_waited_for()
    {
        waited_for w;
        w.end = this;
        w.readiness = [](void* self) { return of(self).look(); };
        w.arm = [](void* self) { return of(self).arm(); };
        w.disarm = [](void* self) { of(self).end.disarm(); };
        return w;
    }
};

// Calls `attempt(deadline)`, an error_code, until it is not pending, and returns what it said; errc::timed_out when a stop
// was requested before. Nothing is attempted after that, so nothing is taken by a wait that was stopped.
//
// A std::stop_token wakes the thread: it waits in the end's own way for as long as an adaptive end spins, then sleeps until
// the end or the stop wakes it. An end that never sleeps (`Sleeps` is false), or that others cannot wait for, and tokens of
// other libraries, which offer no callback, are asked every stop_slice.
//
// `end` has arm() and disarm() (waitable_end in transport.hpp), and awaits_receiver() if it is a sender that needs one.
template <bool Sleeps, class End, class Stop, class Attempt>
error_code until_stopped(End& end, Stop const& stop, Attempt attempt)
{
    if constexpr (Sleeps && waitable_end<End> && std::same_as<Stop, std::stop_token>) {
        if (stop.stop_requested())
            return errc::timed_out;
        attempt_at<End, Attempt> once{end, attempt, attempt(deadline::after(std::chrono::nanoseconds(adaptive::spin_nanoseconds)))};
        if (is_pending(end, once.outcome) && !wait_until_stopped(once.as_waited_for(), stop))
            return errc::timed_out;
        return once.outcome;
    }
    else {
        while (!stop.stop_requested()) {
            STRAIT_STEP();
            error_code const e = attempt(deadline::after(stop_slice));
            if (!is_pending(end, e))
                return e;
        }
        return errc::timed_out;
    }
}

}  // namespace strait::detail

#endif
