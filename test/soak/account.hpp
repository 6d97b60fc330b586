// Distributed under the Boost Software License, Version 1.0.
#ifndef SOAK_ACCOUNT_HPP
#define SOAK_ACCOUNT_HPP

#include <conformance/subject.hpp>
#include <support/ledger.hpp>
#include <support/shared_page.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace soak {

inline constexpr std::size_t most_lives = 1024;

// What a process says of itself, in memory that survives it.
struct state {
    std::atomic<std::uint32_t> joined;       // its end is open
    std::atomic<std::uint32_t> leave;        // it is asked to leave
    std::atomic<std::uint64_t> dies_after;         // nanoseconds after which it dies then, 0 for never
    std::atomic<std::uint32_t> leaving;      // it is about to close its end
    std::atomic<std::uint32_t> left;         // close() has returned without an error
    std::atomic<std::uint32_t> no_receiver;  // a sender was told so often that there is no receiver
    std::atomic<std::uint32_t> died;         // a receiver was told so often that the stream has ended with a death
    std::atomic<std::uint32_t> ended;        // ... that it has ended, in whatever way
    std::atomic<std::uint32_t> gaps;         // messages missing between two of one sender
    std::array<char, 160> failure;           // what went wrong, when it has ended by itself
};

// Which messages of one sender a receiver has seen: from `first` to `last`, counted from 1; 0 for none.
struct run {
    std::atomic<std::uint32_t> first;
    std::atomic<std::uint32_t> last;
};

// A channel's ledger, and what the soak asks beyond it.
struct account {
    support::ledger book{most_lives};
    support::shared_object<std::array<state, most_lives>> states;
    support::shared_object<std::array<run, most_lives * most_lives>> runs;
    support::shared_page notes;

    state& of(std::size_t life) const { return (*states)[life]; }
    run& seen(std::size_t receiver, std::size_t sender) const { return (*runs)[receiver * most_lives + sender]; }
};

// Who a life was, as the process that kills knows it.
struct past {
    bool sends = false;
    std::size_t channel = 0;  // only those of one channel meet
    bool killed = false;
    bool to_the_end = false;  // a receiver that has read until nothing was left, and has left then
    bool was_joined = false;
    std::size_t lives_before_it_joined = 0;  // senders that began later are all of its time
};

// What a transport has done to the messages of one channel.
struct findings {
    std::uint64_t messages = 0;     // different ones that were received
    std::uint64_t lost = 0;         // sent, and received by no receiver that they were for
    std::uint64_t twice = 0;        // received again
    std::uint64_t may_be_lost = 0;  // at most so many may be lost
    std::uint64_t may_be_twice = 0;
    std::uint64_t broken = 0;  // promises: torn, out of order, never sent, lost in a way that is not allowed
    std::string why;
};

// The most that a transport may lose, where it depends on nothing that is counted here.
inline constexpr std::uint64_t any_number = ~std::uint64_t{0};

// `removed`: in the end the channel was removed, with what was unread.
findings judge(conformance::subject const& x, account const& all, std::vector<past> const& lives, bool removed);

// The sentence of the table: what may be lost, and what may come twice.
std::string allowed(conformance::subject const& x);

}  // namespace soak

#endif
