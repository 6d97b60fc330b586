// Distributed under the Boost Software License, Version 1.0.
// The ring of many senders and receivers (detail/mpmc/words.hpp) as a model small enough to look at in every state that
// it can come to: each access to shared memory is a step, the ends' steps interleave in every order, and each end may die
// before each of its steps and be replaced. What holds is checked against a queue beside the model that has no steps:
// each receiver gets what was committed first of what is left, whole; and when no end can go on, nothing is left to do.
//
// Steps see each other's in one order: what weaker memory needs is argued beside the code. Laps do not wrap here.
#include "explorer.hpp"

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace model_mpmc {

namespace {

// Mistakes that the model must find.
enum class mistake { none, commit_before_payload, early_reuse, no_lap, no_helping };

struct extent {
    int capacity;  // 1 or 2 places
    int buffers;   // of each sender, 1 or 2
    int messages;  // of each sender's place
    int deaths;
};

constexpr int senders = 2;
constexpr int receivers = 2;
constexpr std::int8_t nowhere = -1;
constexpr char const* wedged_receivers = "a message stays in the ring though a receiver lives";
constexpr char const* wedged_sender = "a sender waits though there is room";

struct sender {
    enum step : std::int8_t { dead, open, find, scan, begin, write_first, write_second, commit, advance };
    std::int8_t at = open;
    std::int8_t position = 0;
    std::int8_t next = 0;     // message
    std::int8_t scanned = 0;
    std::int8_t last[2] = {nowhere, nowhere};  // where each buffer was committed last
};

struct receiver {
    enum step : std::int8_t { dead, open, look, copy_first, copy_second, consume, advance };
    std::int8_t at = open;
    std::int8_t position = 0;
    std::int8_t seen = 0;  // the word
    std::int8_t first = nowhere;
    std::int8_t second = nowhere;
};

// Words as in mpmc_word: lap, full, buffer. Only bytes, so that a state is its bytes.
struct state {
    std::int8_t words[2] = {0, 0};
    std::int8_t buffers[senders * 2][2] = {{nowhere, nowhere}, {nowhere, nowhere}, {nowhere, nowhere}, {nowhere, nowhere}};
    sender from[senders];
    receiver to[receivers];
    std::int8_t queued[3] = {nowhere, nowhere, nowhere};  // what should be in the ring, oldest first
    std::int8_t deaths = 0;
    std::int8_t head = 0;  // for no_helping only
    std::int8_t tail = 0;
};

constexpr std::int8_t narrow(int n) { return static_cast<std::int8_t>(n); }
constexpr std::int8_t empty(int lap) { return narrow(lap * 8); }
constexpr std::int8_t full(int lap, int buffer) { return narrow(lap * 8 + 4 + buffer); }
constexpr int lap_of(int word) { return word / 8; }
constexpr bool is_full(int word) { return (word & 4) != 0; }
constexpr int buffer_of(int word) { return word & 3; }

class exploration : public model::explorer<state> {
public:
    exploration(extent const& e, mistake m) : size_(e), mistake_(m) {}

private:
    int lap(int position) const { return position / size_.capacity; }
    std::int8_t& word(state& s, int position) const { return s.words[position % size_.capacity]; }

    int after_consumed(int position, int w) const
    {
        int const ahead = lap_of(w) - lap(position);
        return ahead <= 0 ? position : position + (ahead - 1) * size_.capacity + 1;
    }
    int after_filled(int position, int w) const
    {
        int const ahead = lap_of(w) - lap(position);
        if (is_full(w))
            return ahead < 0 ? position : position + ahead * size_.capacity + 1;
        return after_consumed(position, w);
    }
    int somewhere_before(state const& s) const { return std::max(0, (lap_of(s.words[0]) - 1) * size_.capacity + 1); }

    // Compare-and-swap.
    bool swap(std::int8_t& w, std::int8_t expected, std::int8_t wanted) const
    {
        bool const same = mistake_ == mistake::no_lap ? (w & 7) == (expected & 7) : w == expected;
        if (same)
            w = wanted;
        return same;
    }

    int oldest(sender const& a) const { return size_.buffers == 2 && a.last[1] < a.last[0] ? 1 : 0; }

    // One step of an end; false when it would change nothing.
    bool step(state& s, int i, sender& a)
    {
        int const b = oldest(a);
        std::int8_t const message = narrow(i * size_.messages + a.next);
        auto& buffer = s.buffers[i * 2 + b];
        switch (a.at) {
        case sender::open:
            a.position = narrow(somewhere_before(s));
            a.at = sender::find;
            return true;
        case sender::find: {
            int const after = after_filled(a.position, word(s, a.position));
            a.at = after == a.position ? narrow(sender::scan) : a.at;
            a.position = narrow(after);
            return true;
        }
        case sender::scan: {
            int const w = s.words[a.scanned];
            if (is_full(w) && buffer_of(w) / 2 == i)
                a.last[buffer_of(w) % 2] = narrow(lap_of(w) * size_.capacity + a.scanned);
            if (++a.scanned == size_.capacity) {
                a.scanned = 0;
                a.at = sender::begin;
            }
            return true;
        }
        case sender::begin: {
            if (a.next == size_.messages)
                return false;
            int const last = a.last[b];
            if (last != nowhere && mistake_ != mistake::early_reuse && after_consumed(last, word(s, last)) == last)
                return false;
            a.at = mistake_ == mistake::commit_before_payload ? sender::commit : sender::write_first;
            return true;
        }
        case sender::write_first:
            // Of a mistaken one: the buffer that was committed just now.
            written(s, i, a)[0] = narrow(payload(message));
            a.at = sender::write_second;
            return true;
        case sender::write_second:
            written(s, i, a)[1] = narrow(payload(message));
            a.at = mistake_ == mistake::commit_before_payload ? sender::begin : sender::commit;
            return true;
        case sender::commit: {
            if (mistake_ == mistake::no_helping)
                a.position = s.tail;
            std::int8_t& w = word(s, a.position);
            if (swap(w, empty(lap(a.position)), full(lap(a.position), i * 2 + b))) {
                std::size_t n = 0;
                while (s.queued[n] != nowhere)
                    ++n;
                if (!expect(n < static_cast<std::size_t>(size_.capacity), "more is in the ring than fits"))
                    return false;
                s.queued[n] = message;
                a.last[b] = a.position++;
                ++a.next;
                a.at = mistake_ == mistake::commit_before_payload ? sender::write_first
                       : mistake_ == mistake::no_helping          ? sender::advance
                                                                  : sender::begin;
                return true;
            }
            if (mistake_ == mistake::no_helping)
                return false;
            int const after = after_filled(a.position, w);
            expect(after != a.position || (is_full(w) && lap_of(w) == lap(a.position) - 1), "a sender finds an impossible word");
            bool const moved = after != a.position;
            a.position = narrow(after);
            return moved;
        }
        case sender::advance:
            s.tail = a.position;
            a.at = sender::begin;
            return true;
        default: static_cast<void>(buffer); return false;
        }
    }

    bool step(state& s, int, receiver& a)
    {
        switch (a.at) {
        case receiver::open:
            a.position = narrow(somewhere_before(s));
            a.at = receiver::look;
            return true;
        case receiver::look: {
            if (mistake_ == mistake::no_helping)
                a.position = s.head;
            std::int8_t const w = word(s, a.position);
            if (w == empty(lap(a.position)))
                return false;
            if (is_full(w) && lap_of(w) == lap(a.position)) {
                a.seen = w;
                a.at = receiver::copy_first;
                return true;
            }
            if (mistake_ == mistake::no_helping)
                return false;
            return pass(a, w);
        }
        case receiver::copy_first:
            a.first = s.buffers[buffer_of(a.seen)][0];
            a.at = receiver::copy_second;
            return true;
        case receiver::copy_second:
            a.second = s.buffers[buffer_of(a.seen)][1];
            a.at = receiver::consume;
            return true;
        case receiver::consume: {
            std::int8_t& w = word(s, a.position);
            bool done = false;
            if (swap(w, a.seen, empty(lap(a.position) + 1))) {
                expect(a.first == a.second, "a message is torn");
                expect(s.queued[0] != nowhere && a.first == payload(s.queued[0]), "a message is lost, repeated or out of turn");
                s.queued[0] = std::exchange(s.queued[1], std::exchange(s.queued[2], nowhere));
                ++a.position;
                done = true;
            } else if (mistake_ != mistake::no_helping) {
                pass(a, w);
            }
            a.seen = 0;
            a.first = a.second = nowhere;
            a.at = done && mistake_ == mistake::no_helping ? receiver::advance : receiver::look;
            return true;
        }
        case receiver::advance:
            s.head = a.position;
            a.at = receiver::look;
            return true;
        default: return false;
        }
    }

    bool pass(receiver& a, int w)
    {
        int const after = after_consumed(a.position, w);
        bool const moved = expect(after != a.position, "a receiver finds an impossible word");
        a.position = narrow(after);
        return moved;
    }

    // The payload of a message differs from that of every other one.
    static int payload(int message) { return message; }

    std::int8_t (&written(state& s, int i, sender const& a) const)[2]
    {
        int b = oldest(a);
        if (mistake_ == mistake::commit_before_payload && size_.buffers == 2)
            b = a.last[1] > a.last[0] ? 1 : 0;
        return s.buffers[i * 2 + b];
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
        for (int i = 0; i != receivers; ++i) {
            state next = s;
            if (step(next, i, next.to[i])) {
                stuck = false;
                visit(next);
            }
        }
        if (stuck)
            check_rest(s);
        for (int i = 0; i != senders; ++i) {
            state next = s;
            if (sender& a = next.from[i]; a.at == sender::dead) {
                a.at = sender::open;
                visit(next);
            } else if (s.deaths != size_.deaths) {
                bool const unfinished = a.at >= sender::write_first && a.at <= sender::commit && mistake_ != mistake::commit_before_payload;
                a = {sender::dead, 0, narrow(a.next + unfinished), 0, {nowhere, nowhere}};  // what it was making never existed
                ++next.deaths;
                visit(next);
            }
        }
        for (int i = 0; i != receivers; ++i) {
            state next = s;
            if (receiver& a = next.to[i]; a.at == receiver::dead) {
                a.at = receiver::open;
                visit(next);
            } else if (s.deaths != size_.deaths) {
                a = {receiver::dead, 0, 0, nowhere, nowhere};
                ++next.deaths;
                visit(next);
            }
        }
    }

    // No living end can go on.
    void check_rest(state const& s)
    {
        bool anybody = false;
        for (receiver const& a : s.to)
            anybody = anybody || a.at != receiver::dead;
        if (anybody)
            expect(s.queued[0] == nowhere, wedged_receivers);
        for (int i = 0; i != senders; ++i) {
            sender const& a = s.from[i];
            if (a.at == sender::dead || a.next == size_.messages)
                continue;
            int own = 0;
            int all = 0;
            for (std::int8_t const m : s.queued)
                if (m != nowhere) {
                    ++all;
                    own += m / size_.messages == i;
                }
            expect(!anybody && (all == size_.capacity || own >= size_.buffers), wedged_sender);
        }
    }

    extent size_;
    mistake mistake_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(model_mpmc)

BOOST_AUTO_TEST_CASE(deaths_at_any_step_lose_repeat_tear_and_wedge_nothing)
{
    support::watchdog const bound(600);
    bool const thorough = support::rounds(1) != 1;
    for (extent const& e : {extent{1, 1, 2, 1}, extent{2, 1, 2, 1}, extent{2, 2, 2, 1}, extent{1, 1, 2, 2}, extent{2, 1, 2, 2}, extent{2, 2, 3, 1}}) {
        extent wider = e;
        wider.deaths += thorough;
        exploration model(wider, mistake::none);
        BOOST_TEST(model.run() == "");
        BOOST_TEST_MESSAGE("capacity " << e.capacity << ", buffers " << e.buffers << ", messages " << e.messages << ", deaths "
                                       << wider.deaths << ": " << model.states() << " states");
        BOOST_TEST(model.states() > 10'000U);
    }
}

BOOST_AUTO_TEST_CASE(the_model_finds_a_commit_before_the_payload)
{
    BOOST_TEST(exploration({2, 1, 2, 0}, mistake::commit_before_payload).run() != "");
}

BOOST_AUTO_TEST_CASE(the_model_finds_a_buffer_used_again_too_early)
{
    BOOST_TEST(exploration({2, 1, 2, 0}, mistake::early_reuse).run() != "");
}

BOOST_AUTO_TEST_CASE(the_model_finds_words_without_laps)
{
    BOOST_TEST(exploration({1, 1, 2, 0}, mistake::no_lap).run() != "");
}

BOOST_AUTO_TEST_CASE(the_model_finds_ends_that_wait_for_others_to_move_on)
{
    BOOST_TEST(exploration({2, 1, 2, 0}, mistake::no_helping).run() == "");  // while no end dies
    std::string const wrong = exploration({2, 1, 2, 1}, mistake::no_helping).run();
    BOOST_TEST((wrong == wedged_receivers || wrong == wedged_sender));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace model_mpmc
