// Distributed under the Boost Software License, Version 1.0.
#ifndef RINGS_DEATHS_HPP
#define RINGS_DEATHS_HPP

#include "ends.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <csignal>
#include <cstdint>
#include <optional>
#include <random>

#include <sys/wait.h>
#include <unistd.h>

// What tests of killed and stopped processes share.
namespace rings {

/// Moments that are never the same, and numbers that are the same in every run.
class dice {
public:
    std::uint64_t roll(std::uint64_t sides) { return random_() % sides; }
    bool coin() { return roll(2) == 0; }
    void pass_a_moment()
    {
        std::int64_t const end = deadline::now() + static_cast<std::int64_t>(roll(600'000));
        while (deadline::now() < end) {
        }
    }

private:
    std::mt19937_64 random_{4711};
};

/// Stops a process, and returns when it has stopped.
inline void stop(support::child const& c)
{
    c.signal(SIGSTOP);
    int status = 0;
    BOOST_TEST_REQUIRE(::waitpid(c.pid(), &status, WUNTRACED) == c.pid());
}

/// The messages of senders that follow each other: whole, in order, and the gaps are exactly the messages that the
/// receiver has counted as dropped.
class stream_checker {
public:
    template <class T>
    bool see(receiver const& r, T const& message)
    {
        std::uint64_t const came = support::origin_of(message).sequence;
        if (!base_)
            base_ = came - number_by_count(r);
        next = came + 1;
        return support::is_whole(message) && came == *base_ + number_by_count(r);
    }

    std::uint64_t next = 0;  ///< number of the message behind the last one

private:
    std::optional<std::uint64_t> base_;
};

}  // namespace rings

#endif
