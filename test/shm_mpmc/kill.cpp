// Distributed under the Boost Software License, Version 1.0.

#include "raw_mpmc.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <sys/mman.h>

namespace {

using namespace many;

// For all the rounds together.
struct long_watchdog : support::watchdog {
    long_watchdog() : watchdog(static_cast<unsigned>(support::rounds(250))) {}
};

// Small rings, so that kills hit waiting ends too. Of strings, a sender has two buffers only: it waits for these and not
// for the ring.
template <class T>
strait::channel_options small()
{
    return {.capacity = 16, .max_message_size = 256 << 10};
}

// What senders and receivers have done, in memory that survives them. Each life has pages of its own.
class ledger {
public:
    static constexpr std::size_t most = 1 << 16;

    struct life {
        std::atomic<std::uint64_t> sent;      // send() has returned so often
        std::atomic<std::uint64_t> received;  // so many are noted below
        std::atomic<std::uint64_t> torn;
        std::array<support::origin, most> seen;
    };

    explicit ledger(std::size_t lives) : bytes_(lives * sizeof(life))
    {
        void* const p = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
            std::abort();
        lives_ = static_cast<life*>(p);
    }
    ledger(ledger const&) = delete;
    ledger& operator=(ledger const&) = delete;
    ~ledger() { ::munmap(lives_, bytes_); }

