// Distributed under the Boost Software License, Version 1.0.
// The lanes of a ring with many senders and one receiver (detail/lanes/reader.hpp) as a model small enough to look at in
// every state that it can come to: each access to shared memory is a step, the ends' steps interleave in every order, and
// each end may die before each of its steps and be replaced. What holds is checked against a queue beside each lane that
// has no steps: the receiver is shown what was committed first of what is left there, whole; it says that the stream is
// over only when nothing is left that was there when the last sender went; and while no end has died it is called to
// every message: it sleeps with nothing to do. Each death costs it at most one slice.
//
// Steps see each other's in one order: what weaker memory needs, the fences give.
#include "explorer.hpp"

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace model_lanes {

namespace {

// Mistakes that the model must find.
enum class mistake {
    none,
    recycled_before_drained,       // a sender begins afresh where something is unread
    recycled_while_sender_lives,   // the lock is not asked for
    bit_cleared_after_scan,        // the calls are taken back after the lanes were looked at
    no_look_after_unwatching,      // "call me" is the last that is done before sleeping
    sleeps_on_a_call,              // nor are the calls looked at again
    bit_before_word,               // a sender calls first and takes "call me" back then
    no_announcement,               // a new sender takes it for granted that it is watched
    end_without_last_look,         // no sender lives, so no message is taken to be there
};

struct extent {
    int lanes;     // 1 or 2
    int capacity;  // of each, 1 or 2
    int messages;  // of each sender
    int deaths;
};

constexpr int senders = 2;
constexpr std::int8_t nothing = -1;
constexpr char const* slept_through = "the receiver sleeps though a message is there";

constexpr std::int8_t narrow(int n) { return static_cast<std::int8_t>(n); }

struct lane {
    std::int8_t sequence[2] = {0, 0};
    std::int8_t payload[2] = {nothing, nothing};
    std::int8_t consumed = 0;
    std::int8_t call_me = 0;
    std::int8_t holder = nothing;
    std::int8_t queued[2] = {nothing, nothing};  // what should be in it, oldest first
};

struct sender {
    enum step : std::int8_t { outside, find, walk, announce, open, begin, write, commit, look, first, second, wake, leave, tell };
    std::int8_t at = outside;
    std::int8_t in = 0;  // lane
    std::int8_t position = 0;
    std::int8_t known = 0;  // `consumed` when it was read last
    std::int8_t next = 0;   // message
};

struct receiver {
    enum step : std::int8_t { dead, open, take, scan, show, release, idle, unwatch, lie_down, scan_all, recall, ask, scan_last, asleep, over };
    std::int8_t at = open;
    std::int8_t in = 0;        // lane
    std::int8_t looked = 0;    // lanes of this scan
    std::int8_t attached = 0;  // sets of lanes
    std::int8_t watched = 0;
    std::int8_t taken = 0;
    std::int8_t position[2] = {0, 0};
};

// Only bytes, so that a state is its bytes.
struct state {
    lane lanes[2];
    sender from[senders];
    receiver to;
    std::int8_t opened = 0;
    std::int8_t called = 0;
    std::int8_t sleeps = 0;
    std::int8_t deaths = 0;
    std::int8_t slices = 0;
    std::int8_t left_at_end = 0;
};

class exploration : public model::explorer<state> {
public:
    exploration(extent const& e, mistake m) : size_(e), mistake_(m) {}

private:
    static std::int8_t bit(int i) { return narrow(1 << i); }
    static bool has(std::int8_t set, int i) { return (set >> i & 1) != 0; }
    static void add(std::int8_t& set, int more) { set = narrow(set | more); }

    bool is_committed(lane const& l, int position) const { return l.sequence[position % size_.capacity] == position + 1; }

    // Senders join one at a time, and take a drained lane if there is one.
    int lane_to_take(state const& s) const
    {
        int found = nothing;
        for (int i = size_.lanes - 1; i >= 0; --i)
            if (s.lanes[i].holder == nothing || mistake_ == mistake::recycled_while_sender_lives)
                if (found == nothing || !is_committed(s.lanes[i], s.lanes[i].consumed) || is_committed(s.lanes[found], s.lanes[found].consumed))
                    found = i;
        return found;
    }

    // One step; false when it would change nothing.
    bool step(state& s, int i, sender& a)
    {
        lane& l = s.lanes[a.in];
        switch (a.at) {
        case sender::outside: {
            int const found = lane_to_take(s);
            if (a.next == size_.messages || found == nothing)
                return false;
            a.in = narrow(found);
            s.lanes[found].holder = narrow(i);
            a.at = sender::find;
            return true;
        }
        case sender::find:
            a.position = a.known = l.consumed;
            a.at = mistake_ == mistake::recycled_before_drained ? sender::announce : sender::walk;
            return true;
        case sender::walk:
            if (a.position - a.known != size_.capacity && is_committed(l, a.position))
                ++a.position;
            else
                a.at = sender::announce;
            return true;
        case sender::announce:
            if (mistake_ != mistake::no_announcement)
                l.call_me = 1;
            a.at = sender::open;
            return true;
        case sender::open:
            add(s.opened, bit(a.in));
            a.at = sender::begin;
            return true;
        case sender::begin:
            if (a.next == size_.messages)
                return false;  // it stays, or leaves, as explore() says
            if (a.position - a.known == size_.capacity) {
                bool const more = a.known != l.consumed;
                a.known = l.consumed;
                return more;
            }
            a.at = sender::write;
            return true;
        case sender::write:
            l.payload[a.position % size_.capacity] = narrow(i * size_.messages + a.next);
            a.at = sender::commit;
            return true;
        case sender::commit: {
            l.sequence[a.position % size_.capacity] = narrow(a.position + 1);
            std::size_t n = 0;
            while (n != 2 && l.queued[n] != nothing)
                ++n;
            if (!expect(n < static_cast<std::size_t>(size_.capacity), "more is in a lane than fits"))
                return false;
            l.queued[n] = narrow(i * size_.messages + a.next);
            ++a.position;
            ++a.next;
            a.at = sender::look;
            return true;
        }
        case sender::look: a.at = l.call_me != 0 ? narrow(sender::first) : narrow(sender::begin); return true;
        case sender::first:
        case sender::second:
            if ((a.at == sender::first) == (mistake_ != mistake::bit_before_word))
                l.call_me = 0;
            else
                add(s.called, bit(a.in));
            a.at = a.at == sender::first ? narrow(sender::second) : narrow(sender::wake);
            return true;
        case sender::wake:
            s.sleeps = 0;
            a.at = sender::begin;
            return true;
        case sender::leave:
            l.holder = nothing;
            a.at = sender::tell;
            return true;
        case sender::tell:
            s.sleeps = 0;
            a.at = sender::outside;
            return true;
        default: return false;
        }
    }

    void attach(state const& s, receiver& a, int i) const
    {
        if (has(s.opened, i) && !has(a.attached, i)) {
            a.position[i] = s.lanes[i].consumed;
            add(a.attached, bit(i));
        }
    }

    // A look at the next lane of a scan; true when it has a message, which is shown next.
    bool look(state const& s, receiver& a, std::int8_t set, std::int8_t when_none) const
    {
        a.in = narrow((a.in + 1) % size_.lanes);
        if (has(set, a.in) && is_committed(s.lanes[a.in], a.position[a.in])) {
            add(a.watched, bit(a.in));
            a.looked = 0;
            a.at = receiver::show;
            return true;
        }
        if (++a.looked == size_.lanes) {
            a.looked = 0;
            a.at = when_none;
        }
        return false;
    }

    bool step(state& s, receiver& a)
    {
        switch (a.at) {
        case receiver::open:
            attach(s, a, a.looked);
            if (++a.looked == size_.lanes) {
                a.looked = 0;
                a.watched = a.attached;
                a.at = receiver::take;
            }
            return true;
        case receiver::take:
            a.taken = s.called;
            if (mistake_ != mistake::bit_cleared_after_scan)
                s.called = 0;
            for (int i = 0; i != size_.lanes; ++i)
                if (has(a.taken, i))
                    attach(s, a, i);
            add(a.watched, a.taken & a.attached);
            a.taken = 0;
            a.at = receiver::scan;
            return true;
        case receiver::scan: look(s, a, a.watched, receiver::idle); return true;
        case receiver::show: {
            lane const& l = s.lanes[a.in];
            expect(l.queued[0] != nothing && l.payload[a.position[a.in] % size_.capacity] == l.queued[0],
                   "a message is lost, repeated, torn or out of turn");
            a.at = receiver::release;
            return true;
        }
        case receiver::release: {
            lane& l = s.lanes[a.in];
            l.consumed = ++a.position[a.in];
            l.queued[0] = std::exchange(l.queued[1], nothing);
            a.at = receiver::take;
            return true;
        }
        case receiver::idle:
            if (mistake_ == mistake::bit_cleared_after_scan)
                s.called = 0;
            a.at = receiver::unwatch;
            return true;
        case receiver::unwatch:
            for (int i = 0; i != size_.lanes; ++i)
                if (has(a.watched, i)) {
                    s.lanes[i].call_me = 1;
                    a.watched = narrow(a.watched & ~bit(i));
                    return true;
                }
            a.at = receiver::lie_down;
            return true;
        case receiver::lie_down:
            s.sleeps = 1;
            a.at = mistake_ == mistake::no_look_after_unwatching ? receiver::asleep : receiver::scan_all;
            return true;
        case receiver::scan_all:
            attach(s, a, (a.in + 1) % size_.lanes);
            if (look(s, a, a.attached, receiver::recall))
                s.sleeps = 0;
            return true;
        case receiver::recall:
            if (s.called != 0 && mistake_ != mistake::sleeps_on_a_call) {
                a.watched = narrow(std::exchange(s.called, std::int8_t{0}) & a.attached);
                a.at = receiver::unwatch;
            } else {
                a.at = receiver::ask;
            }
            return true;
        case receiver::ask: {
            bool anybody = false;
            for (lane const& l : s.lanes)
                anybody = anybody || l.holder != nothing;
            s.left_at_end = 0;
            for (lane const& l : s.lanes)
                s.left_at_end = narrow(s.left_at_end | (l.queued[0] != nothing));
            a.at = anybody || s.opened == 0 ? receiver::asleep : receiver::scan_last;
            if (a.at == receiver::scan_last && mistake_ == mistake::end_without_last_look)
                a.at = receiver::over;
            return true;
        }
        case receiver::scan_last:
            attach(s, a, (a.in + 1) % size_.lanes);
            if (look(s, a, a.attached, receiver::over))
                s.sleeps = 0;
            return true;
        case receiver::asleep:
            if (s.sleeps == 0) {
                a.at = receiver::take;
                return true;
            }
            if (s.slices == s.deaths)
                return false;
            ++s.slices;
            a.at = receiver::unwatch;
            return true;
        case receiver::over:
            expect(s.left_at_end == 0, "the end is reported before all was read");
            s.sleeps = 0;
            for (lane const& l : s.lanes)
                if (l.holder != nothing || l.queued[0] != nothing) {  // it is asked again
                    s.left_at_end = 0;
                    a.at = receiver::take;
                    return true;
                }
            return false;
        default: return false;
        }
    }

    void explore(state const& s) override
    {
        bool stuck = true;
        for (int i = 0; i != senders; ++i) {
            state next = s;
            if (step(next, i, next.from[i])) {
                stuck = false;
                visit(next);
            }
        }
        {
            state next = s;
            if (step(next, next.to)) {
                stuck = false;
                visit(next);
            }
        }
        if (stuck && s.to.at != receiver::dead)
            check_rest(s);
        if (s.to.at == receiver::idle) {
            state next = s;  // it polls again
            if (mistake_ == mistake::bit_cleared_after_scan)
                next.called = 0;
            next.to.at = receiver::take;
            visit(next);
        }
        for (int i = 0; i != senders; ++i) {
            state next = s;
            sender& a = next.from[i];
            if (a.at == sender::begin && a.next == size_.messages) {
                a.at = sender::leave;
                visit(next);
                a.at = sender::begin;
            }
            if (s.deaths == size_.deaths || a.at == sender::outside)
                continue;
            if (a.at != sender::tell)
                next.lanes[a.in].holder = nothing;
            a = {sender::outside, 0, 0, 0, a.next};  // its next life sends what it has not committed
            ++next.deaths;
            visit(next);
        }
        state next = s;
        if (s.to.at == receiver::dead) {
            next.to.at = receiver::open;
            visit(next);
        } else if (s.deaths != size_.deaths) {
            next.to = {receiver::dead, 0, 0, 0, 0, 0, {0, 0}};
            next.sleeps = 0;
            ++next.deaths;
            visit(next);
        }
    }

    // Nobody who lives can go on.
    void check_rest(state const& s)
    {
        for (lane const& l : s.lanes)
            expect(l.queued[0] == nothing, slept_through);
        for (sender const& a : s.from)
            expect(a.next == size_.messages || a.at == sender::outside, "a sender waits though there is room");
    }

    extent size_;
    mistake mistake_;
};

std::string found(extent const& e, mistake m) { return exploration(e, m).run(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(model_lanes)

BOOST_AUTO_TEST_CASE(deaths_at_any_step_lose_repeat_and_wedge_nothing)
{
    support::watchdog const bound(600);
    bool const thorough = support::rounds(1) != 1;
    std::vector<extent> sizes{{1, 1, 2, 2}, {1, 2, 2, 2}, {2, 1, 2, 1}, {2, 2, 2, 1}};
    if (thorough)
        sizes.insert(sizes.end(), {{1, 2, 2, 3}, {1, 2, 3, 2}, {2, 1, 2, 2}});
    for (extent const& e : sizes) {
        exploration model(e, mistake::none);
        BOOST_TEST(model.run() == "");
        BOOST_TEST_MESSAGE("lanes " << e.lanes << ", capacity " << e.capacity << ", messages " << e.messages << ", deaths " << e.deaths
                                    << ": " << model.states() << " states");
        BOOST_TEST(model.states() > 10'000U);
    }
}

BOOST_AUTO_TEST_CASE(the_model_finds_a_lane_recycled_before_it_is_drained)
{
    BOOST_TEST(found({1, 2, 2, 0}, mistake::recycled_before_drained) != "");
}

BOOST_AUTO_TEST_CASE(the_model_finds_a_lane_recycled_while_its_sender_lives)
{
    BOOST_TEST(found({1, 2, 1, 0}, mistake::recycled_while_sender_lives) != "");
}

BOOST_AUTO_TEST_CASE(the_model_finds_calls_forgotten_after_the_scan)
{
    BOOST_TEST(found({2, 1, 2, 0}, mistake::bit_cleared_after_scan) == slept_through);
}

BOOST_AUTO_TEST_CASE(the_model_finds_a_receiver_that_does_not_look_once_more)
{
    BOOST_TEST(found({1, 1, 2, 0}, mistake::no_look_after_unwatching) == slept_through);
}

BOOST_AUTO_TEST_CASE(the_model_finds_a_receiver_that_sleeps_with_a_call_in_hand)
{
    BOOST_TEST(found({1, 1, 2, 0}, mistake::sleeps_on_a_call) == slept_through);
}

BOOST_AUTO_TEST_CASE(the_model_finds_a_call_that_takes_back_a_later_word)
{
    BOOST_TEST(found({1, 1, 2, 0}, mistake::bit_before_word) == slept_through);
}

BOOST_AUTO_TEST_CASE(the_model_finds_a_sender_that_takes_it_for_granted_that_it_is_watched)
{
    BOOST_TEST(found({2, 1, 1, 0}, mistake::no_announcement) == slept_through);
}

BOOST_AUTO_TEST_CASE(the_model_finds_an_end_without_a_last_look)
{
    BOOST_TEST(found({1, 1, 1, 0}, mistake::end_without_last_look) != "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace model_lanes
