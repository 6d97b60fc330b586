// Distributed under the Boost Software License, Version 1.0.
#ifndef CRASH_STEPS_HPP
#define CRASH_STEPS_HPP

#include "stage.hpp"

#include "stepped.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <sched.h>

namespace crash {

// What a victim does between its two marks.
enum class act { open, send, send_in_vain, receive, receive_in_vain, close };

struct operation {
    enum class peer { none, eager, paced };  // paced: it moves only while the victim sleeps

    char const* name;
    role victim;
    act what;
    found before = found::nothing;
    peer company = peer::none;
    bool small = false;
    bool at_the_end = false;  // of the ring's memory, where it goes on at the beginning
    std::uint64_t lead = 0;   // messages handled before, not stepped
};

inline constexpr auto operations = std::to_array<operation>({
    {.name = "send", .victim = role::sender, .what = act::send, .lead = 1},
    {.name = "send over the end", .victim = role::sender, .what = act::send, .small = true, .at_the_end = true},
    {.name = "send into a full ring", .victim = role::sender, .what = act::send_in_vain, .small = true},
    {.name = "send when there is room again", .victim = role::sender, .what = act::send, .company = operation::peer::paced,
     .small = true, .lead = 20},
    {.name = "send and wake a receiver", .victim = role::sender, .what = act::send, .company = operation::peer::eager},
    {.name = "receive", .victim = role::receiver, .what = act::receive, .before = found::unread, .lead = 1},
    {.name = "receive over the end", .victim = role::receiver, .what = act::receive, .small = true, .at_the_end = true},
    {.name = "receive from an empty ring", .victim = role::receiver, .what = act::receive_in_vain},
    {.name = "receive what comes later", .victim = role::receiver, .what = act::receive, .company = operation::peer::paced},
    {.name = "receive and wake a sender", .victim = role::receiver, .what = act::receive, .company = operation::peer::eager,
     .small = true, .lead = 3},
    {.name = "a sender creates", .victim = role::sender, .what = act::open},
    {.name = "a sender takes over", .victim = role::sender, .what = act::open, .before = found::unread},
    {.name = "a sender leaves", .victim = role::sender, .what = act::close},
    {.name = "a receiver joins", .victim = role::receiver, .what = act::open, .before = found::unread},
    {.name = "a receiver leaves and removes", .victim = role::receiver, .what = act::close},
});

// Messages to handle first, so that the next one is the last in the ring's memory.
template <class S>
std::uint64_t lead_to_the_end(std::size_t me)
{
    std::uint64_t const capacity = S::options(true).capacity;
    if constexpr (S::many || !S::varies) {
        return capacity - 1;
    } else {
        using shape = strait::detail::record_shape<raw::layout_of<std::string>>;
        for (std::uint64_t at = 0, n = 0;; ++n) {
            at += shape::length(support::make_text(n, me).size());
            if (at + shape::unit > capacity)
                return n;
        }
    }
}

template <class S>
void perform(stage<S>& here, std::size_t me, operation const& o)
{
    auto const deadline = o.company == operation::peer::none ? strait::deadline::poll() : strait::deadline::never();
    support::ledger_pen pen(here.book(), me, S::in_line);
    std::optional<typename S::sender> s;
    std::optional<typename S::receiver> r;
    std::uint64_t sent = 0;
    if (o.at_the_end) {
        s.emplace(here.open_sender());
        r.emplace(here.open_receiver());
        for (std::uint64_t const lead = lead_to_the_end<S>(me); sent != lead;) {
            here.send(*s, me, ++sent);
            here.take(*r, pen, strait::deadline::poll());
        }
        if (o.victim == role::sender)
            r.reset();
        else
            here.send(*s, me, ++sent), s.reset();
    } else if (o.what != act::open) {
        if (o.victim == role::sender)
            s.emplace(here.open_sender());
        else
            r.emplace(here.open_receiver());
    }
    for (std::uint64_t i = 0; i != o.lead; ++i)
        if (o.victim == role::sender)
            here.send(*s, me, ++sent);
        else
            here.take(*r, pen, deadline);
    if (o.what == act::send_in_vain)
        while (here.try_send(*s, me))
            ++sent;
    if (o.company == operation::peer::eager)
        for (auto const peer = here.watch(); !(o.victim == role::sender ? peer.receiver_sleeps() : peer.sender_sleeps());)
            ::sched_yield();
    auto const message = support::make_message<typename S::message>(sent, me);
    auto& life = here.book()[me];
    mark();
    switch (o.what) {
    case act::open:
        if (o.victim == role::sender)
            s.emplace(here.open_sender());
        else
            r.emplace(here.open_receiver());
        break;
    case act::send:
        life.began = sent + 1;
        raw::send(*s, message, strait::deadline::never()).value();
        life.sent = sent + 1;
        break;
    case act::send_in_vain: (void)raw::send(*s, message, strait::deadline::poll()); break;
    case act::receive:
        if (auto const got = raw::look<typename S::message>(*r, deadline)) {
            mark();
            pen.note(*got);
            mark();
            r->release();
        }
        break;
    case act::receive_in_vain: (void)r->peek(deadline); break;
    case act::close:
        s.reset();
        r.reset();
        break;
    }
    mark();
}

// What the deaths between instructions have shown, in all sources of this program.
struct stepping {
    figures sum;
    std::uint64_t instructions = 0;  // looked at, each a place to die
    std::uint64_t operations = 0;

