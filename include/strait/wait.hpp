// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_WAIT_HPP
#define STRAIT_WAIT_HPP

#include <strait/version.hpp>  // first: it says what compiler is needed

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>

namespace strait {

/// A duration without end, for options and for the `_for` forms.
inline constexpr std::chrono::nanoseconds infinite = std::chrono::nanoseconds::max();

/// Until when an operation may wait: not at all, without a limit, or up to a moment of the monotonic clock.
/// Distinct objects: safe. Shared objects: safe, it never changes.
class deadline {
public:
    /// The clock of its moments: the monotonic one.
    using clock = std::chrono::steady_clock;

    /// Never waits: the operation reports `full` or `empty`.
    static constexpr deadline poll() noexcept { return deadline(0); }

    /// Waits without a limit.
    static constexpr deadline never() noexcept { return deadline(std::numeric_limits<std::int64_t>::max()); }

    /// Waits up to this moment, then reports `timed_out`. What can be done at once is done even when it is past. A
    /// moment too late to be represented is without a limit, one too early is past.
    template <class Duration = clock::duration>
    static constexpr deadline at(std::chrono::time_point<clock, Duration> const& when) noexcept
    {
        // As floating point first: the conversion of coarse units to nanoseconds overflows.
        double const seconds = std::chrono::duration<double>(when.time_since_epoch()).count();
        if (seconds > 9.2e9)  // the count ends at 9.22e9
            return never();
        if (!(seconds > 0))
            return deadline(1);
        auto const ns = std::chrono::ceil<std::chrono::nanoseconds>(when.time_since_epoch()).count();
        return deadline(ns < 1 ? 1 : ns);
    }

    /// Waits so long from now, then reports `timed_out`. A duration too long to be represented is without a limit.
    template <class Rep, class Period>
    static deadline after(std::chrono::duration<Rep, Period> const& d) noexcept
    {
        using seconds = std::chrono::duration<double>;
        constexpr seconds far{4e9};  // 126 years: well below the 292 that fit into the count
        if (seconds(d) > far)
            return never();
        auto const now = clock::now();
        if (!(seconds(d) > seconds(0)))  // nor is it a number
            return at(now);
        return at(now + std::chrono::ceil<std::chrono::nanoseconds>(d));
    }

    /// Whether it is poll().
    constexpr bool is_poll() const noexcept { return at_ == 0; }
    /// Whether it is never().
    constexpr bool is_never() const noexcept { return at_ == std::numeric_limits<std::int64_t>::max(); }

    /// Nanoseconds of the monotonic clock; 0 for poll(), the largest number for never().
    constexpr std::int64_t nanoseconds() const noexcept { return at_; }

    /// Whether its moment is over; that of poll() always is, that of never() never.
    bool passed() const noexcept { return !is_never() && now() >= at_; }

    /// The earlier of this deadline and `d` from now; poll() stays poll().
    template <class Rep, class Period>
    deadline capped(std::chrono::duration<Rep, Period> const& d) const noexcept
    {
        deadline const other = after(d);
        return at_ <= other.at_ ? *this : other;
    }

    /// The monotonic clock's time now, in nanoseconds.
    static std::int64_t now() noexcept
    {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now().time_since_epoch()).count();
    }

    friend constexpr auto operator<=>(deadline const&, deadline const&) = default;

private:
    constexpr explicit deadline(std::int64_t at) noexcept : at_(at) {}

    std::int64_t at_;
};

/// An end that waits polls without pause, and yields the core only every 50 us. It has the lowest latency, and needs a core
/// of its own for each waiting end.
struct busy_spin {
    static constexpr char const* name = "busy_spin";
    static constexpr bool sleeps = false;
    static constexpr std::int64_t spin_nanoseconds = 50'000;  // between two yields
};

/// An end that waits polls, and yields the core after each look. It is for more waiting ends than cores, where sleeping is
/// too slow.
struct yielding {
    static constexpr char const* name = "yielding";
    static constexpr bool sleeps = false;
    static constexpr std::int64_t spin_nanoseconds = 0;
};

/// An end that waits polls for 30 us, longer than two wake-ups take and as long as that has paid lately, then sleeps in the
/// kernel until it is woken. It is as fast as busy_spin while traffic flows, and takes no CPU time when idle. The default.
struct adaptive {
    static constexpr char const* name = "adaptive";
    static constexpr bool sleeps = true;
    static constexpr std::int64_t spin_nanoseconds = 30'000;  // before sleeping
};

/// A policy for how an end waits: busy_spin, yielding or adaptive.
template <class W>
concept waiting_strategy = requires {
    { W::sleeps } -> std::convertible_to<bool>;
    { W::spin_nanoseconds } -> std::convertible_to<std::int64_t>;
    { W::name } -> std::convertible_to<char const*>;
};

namespace detail {

// What wakes a thread that waits for an end together with others.
struct wake_source {
    int descriptor = -1;  // poll(2) reports one of `events` for it; -1: there is none
    short events = 0;
    int file = -1;        // a peer reads from it or closes it, which an inotify watcher sees; -1: the descriptor is enough
    bool again = false;   // some changes wake nothing: the end must be looked at every 50 ms
    bool buffered = false;     // a message may lie in the end itself, of which the descriptor says nothing
    std::uint64_t serial = 0;  // of the descriptor, so that another one of the same number is told from it; 0: it has none
};

// How long it is until this moment of any clock, at most 126 years to and fro: the difference of extreme moments
// overflows.
template <class Clock, class Duration>
std::chrono::nanoseconds time_left(std::chrono::time_point<Clock, Duration> const& when)
{
    using seconds = std::chrono::duration<double>;
    constexpr double far = 4e9;
    auto const now = Clock::now();
    double const left = (seconds(when.time_since_epoch()) - seconds(now.time_since_epoch())).count();
    if (left > far)
        return infinite;
    if (!(left > -far))
        return std::chrono::seconds(-static_cast<std::int64_t>(far));
    return std::chrono::ceil<std::chrono::nanoseconds>(when - now);
}

// How soon a wait that no stop wakes sees that one was requested.
inline constexpr std::chrono::milliseconds stop_slice{10};

}  // namespace detail

/// A token that makes a waiting operation give up. A std::stop_token wakes the thread that waits; a token of another library
/// is asked every 10 ms.
template <class S>
concept stoppable_token = requires(S const& stop) {
    { stop.stop_requested() } -> std::convertible_to<bool>;
};

static_assert(waiting_strategy<busy_spin> && waiting_strategy<yielding> && waiting_strategy<adaptive>);

}  // namespace strait

#endif