    life& operator[](std::size_t i) const noexcept { return lives_[i]; }

private:
    std::size_t bytes_;
    life* lives_;
};

// Sends until it is killed; messages carry the number of this life.
template <class T>
int send_on(std::string const& name, std::uint64_t number, ledger::life& life)
{
    auto s = open_sender<T>(name, small<T>());
    for (std::uint64_t i = 0;; ++i) {
        if (!send(s, support::make_message<T>(i, number)))
            return 1;
        life.sent.store(i + 1, std::memory_order_release);
    }
}

template <class T>
void note(ledger::life& life, T const& message)
{
    std::uint64_t const n = life.received.load(std::memory_order_relaxed);
    life.torn.fetch_add(support::is_whole(message) ? 0 : 1, std::memory_order_relaxed);
    life.seen[n] = support::origin_of(message);
    life.received.store(n + 1, std::memory_order_release);
}

// Receives until it is killed, or its pages are full.
template <class T>
int receive_on(std::string const& name, ledger::life& life)
{
    auto r = open_receiver<T>(name, small<T>());
    while (life.received != ledger::most) {
        auto const m = receive<T>(r, deadline::never());
        if (m)
            note(life, *m);
        else if (m.error() != errc::closed)
            return 2;
    }
    return 0;
}

class dice {
public:
    std::uint64_t roll(std::uint64_t sides) { return random_() % sides; }
    void pass_a_moment()
    {
        std::int64_t const end = deadline::now() + static_cast<std::int64_t>(roll(600'000));
        while (deadline::now() < end) {
        }
    }

private:
    std::mt19937_64 random_{4711};
};

// Each message at most once; of each sender in order at every receiver; everything that a send() had returned for was
// received or is still queued, but for one message in the hands of each receiver that was killed.
void check(ledger const& book, std::size_t lives, std::uint64_t killed_receivers)
{
    std::map<std::uint64_t, std::vector<std::uint64_t>> seen;
    std::uint64_t torn = 0;
    std::uint64_t unordered = 0;
    for (std::size_t i = 0; i != lives; ++i) {
        std::map<std::uint64_t, std::uint64_t> next;
        torn += book[i].torn;
        for (std::uint64_t k = 0; k != book[i].received; ++k) {
            auto const [from, sequence] = book[i].seen[k];
            BOOST_TEST_REQUIRE(from < lives);
            auto& expected = next[from];
            unordered += sequence < expected;
            expected = sequence + 1;
            seen[from].push_back(sequence);
        }
    }
    BOOST_TEST(torn == 0U);
    BOOST_TEST(unordered == 0U);
    std::uint64_t twice = 0;
    std::uint64_t never_sent = 0;
    std::uint64_t lost = 0;
    std::uint64_t total = 0;
    for (std::uint64_t from = 0; from != lives; ++from) {
        std::uint64_t const sent = book[from].sent;
        std::vector<int> times(sent + 1);  // the last one: committed, and killed before noting it
        for (std::uint64_t const sequence : seen[from]) {
            if (sequence > sent)
                ++never_sent;
            else
                ++times[sequence];
        }
        for (std::uint64_t k = 0; k != sent; ++k)
            lost += times[k] == 0;
        for (int const n : times)
            twice += n > 1;
        total += seen[from].size();
    }
    BOOST_TEST(twice == 0U);
    BOOST_TEST(never_sent == 0U);
    BOOST_TEST(lost <= killed_receivers);
    BOOST_TEST(total > 0U);
}

// `senders` and `receivers` live at a time; every moment somebody is killed and a new life begins.
template <class T>
void kill_at_random(std::size_t senders, std::size_t receivers, bool kill_senders, bool kill_receivers)
{
    auto const rounds = static_cast<std::size_t>(support::rounds(120));
    std::string const name = support::unique_name();
    ledger const book(senders + receivers + rounds + 2);
    dice random;
    std::size_t lives = 0;
    std::uint64_t killed_receivers = 0;
    std::vector<std::unique_ptr<support::child>> out;
    std::vector<std::unique_ptr<support::child>> in;
    auto const begin = [&](bool sends) {
        std::size_t const number = lives++;
        if (sends)
            out.push_back(std::make_unique<support::child>([&, number] { return send_on<T>(name, number, book[number]); }));
        else
            in.push_back(std::make_unique<support::child>([&, number] { return receive_on<T>(name, book[number]); }));
    };
    for (std::size_t i = 0; i != receivers; ++i)
        begin(false);
    for (std::size_t i = 0; i != senders; ++i)
        begin(true);
    for (std::size_t round = 0; round != rounds; ++round) {
        bool const sender = kill_senders && (!kill_receivers || random.roll(2) == 0);
        random.pass_a_moment();
        auto& victims = sender ? out : in;
        std::size_t const chosen = random.roll(victims.size());
        std::swap(victims[chosen], victims.back());
        victims.pop_back();  // by SIGKILL
        killed_receivers += !sender;
        begin(sender);
    }
    out.clear();
    // What is queued now has been committed; nobody sends any more.
    auto last = receiver<T>::open(name, small<T>(), "test");
    BOOST_TEST_REQUIRE(last.has_value());
    std::size_t const number = lives++;
    killed_receivers += in.size();
    in.clear();
    while (auto const m = receive<T>(*last, deadline::poll()))
        note(book[number], *m);
    check(book, lives, killed_receivers);
    // Nobody is wedged.
    auto s = open_sender<T>(name);
    for (std::uint64_t i = 0; i != 100; ++i) {
        BOOST_TEST_REQUIRE(send(s, support::make_message<T>(i, 99)).has_value());
        BOOST_TEST_REQUIRE((receive<T>(*last) == support::make_message<T>(i, 99)));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_mpmc_kill, *boost::unit_test::fixture<long_watchdog>())

BOOST_AUTO_TEST_CASE(what_killed_senders_committed_is_received_once_in_order_and_untorn)
{
    kill_at_random<support::probe>(2, 2, true, false);
    kill_at_random<std::string>(3, 1, true, false);
}

BOOST_AUTO_TEST_CASE(killed_receivers_take_at_most_the_message_in_their_hands_along)
{
    kill_at_random<support::probe>(2, 2, false, true);
    kill_at_random<std::string>(1, 3, false, true);
}

BOOST_AUTO_TEST_CASE(kills_of_everybody_lose_and_repeat_nothing_else)
{
    kill_at_random<support::probe>(2, 2, true, true);
    kill_at_random<std::string>(2, 2, true, true);
}

BOOST_AUTO_TEST_CASE(the_stopped_keep_nobody_from_going_on)
{
    std::string const name = support::unique_name();
    dice random;
    for (int round = 0; round != support::rounds(60); ++round) {
        ledger const book(2);
        support::child in([&] { return receive_on<support::probe>(name, book[0]); });
        support::child out([&] { return send_on<support::probe>(name, 1, book[1]); });
        support::notes::await(book[0].received, 1);  // both are through the door: who is stopped there holds up others
        random.pass_a_moment();
        out.signal(SIGSTOP);
        in.signal(SIGSTOP);
        for (auto* c : {&in, &out}) {
            int status = 0;
            BOOST_TEST_REQUIRE(::waitpid(c->pid(), &status, WUNTRACED) == c->pid());
        }
        auto s = open_sender<support::probe>(name, small<support::probe>());
        auto r = open_receiver<support::probe>(name, small<support::probe>());
        while (receive<support::probe>(r, deadline::poll())) {
        }
        for (std::uint64_t i = 0; i != 200; ++i) {
            BOOST_TEST_REQUIRE(send(s, support::make_probe(i), deadline::poll()).has_value());
            BOOST_TEST_REQUIRE((receive<support::probe>(r, deadline::poll()) == support::make_probe(i)));
        }
    }
    BOOST_TEST(ring::remove(name).has_value());
}

BOOST_AUTO_TEST_CASE(a_message_in_the_hands_of_a_killed_receiver_is_gone_with_it)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    auto s = open_sender<int>(name);
    for (int i = 1; i != 4; ++i)
        BOOST_TEST(send(s, i).has_value());
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
    BOOST_TEST((receive<int>(r) == 3));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(the_buffers_of_the_dead_are_used_again_without_touching_what_they_hold)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 4};
    auto r = open_receiver<std::uint64_t>(name, how);
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    for (int round = 0; round != support::rounds(100); ++round) {
        std::uint64_t const room = 4 - (sent - received);
        std::uint64_t const more = static_cast<std::uint64_t>(round) % (room + 1);
        support::child doomed([&] {  // always in the first place
            auto s = open_sender<std::uint64_t>(name);
            for (std::uint64_t i = 0; i != more; ++i)
                send(s, sent + i, deadline::poll()).value();
            if (auto const half = s.reserve(8, deadline::poll()))
                std::memset(half->data(), 0xff, 8);
            ::raise(SIGKILL);
        });
        BOOST_TEST_REQUIRE(doomed.wait() == -SIGKILL);
        sent += more;
        for (int n = round % 3; n != 0 && received != sent; --n)
            BOOST_TEST_REQUIRE((receive<std::uint64_t>(r, deadline::poll()) == received++));
    }
    while (received != sent)
        BOOST_TEST_REQUIRE((receive<std::uint64_t>(r, deadline::poll()) == received++));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::closed));
    BOOST_TEST((r.ended() == strait::end_reason::died));
}

BOOST_AUTO_TEST_CASE(sleeping_receivers_learn_that_the_last_sender_died)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    support::child out([&] {
        auto s = open_sender<int>(name);
        page->stage = 1;
        ::pause();
    });
    support::notes::await(page->stage, 1);
    auto const wait_for_the_end = [&] {
        auto r = open_receiver<int>(name);
        page->done.fetch_add(1);
        return r.peek(deadline::never()).error() == errc::closed && r.ended() == strait::end_reason::died ? 0 : 1;
    };
    support::child one(wait_for_the_end);
    support::child two(wait_for_the_end);
    support::notes::await(page->done, 2);
    auto r = open_receiver<int>(name);
    BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(120))).error() == errc::timed_out));
    out.kill();
    BOOST_TEST(one.wait() == 0);
    BOOST_TEST(two.wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