    static stepping& all()
    {
        static stepping s;
        return s;
    }
};

// Runs one operation, stopped by `hand`, and lets the others go on.
template <class S, class Hand>
void operate(operation const& o, Hand hand)
{
    stage<S> here(o.small, o.before);
    if (o.company != operation::peer::none) {
        bool const paced = o.company == operation::peer::paced;
        o.victim == role::sender ? here.live_receiver(paced) : here.live_sender(paced);
    }
    std::size_t const me = here.new_life();
    stepped victim([&] { perform(here, me, o); });
    BOOST_TEST_REQUIRE(victim.is_stopped());
    hand(victim);
    victim.kill();
    here.go_on(o.victim, true, false, stepping::all().sum);
}

// Kills a process before each of its instructions in one operation, or before some all over it.
template <class S>
void kill_at_instructions(operation const& o)
{
    bool const brief = support::rounds(1) == 1;
    bool const short_one = o.what != act::open && o.what != act::close;
    // Tens of thousands of instructions, much the same for all.
    if (brief && !short_one && (!S::many || !S::varies || support::sanitized))
        return;
    std::vector<moment> all;
    operate<S>(o, [&](stepped& victim) { all = victim.trace(); });
    std::size_t const places = brief ? (support::sanitized ? 5 : 24) : short_one ? all.size() : 500;
    std::size_t const stride = std::max<std::size_t>(1, all.size() / places);
    std::size_t kills = 0;
    for (std::size_t k = 0; k < all.size(); k += stride, ++kills)
        BOOST_TEST_CONTEXT(S::name() << ": " << o.name << ", killed after " << k << " of " << all.size() << " instructions")
        operate<S>(o, [&](stepped& victim) { victim.run_to(all[k]); });
    stepping::all().instructions += all.size();
    ++stepping::all().operations;
    std::cout << "  " << S::name() << ": " << o.name << ": " << all.size() << " instructions, " << kills << " kills"
              << std::endl;
}

// Lets the dynamic linker look up now what it would look up between the marks of each child.
template <class S>
void warm_up()
{
    stage<S> here(false, found::nothing);
    std::size_t const me = here.new_life();
    {
        auto s = here.open_sender();
        auto r = here.open_receiver();
        support::ledger_pen pen(here.book(), me, S::in_line);
        here.send(s, me, 1);
        here.take(r, pen, strait::deadline::poll());
    }
    here.go_on(role::sender, false, false, stepping::all().sum);
}

template <class S>
void kill_at_instructions()
{
    if (!can_step()) {
        std::cout << "SKIPPED: " << S::name() << ": this kernel refuses ptrace(2) to us; no instruction was stepped\n";
        BOOST_TEST_MESSAGE("SKIPPED: ptrace(2) is refused");
        return;
    }
    warm_up<S>();
    for (auto const& o : operations)
        kill_at_instructions<S>(o);
}

}  // namespace crash

#endif
