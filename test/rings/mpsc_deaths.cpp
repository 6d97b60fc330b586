// Distributed under the Boost Software License, Version 1.0.

#include "deaths.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <sys/mman.h>

namespace rings_mpsc_deaths {

namespace {

using namespace rings;

// What senders and receivers have done, in memory that survives them. Each life has pages of its own.
class ledger {
public:
    static constexpr std::size_t most = 1 << 16;

    struct life {
        std::atomic<std::uint64_t> sent;      // send() has returned so often
        std::atomic<std::uint64_t> received;  // so many are noted below
        std::atomic<std::uint64_t> torn;
        std::array<support::origin, most> seen;

        template <class T>
        void note(T const& message)
        {
            std::uint64_t const n = received.load(std::memory_order_relaxed);
            torn.fetch_add(support::is_whole(message) ? 0 : 1, std::memory_order_relaxed);
            seen[n] = support::origin_of(message);
            received.store(n + 1, std::memory_order_release);
        }
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
    auto s = open_sender<mpsc, T>(name, small<mpsc, T>());
    for (std::uint64_t i = 0;; ++i) {
        if (!send(s, support::make_message<T>(i, number)))
            return 1;
        life.sent.store(i + 1, std::memory_order_release);
    }
}

// Receives until it is killed, or its pages are full. Each message is noted before it is released, so every consumed
// message has been noted by some receiver.
template <class T>
int receive_on(std::string const& name, ledger::life& life)
{
    auto r = open_receiver<mpsc, T>(name, small<mpsc, T>());
    while (life.received != ledger::most) {
        auto const m = look<T>(r, deadline::never());
        if (m) {
            life.note(*m);
            r.release();
        } else if (m.error() != errc::closed) {
            return 2;
        }
    }
    return 0;
}

// `receivers`: their lives in the order in which they came. Of each sender all, whole and in order; again only what a
// killed receiver noted last, once for each that was killed before it had released it.
void check(ledger const& book, std::size_t lives, std::vector<std::size_t> const& receivers)
{
    std::map<std::uint64_t, std::uint64_t> next;
    std::set<std::pair<std::uint64_t, std::uint64_t>> unreleased;
    std::uint64_t wrong = 0;
    std::uint64_t total = 0;
    for (std::size_t const life : receivers) {
        BOOST_TEST(book[life].torn == 0U);
        std::uint64_t const received = book[life].received;
        for (std::uint64_t k = 0; k != received; ++k) {
            auto const [from, sequence] = book[life].seen[k];
            BOOST_TEST_REQUIRE(from < lives);
            auto& expected = next[from];
            if (sequence == expected)
                ++expected;
            else if (sequence + 1 != expected || unreleased.erase({from, sequence}) == 0)
                ++wrong;
            ++total;
        }
        if (received != 0)
            unreleased.emplace(book[life].seen[received - 1].sender, book[life].seen[received - 1].sequence);
    }
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(total > 0U);
    for (std::uint64_t from = 0; from != lives; ++from) {
        std::uint64_t const sent = book[from].sent;
        // One more: committed, and killed before it was noted.
        BOOST_TEST((next[from] == sent || next[from] == sent + 1), "sender " << from << " has sent " << sent << ", received " << next[from]);
    }
}

// `senders` and one receiver live at a time. At random moments one of them is killed and another begins.
template <class T>
void kill_at_random(std::size_t senders, bool kill_senders, bool kill_receivers)
{
    auto const rounds = static_cast<std::size_t>(support::rounds(120));
    std::string const name = support::unique_name();
    ledger const book(senders + rounds + 3);
    dice random;
    std::size_t lives = 0;
    std::vector<std::size_t> receivers;
    std::vector<std::unique_ptr<support::child>> out;
    std::unique_ptr<support::child> in;
    auto const begin = [&](bool sends) {
        std::size_t const number = lives++;
        if (sends) {
            out.push_back(std::make_unique<support::child>([&, number] { return send_on<T>(name, number, book[number]); }));
        } else {
            receivers.push_back(number);
            in = std::make_unique<support::child>([&, number] { return receive_on<T>(name, book[number]); });
        }
    };
    begin(false);
    for (std::size_t i = 0; i != senders; ++i)
        begin(true);
    for (std::size_t round = 0; round != rounds; ++round) {
        bool const sender = kill_senders && (!kill_receivers || random.roll(2) == 0);
        random.pass_a_moment();
        if (sender) {
            std::swap(out[random.roll(out.size())], out.back());
            out.pop_back();  // by SIGKILL
        } else {
            in.reset();  // before the next one opens, which would be refused
        }
        begin(sender);
    }
    // With a sender alive, lest the last receiver find an empty channel and start afresh.
    in.reset();
    auto last = try_receiver<mpsc, T>(name, small<mpsc, T>());
    BOOST_TEST_REQUIRE(last.has_value());
    out.clear();
    std::size_t const number = lives++;
    receivers.push_back(number);
    while (auto const m = receive<T>(*last, deadline::poll()))
        book[number].note(*m);
    check(book, lives, receivers);
    // The last receiver can still exchange messages.
    auto s = open_sender<mpsc, T>(name);
    for (std::uint64_t i = 0; i != 100; ++i) {
        BOOST_TEST_REQUIRE(send(s, support::make_message<T>(i, 99)).has_value());
        BOOST_TEST_REQUIRE((receive<T>(*last) == support::make_message<T>(i, 99)));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_mpsc_deaths, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(what_killed_senders_committed_is_received_once_in_order_and_untorn)
{
    kill_at_random<support::probe>(2, true, false);
    kill_at_random<std::string>(3, true, false);
}

BOOST_AUTO_TEST_CASE(a_killed_receiver_loses_nothing_and_the_next_goes_on)
{
    kill_at_random<support::probe>(2, false, true);
    kill_at_random<std::string>(2, false, true);
}

BOOST_AUTO_TEST_CASE(kills_of_all_ends_lose_nothing_and_repeat_only_what_was_not_released)
{
    kill_at_random<support::probe>(3, true, true);
    kill_at_random<std::string>(2, true, true);
}

BOOST_AUTO_TEST_CASE(stopped_senders_do_not_keep_others_from_going_on)
{
    std::string const name = support::unique_name();
    dice random;
    auto r = open_receiver<mpsc, support::probe>(name, small<mpsc, support::probe>());
    auto s = open_sender<mpsc, support::probe>(name, small<mpsc, support::probe>());
    std::uint64_t sent = 0;
    for (int round = 0; round != support::rounds(60); ++round) {
        ledger const book(2);
        support::child one([&] { return send_on<support::probe>(name, 0, book[0]); });
        support::child two([&] { return send_on<support::probe>(name, 1, book[1]); });
        support::sequence_checker seen;
        for (int i = 0; i != 2; ++i)  // both have joined: a sender that is stopped while it joins holds up others
            while (seen.next(static_cast<std::uint64_t>(i)) == 0)
                BOOST_TEST_REQUIRE(seen.see(receive<support::probe>(r).value()));
        random.pass_a_moment();
        stop(one);
        stop(two);
        for (int i = 0; i != 200; ++i, ++sent) {
            BOOST_TEST_REQUIRE(send(s, support::make_probe(sent, 7), deadline::poll()).has_value());
            for (;;) {  // the messages that the stopped ones have committed arrive, too
                auto const m = receive<support::probe>(r, deadline::poll()).value();
                if (m.sender == 7) {
                    BOOST_TEST_REQUIRE((m == support::make_probe(sent, 7)));
                    break;
                }
                BOOST_TEST_REQUIRE(seen.see(m));
            }
        }
        one.kill();
        two.kill();
        while (auto const m = receive<support::probe>(r, deadline::poll()))
            BOOST_TEST_REQUIRE(seen.see(*m));
        for (std::uint64_t i = 0; i != 2; ++i)
            BOOST_TEST_REQUIRE((seen.next(i) == book[i].sent || seen.next(i) == book[i].sent + 1));
    }
}

BOOST_AUTO_TEST_CASE(lanes_of_the_dead_are_used_again_without_touching_what_they_hold)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 4096};
    auto r = open_receiver<mpsc, std::string>(name, how);
    std::vector<sender> alive;  // so that lanes run out and are shared with the unread
    for (int i = 0; i != 62; ++i)
        alive.push_back(open_sender<mpsc, std::string>(name));
    support::sequence_checker seen;
    std::uint64_t sent = 0;
    for (std::uint64_t round = 0; round != static_cast<std::uint64_t>(support::rounds(100)); ++round) {
        std::uint64_t const more = round % 4;
        support::child doomed([&] {
            auto s = open_sender<mpsc, std::string>(name);
            for (std::uint64_t i = 0; i != more; ++i)
                send(s, support::make_text(i, round, 200), deadline::poll()).value();
            if (auto const half = s.reserve(500, deadline::poll()))
                std::memset(half->data(), 0xff, 500);
            ::raise(SIGKILL);
        });
        BOOST_TEST_REQUIRE(doomed.wait() == -SIGKILL);
        sent += more;
        for (std::uint64_t n = round % 5; n != 0 && seen.count() != sent; --n) {
            auto const text = receive<std::string>(r, deadline::poll()).value();
            auto const from = support::origin_of(text);
            BOOST_TEST_REQUIRE((text == support::make_text(from.sequence, from.sender, 200)));
            BOOST_TEST_REQUIRE(from.sequence == seen.next(from.sender));
            (void)seen.see(support::make_text(from.sequence, from.sender));
        }
    }
    while (auto const text = receive<std::string>(r, deadline::poll())) {
        auto const from = support::origin_of(*text);
        BOOST_TEST_REQUIRE((*text == support::make_text(from.sequence, from.sender, 200)));
        BOOST_TEST_REQUIRE(seen.see(support::make_text(from.sequence, from.sender)));
    }
    BOOST_TEST(seen.count() == sent);
    alive.clear();
    BOOST_TEST((r.peek(patiently()).error() == errc::closed));  // a poll looks for deaths once a millisecond only
    BOOST_TEST((r.ended() == strait::end_reason::died));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_mpsc_deaths
