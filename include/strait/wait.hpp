// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_WAIT_HPP
#define STRAIT_WAIT_HPP

#include <strait/version.hpp>  // first: it says what compiler is needed

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>

namespace strait {

/// A duration that never ends, for options.
inline constexpr std::chrono::nanoseconds infinite = std::chrono::nanoseconds::max();

/// Until when an operation may wait: not at all, for ever, or up to a moment of the monotonic clock.
/// Distinct objects: safe. Shared objects: safe, it never changes.
class deadline {
public:
    /// What moments are told by.
    using clock = std::chrono::steady_clock;

    /// Never waits: the operation reports `full` or `empty`.
    static constexpr deadline poll() noexcept { return deadline(0); }

    /// Waits for ever.
    static constexpr deadline never() noexcept { return deadline(std::numeric_limits<std::int64_t>::max()); }

    /// Waits up to this moment, then reports `timed_out`. What can be done at once is done even when it is past.
    static constexpr deadline at(clock::time_point when) noexcept
    {
        auto const ns = std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
        return deadline(ns < 1 ? 1 : ns);
    }

    /// The same, counted from now; a duration too long to be represented is for ever.
    template <class Rep, class Period>
    static deadline after(std::chrono::duration<Rep, Period> const& d) noexcept
    {
        using seconds = std::chrono::duration<double>;
        constexpr seconds far{4e9};  // 126 years: well below the 292 that fit into the count
        if (seconds(d) > far)
            return never();
        auto const now = clock::now();
        if (seconds(d) < seconds(0))
            return at(now);
        return at(now + std::chrono::ceil<std::chrono::nanoseconds>(d));
    }

    /// Whether it is poll().
    constexpr bool is_poll() const noexcept { return at_ == 0; }
    /// Whether it is never().
    constexpr bool is_never() const noexcept { return at_ == std::numeric_limits<std::int64_t>::max(); }

    /// Nanoseconds of the monotonic clock; 0 for poll(), the largest number for never().
    constexpr std::int64_t nanoseconds() const noexcept { return at_; }

    /// Whether the moment is over; of poll() it always is.
    bool passed() const noexcept { return !is_never() && now() >= at_; }

    /// The earlier of this and `d` from now; poll() stays what it is.
    template <class Rep, class Period>
    deadline capped(std::chrono::duration<Rep, Period> const& d) const noexcept
    {
        deadline const other = after(d);
        return at_ <= other.at_ ? *this : other;
    }

    /// Nanoseconds of the monotonic clock, now.
    static std::int64_t now() noexcept
    {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now().time_since_epoch()).count();
    }

    friend constexpr auto operator<=>(deadline const&, deadline const&) = default;

private:
    constexpr explicit deadline(std::int64_t at) noexcept : at_(at) {}

    std::int64_t at_;
};

/// Polls without pause for the other end; gives the core away only when nothing has come for a while. Lowest latency;
/// needs a core of its own for each waiting end.
struct busy_spin {
    static constexpr char const* name = "busy_spin";
    static constexpr bool sleeps = false;
    static constexpr std::int64_t spin_nanoseconds = 50'000;  // between two yields
};

/// Polls, giving the core away after each miss. For more waiting ends than cores, where sleeping is too slow.
struct yielding {
    static constexpr char const* name = "yielding";
    static constexpr bool sleeps = false;
    static constexpr std::int64_t spin_nanoseconds = 0;
};

/// Polls for a short while, longer than two wake-ups take, then sleeps in the kernel until it is woken. As fast as
/// busy_spin while traffic flows, no CPU when idle. The default.
struct adaptive {
    static constexpr char const* name = "adaptive";
    static constexpr bool sleeps = true;
    static constexpr std::int64_t spin_nanoseconds = 30'000;  // before sleeping
};

/// A policy for how an end waits.
template <class W>
concept waiting_strategy = requires {
    { W::sleeps } -> std::convertible_to<bool>;
    { W::spin_nanoseconds } -> std::convertible_to<std::int64_t>;
    { W::name } -> std::convertible_to<char const*>;
};

namespace detail {

// How an end that has nothing to do can be woken, for who waits for many ends at a time.
struct wake_source {
    int descriptor = -1;  // poll(2) reports it; -1: none does
    short events = 0;     // ... as one of these
    int file = -1;        // somebody reads from it, or closes it (wait/inotify_watcher.hpp); -1: the descriptor tells all
    bool again = false;   // not everything is told: look again every now and then
};

// How soon a wait that no stop wakes sees that one was requested.
inline constexpr std::chrono::milliseconds stop_slice{10};

}  // namespace detail

/// What a waiting operation can be told to give up by: std::stop_token, or a token of another library.
template <class S>
concept stoppable_token = requires(S const& stop) {
    { stop.stop_requested() } -> std::convertible_to<bool>;
};

static_assert(waiting_strategy<busy_spin> && waiting_strategy<yielding> && waiting_strategy<adaptive>);

}  // namespace strait

#endif
