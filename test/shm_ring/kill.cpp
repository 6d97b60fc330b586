// Distributed under the Boost Software License, Version 1.0.

#include "raw_ends.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <random>

namespace {

using namespace raw;

// For all the rounds together.
struct long_watchdog : support::watchdog {
    long_watchdog() : watchdog(static_cast<unsigned>(support::rounds(250))) {}
};

// Small rings, so that kills hit waiting ends too: 64 slots, a page of records.
template <class T>
strait::channel_options small()
{
    return {.capacity = std::is_same_v<T, std::string> ? 4096U : 64U};
}

// Sends first, first + 1, ... and notes how many have been sent in all.
template <class T>
int send_from(std::string const& name, std::uint64_t first, support::notes& notes)
{
    auto s = open_sender<T>(name, small<T>());
    for (std::uint64_t i = first;; ++i) {
        if (!send(s, support::make_message<T>(i)))
            return 1;
        notes.done.store(i + 1, std::memory_order_release);
    }
}

// Receives for ever; other[0] counts what was consumed, in all. Whoever is killed between consuming and counting leaves a
// count that is one too low: the next one corrects it before it consumes, lest the same befall it and two be missing.
template <class T>
int receive_on(std::string const& name, support::notes& notes)
{
    auto r = open_receiver<T>(name, small<T>());
    for (bool first = true;; first = false) {
        auto const m = look<T>(r, deadline::never());
        if (!m)
            return m.error() == errc::closed ? 0 : 2;
        std::uint64_t const expected = notes.other[0].load(std::memory_order_acquire);
        std::uint64_t const came = support::origin_of(*m).sequence;
        if (!support::is_whole(*m) || !(came == expected || (first && came == expected + 1)))
            notes.wrong.fetch_add(1);
        notes.other[0].store(came, std::memory_order_release);
        r.release();
        notes.other[0].store(came + 1, std::memory_order_release);
    }
}

class random_moment {
public:
    void pass()
    {
        std::int64_t const end = deadline::now() + static_cast<std::int64_t>(random_() % 400'000);
        while (deadline::now() < end) {
        }
    }
    bool coin() { return random_() % 2 == 0; }

private:
    std::mt19937 random_{12345};
};

template <class T>
void kill_senders()
{
    std::string const name = support::unique_name();
    support::shared_page page;
    random_moment moment;
    auto r = open_receiver<T>(name, small<T>());
    support::sequence_checker seen;
    for (int round = 0; round != support::rounds(200); ++round) {
        std::uint64_t const before = seen.next();
        page->done = before;
        support::child c([&] { return send_from<T>(name, before, *page); });
        if (moment.coin())
            support::notes::await(page->done, before + 1);
        if (moment.coin())  // else it is killed with the ring full, or nothing sent
            for (int i = 0; i != 300; ++i)
                if (auto const m = receive<T>(r, deadline::poll()))
                    BOOST_TEST_REQUIRE(seen.see(*m));
        moment.pass();
        c.kill();
        for (;;) {
            // A sender killed before it joined leaves the end of its predecessor, or none in the first round.
            auto const m = receive<T>(r, round == 0 ? soon() : patiently());
            if (!m) {
                BOOST_TEST_REQUIRE((m.error() == errc::closed || (round == 0 && m.error() == errc::timed_out)));
                break;
            }
            BOOST_TEST_REQUIRE(seen.see(*m));
        }
        std::uint64_t const done = page->done;
        BOOST_TEST_REQUIRE((seen.next() == done || seen.next() == done + 1));
    }
    BOOST_TEST(seen.count() > 0U);
}

template <class T>
void kill_receivers()
{
    std::string const name = support::unique_name();
    support::shared_page page;
    random_moment moment;
    support::child out([&] { return send_from<T>(name, 0, *page); });
    support::notes::await(page->done, 1);
    for (int round = 0; round != support::rounds(200); ++round) {
        std::uint64_t const before = page->other[0];
        support::child in([&] { return receive_on<T>(name, *page); });
        if (moment.coin())
            support::notes::await(page->other[0], before + 1);
        moment.pass();
        in.kill();
    }
    // The last one must be there before the sender dies: an empty channel that nobody uses starts afresh, without an end.
    std::uint64_t const before = page->other[0];
    support::child last([&] { return receive_on<T>(name, *page); });
    support::notes::await(page->other[0], before + 1);
    out.kill();
    BOOST_TEST(last.wait() == 0);
    BOOST_TEST(page->wrong == 0U);
    std::uint64_t const sent = page->done;
    BOOST_TEST((page->other[0] == sent || page->other[0] == sent + 1));
}

template <class T>
void kill_both()
{
    std::string const name = support::unique_name();
    support::shared_page page;
    random_moment moment;
    for (int round = 0; round != support::rounds(200); ++round) {
        std::uint64_t const before = page->done;
        {
            support::child in([&] { return receive_on<T>(name, *page); });
            support::child out([&] { return send_from<T>(name, page->done, *page); });
            support::notes::await(page->done, before + 1);
            moment.pass();
            (moment.coin() ? in : out).signal(SIGKILL);
        }
        // Nobody is there: what is left lies in the segment.
        auto r = open_receiver<T>(name, small<T>());
        bool first = true;
        while (auto const m = receive<T>(r, deadline::poll())) {
            std::uint64_t const came = support::origin_of(*m).sequence;
            std::uint64_t const expected = page->other[0];
            BOOST_TEST_REQUIRE(support::is_whole(*m));
            BOOST_TEST_REQUIRE((came == expected || (first && came == expected + 1)));
            page->other[0] = came + 1;
            first = false;
        }
        std::uint64_t const sent = page->done;
        std::uint64_t const got = page->other[0];
        // Killed between committing and noting, between consuming and noting, or both at the same message.
        BOOST_TEST_REQUIRE((got == sent || got == sent + 1 || got + 1 == sent));
        page->done = page->other[0] = std::max(sent, got) + 1;
    }
    BOOST_TEST(page->wrong == 0U);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_ring_kill, *boost::unit_test::fixture<long_watchdog>())

BOOST_AUTO_TEST_CASE(what_a_killed_sender_committed_arrives_once_in_order_and_untorn)
{
    kill_senders<support::probe>();
    kill_senders<std::string>();
}

BOOST_AUTO_TEST_CASE(a_killed_receiver_loses_nothing_and_the_next_goes_on)
{
    kill_receivers<support::probe>();
    kill_receivers<std::string>();
}

BOOST_AUTO_TEST_CASE(what_two_killed_ends_left_is_read_by_the_next_opener)
{
    kill_both<support::probe>();
    kill_both<std::string>();
}

BOOST_AUTO_TEST_CASE(a_message_in_the_hands_of_a_killed_receiver_is_seen_again)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    auto s = open_sender<int>(name);
    BOOST_TEST(send(s, 1).has_value());
    BOOST_TEST(send(s, 2).has_value());
    support::child in([&] {
        auto r = open_receiver<int>(name);
        (void)receive<int>(r);
        (void)r.peek(deadline::never());
        page->stage = 1;
        ::pause();
    });
    support::notes::await(page->stage, 1);
    in.kill();
    auto r = open_receiver<int>(name);
    BOOST_TEST((receive<int>(r) == 2));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(a_sleeping_receiver_learns_that_its_sender_died)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    support::child out([&] {
        auto s = open_sender<int>(name);
        page->stage = 1;
        ::pause();
    });
    support::notes::await(page->stage, 1);
    support::child killer([&] {
        support::notes::await(page->proceed, 1);
        out.signal(SIGKILL);
    });
    auto r = open_receiver<int>(name);
    BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(120))).error() == errc::timed_out));
    page->proceed = 1;
    BOOST_TEST((r.peek(deadline::never()).error() == errc::closed));
    BOOST_TEST((r.ended() == strait::end_reason::died));
}

