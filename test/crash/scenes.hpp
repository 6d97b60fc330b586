// Distributed under the Boost Software License, Version 1.0.
#ifndef CRASH_SCENES_HPP
#define CRASH_SCENES_HPP

#include "stage.hpp"

#include <support/watchdog.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace crash {

// Who dies, and in which situation.
struct scene {
    enum class person { sender, receiver, remover };
    enum class company { nobody, eager, paced };

    char const* name;
    person victim;
    found before;
    company peer;         // a live end of the other kind; paced: it moves only while the victim sleeps
    std::uint64_t count;  // messages that the victim handles
    bool paced = false;   // the victim moves only while its peer sleeps
    bool small = false;
};

inline constexpr auto scenes = std::to_array<scene>({
    {"a sender creates the channel, sends and leaves", scene::person::sender, found::nothing, scene::company::nobody, 5},
    {"a sender finds what the dead left", scene::person::sender, found::remains, scene::company::nobody, 3},
    {"a sender takes the place of a dead one", scene::person::sender, found::unread, scene::company::nobody, 5},
    {"a sender finds a channel that was kept", scene::person::sender, found::kept, scene::company::nobody, 3},
    {"a sender wakes a receiver", scene::person::sender, found::nothing, scene::company::eager, 5, true},
    {"a sender waits for room", scene::person::sender, found::nothing, scene::company::paced, 40, false, true},
    {"a receiver creates the channel and leaves", scene::person::receiver, found::nothing, scene::company::nobody, 1},
    {"a receiver finds what the dead left", scene::person::receiver, found::remains, scene::company::nobody, 1},
    {"a receiver reads what a dead sender left", scene::person::receiver, found::unread, scene::company::nobody, 9},
    {"a receiver finds a channel that was kept", scene::person::receiver, found::kept, scene::company::nobody, 1},
    {"a receiver waits for messages", scene::person::receiver, found::nothing, scene::company::paced, 5},
    {"a receiver wakes a sender", scene::person::receiver, found::nothing, scene::company::eager, 40, true, true},
    {"somebody removes the channel", scene::person::remover, found::unread, scene::company::nobody, 0},
});

// What the sweep over all points has done, in all sources of this program.
struct sweep {
    figures sum;
    std::uint64_t subjects = 0;
    std::uint64_t runs = 0;
    std::uint64_t places = 0;   // points, counted anew in each scene of each subject
    std::uint64_t missed = 0;   // kills that were due at a hit which another timing did not reach
    std::array<std::uint64_t, point::most> kills{};

    static sweep& all()
    {
        static sweep s;
        return s;
    }

    // Notes how a victim has ended that was to die at this point; nullptr: nowhere. True: it was killed.
    bool died_of(support::child& victim, point const* where)
    {
        int const status = victim.wait();
        bool const killed = status == -SIGKILL;
        ++runs;
        sum.kills += killed;
        if (where)
            ++(killed ? kills[where->index()] : missed);
        BOOST_TEST_REQUIRE((status == 0 || (killed && where)));
        return killed;
    }
};

// Up to two victims die at this point, one after the other; nullptr: nobody dies.
template <class S>
void play(scene const& what, plan& p, point const* where, std::uint64_t hit, unsigned victims)
{
    sweep& total = sweep::all();
    stage<S> here(what.small, what.before);
    role const kind = what.victim == scene::person::receiver ? role::receiver : role::sender;
    bool const paced = what.peer == scene::company::paced;
    if (what.peer != scene::company::nobody)
        kind == role::sender ? here.live_receiver(paced) : here.live_sender(paced);
    ++total.runs;
    bool killed = false;
    for (; victims != 0; --victims) {
        if (killed) {
            here.one_more_killed(kind);
            ++total.sum.kills;
        }
        std::size_t const me = here.new_life();
        support::child victim([&] {
            p.follow(where, hit);
            if (what.victim == scene::person::remover)
                S::ring::remove(here.name()).value();
            else if (kind == role::sender)
                here.send_some(me, what.count, what.paced);
            else
                here.receive_some(me, what.count, what.paced, what.peer != scene::company::nobody, paced);
        });
        int const status = victim.wait();
        killed = status == -SIGKILL;
        BOOST_TEST_REQUIRE((status == 0 || (killed && where)));
        if (where)
            ++(killed ? total.kills[where->index()] : total.missed);
    }
    if (what.victim == scene::person::remover) {
        BOOST_TEST_REQUIRE(S::ring::remove(here.name()).has_value());
        here.lost_its_past();
    }
    here.go_on(kind, killed, what.paced && kind == role::sender, total.sum);
}

// Which of so many hits: the first ones and the last one; every one if there is time.
inline std::vector<std::uint64_t> chosen_hits(std::uint64_t hits)
{
    std::vector<std::uint64_t> chosen;
    for (std::uint64_t n = 1; n <= hits; ++n)
        if (n == 1 || ((n == 2 || n == hits) && !support::sanitized) || support::rounds(1) > 1)
            chosen.push_back(n);
    return chosen;
}

// Lets a victim come through, then die at every point that it came by: play(plan, point, hit). `sample`: of a ring like
// others, for which the first hit is enough unless there is time.
template <class Play>
void kill_at_each_point(std::string const& title, Play play, bool sample = false)
{
    support::shared_object<plan> p;
    play(*p, static_cast<point const*>(nullptr), std::uint64_t{0});
    std::array<std::uint64_t, point::most> hits{};
    for (auto const* at : point::all())
        hits[at->index()] = p->hits[at->index()];
    for (auto const* at : point::all()) {
        sweep::all().places += hits[at->index()] != 0;
        for (std::uint64_t const hit : chosen_hits(sample && support::rounds(1) == 1 ? hits[at->index()] != 0 : hits[at->index()]))
            BOOST_TEST_CONTEXT(title << ", killed at \"" << at->name() << "\" (" << at->place() << "), hit " << hit)
            play(*p, at, hit);
    }
}

template <class S>
void kill_everywhere(bool sample = false)
{
    ++sweep::all().subjects;
    for (auto const& what : scenes)
        kill_at_each_point(
            S::name() + ": " + what.name,
            [&](plan& p, point const* where, std::uint64_t hit) {
                play<S>(what, p, where, hit, hit == 1 && !support::sanitized ? 2 : 1);
            },
            sample);
}

}  // namespace crash

#endif
