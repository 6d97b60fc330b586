// Distributed under the Boost Software License, Version 1.0.
#ifndef STEPS_COUNTED_HPP
#define STEPS_COUNTED_HPP

#ifdef STRAIT_DETAIL_OS_CRASH_POINT_HPP
#error "The steps of this program are counted here: include this before any header of the library."
#endif

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include <time.h>

// Every source of this folder includes this first: in this program each turn of a loop of the library is counted that is made
// after the deadline of the operation under test. For a form that does not wait these are all of its turns. So what is asserted is
// a number, and no time: a flood that is faster, or a host that is slower, does not change it.
namespace steps {

/// No operation may make more turns once its deadline has passed, whatever others do.
inline constexpr std::uint64_t most = 1 << 14;

/// What each turn does first: it sends more, so that the operation finds something however often it looks. A flood by another
/// process may be slower than its reader.
inline std::function<void()> more;

inline bool counting = false;
inline std::int64_t deadline_of_it = 0;  // nanoseconds of CLOCK_MONOTONIC
inline std::uint64_t late = 0;           // turns after it
inline std::uint64_t largest = 0;        // of all operations so far

inline void count()
{
    if (!counting)
        return;
    if (more)
        more();
    ::timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec * 1'000'000'000 + now.tv_nsec < deadline_of_it)
        return;
    if (++late > most) {  // it may never return
        std::fprintf(stderr, "an operation makes more than %llu turns after its deadline\n", static_cast<unsigned long long>(most));
        std::abort();
    }
    largest = late > largest ? late : largest;
}

}  // namespace steps

#define STRAIT_STEP() ::steps::count()

#include <strait/wait.hpp>

#include <support/child.hpp>
#include <support/shared_page.hpp>

#include <chrono>
#include <exception>
#include <utility>
#include <vector>

namespace steps {

/// Runs an operation that has this deadline, and counts.
template <class Operation>
auto counted(strait::deadline until, Operation operation)
{
    struct scope {
        ~scope() { counting = false; }
    } const ends_with_it;
    late = 0;
    deadline_of_it = until.is_poll() ? 0 : until.nanoseconds();
    counting = true;
    return operation(until);
}

/// Each form of waiting: none, a deadline that has passed, and a short one.
template <class Operation>
void count_each_form(Operation operation)
{
    for (auto const& until : {strait::deadline::poll(), strait::deadline::after(std::chrono::nanoseconds(0)),
                              strait::deadline::after(std::chrono::milliseconds(2))})
        (void)counted(until, operation);
}

/// While this lives, each turn does that first.
struct in_each_turn {
    explicit in_each_turn(std::function<void()> f)
    {
        f();
        more = std::move(f);
    }
    ~in_each_turn() { more = nullptr; }
    in_each_turn(in_each_turn const&) = delete;
    in_each_turn& operator=(in_each_turn const&) = delete;
};

/// A process that does this without a pause until it is killed; it has begun when this has returned.
template <class Do>
std::vector<support::child> flood(Do once, int processes = 1)
{
    support::shared_page page;
    std::vector<support::child> all;
    for (int i = 0; i != processes; ++i)
        all.emplace_back([&] {
            page->done.fetch_add(1);
            for (;;)
                try {
                    once();
                } catch (std::exception const&) {  // the receiver is not quick enough
                }
        });
    page->await(page->done, static_cast<std::uint64_t>(processes));
    return all;
}

}  // namespace steps

#endif