BOOST_AUTO_TEST_CASE(a_stopped_receiver_makes_its_sender_wait_and_loses_nothing)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    support::child in([&] { return receive_on<support::probe>(name, *page); });
    auto s = open_sender<support::probe>(name, small<support::probe>());
    std::uint64_t sent = 0;
    for (int round = 0; round != 20; ++round) {
        for (std::uint64_t const end = sent + 500; sent != end; ++sent)
            BOOST_TEST_REQUIRE(send(s, support::make_probe(sent)).has_value());
        in.signal(SIGSTOP);
        int status = 0;
        BOOST_TEST_REQUIRE(::waitpid(in.pid(), &status, WUNTRACED) == in.pid());
        while (send(s, support::make_probe(sent), deadline::poll()))
            ++sent;
        BOOST_TEST((s.reserve(8, soon()).error() == errc::timed_out));
        in.signal(SIGCONT);
    }
    BOOST_TEST(s.close(deadline::never()).has_value());
    BOOST_TEST(in.wait() == 0);
    BOOST_TEST(page->wrong == 0U);
    BOOST_TEST(page->other[0] == sent);
}

BOOST_AUTO_TEST_CASE(a_stopped_sender_is_not_taken_for_dead)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    support::child out([&] { return send_from<support::probe>(name, 0, *page); });
    auto r = open_receiver<support::probe>(name, small<support::probe>());
    support::sequence_checker seen;
    for (int round = 0; round != 5; ++round) {
        for (int i = 0; i != 500; ++i)
            BOOST_TEST_REQUIRE(seen.see(receive<support::probe>(r).value()));
        out.signal(SIGSTOP);
        int status = 0;
        BOOST_TEST_REQUIRE(::waitpid(out.pid(), &status, WUNTRACED) == out.pid());
        while (auto const m = receive<support::probe>(r, deadline::poll()))
            BOOST_TEST_REQUIRE(seen.see(*m));
        BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(120))).error() == errc::timed_out));
        out.signal(SIGCONT);
    }
    out.kill();
    BOOST_TEST(strait::shm_ring<>::remove(name).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
