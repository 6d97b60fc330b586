// Distributed under the Boost Software License, Version 1.0.
#include <connection/fixture.hpp>
#include <support/typed_case.hpp>

#include <strait/detail/handshake/protocol.hpp>
#include <strait/select.hpp>

#include <cstring>
#include <optional>
#include <random>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>

namespace connection_hostile {

using namespace connections;

namespace {

using ring = by_name<conformance::ring<strait::adaptive>>;
using stream = by_name<strait::unix_stream>;
using two_channel_subjects = std::tuple<ring, by_name<strait::shm_ring<strait::mpsc>>, by_name<strait::named_pipe>>;
using host_subjects = std::tuple<ring, by_name<strait::named_pipe>, stream, by_name<strait::unix_seqpacket>>;

/// A socket that is connected to where an acceptor listens, by hand.
int reach(strait::endpoint const& where, int type = SOCK_STREAM)
{
    strait::detail::location place;
    if (strait::detail::location::find(where, strait::access_mode::owner, place))
        return -1;
    auto const address = strait::detail::unix_address(place);
    int const s = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (::connect(s, reinterpret_cast<sockaddr const*>(&*address), sizeof *address) != 0) {
        ::close(s);
        return -1;
    }
    return s;
}

template <class S>
constexpr int type_of = std::is_same_v<typename S::transport, strait::unix_seqpacket> ? SOCK_SEQPACKET : SOCK_STREAM;

template <class S>
strait::detail::stream_greeting greeting()
{
    using gate = strait::detail::rendezvous_for<question, std::string, typename S::transport>;
    return strait::detail::stream_greeting::of(gate::both, {});
}

/// A client of a ring by hand, so that its acceptor does not look between two of its steps.
class slow_client {
public:
    explicit slow_client(strait::endpoint const& where) : where_(where), socket_(reach(where))
    {
        auto const g = greeting<ring>();
        BOOST_TEST_REQUIRE(::send(socket_.get(), &g, sizeof g, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof g));
    }

    bool is_answered() const
    {
        strait::detail::handshake_answer a;
        return ::recv(socket_.get(), &a, sizeof a, MSG_DONTWAIT | MSG_PEEK) == static_cast<ssize_t>(sizeof a);
    }

    /// Opens both channels and says so.
    void join()
    {
        strait::detail::handshake_answer a;
        BOOST_TEST_REQUIRE(::recv(socket_.get(), &a, sizeof a, 0) == static_cast<ssize_t>(sizeof a));
        auto const names = strait::detail::channel_name_pair::of(where_, a.number).value();
        in.emplace(names.down());
        out.emplace(names.up());
        BOOST_TEST_REQUIRE(::send(socket_.get(), &strait::detail::handshake_joined, 1, MSG_NOSIGNAL) == 1);
    }

    std::optional<strait::receiver<std::string, typename ring::transport>> in;
    std::optional<strait::sender<question, typename ring::transport>> out;

private:
    strait::endpoint where_;
    strait::detail::descriptor socket_;
};

/// Two clients who join between two looks of their acceptor: the second look sees both, and gives out one.
class joined_at_once {
public:
    joined_at_once(acceptor_of<ring>& door, strait::endpoint const& where) : clients{slow_client(where), slow_client(where)}
    {
        while (!clients[0].is_answered() || !clients[1].is_answered())
            BOOST_TEST_REQUIRE((door.try_accept().error() == errc::empty));
        for (slow_client& c : clients)
            c.join();
        accepted = door.try_accept();
    }

    slow_client clients[2];
    strait::result<acceptor_of<ring>::connection_type> accepted = errc::empty;
};

/// Answers the first who asks; there may be some before him who were killed.
template <class Acceptor>
void answer_one(Acceptor& door)
{
    for (bool answered = false; !answered;) {
        auto c = door.accept();
        while (auto const q = c.receive()) {
            c.send("answer " + std::to_string(q->number));
            answered = true;
        }
    }
}

/// A client that behaves is served while the others are there. It waits for less than the ten seconds after which silent ones
/// are dropped anyway.
template <class S>
bool is_served(acceptor_of<S>& door, strait::endpoint const& where)
{
    support::child good([&] {
        typename S::transport::options how;
        how.connect_timeout = 8s;
        client_of<S> c{where, how};
        c.send({5});
        return c.receive() == "answer 5" ? 0 : 1;
    });
    answer_one(door);
    return good.wait() == 0;
}

}  // namespace

TYPED_CASE(thousands_who_never_speak_keep_nobody_out, S, host_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    acceptor_of<S> door{where};
    auto const before = support::open_descriptors();
    // Each a process of its own limit of descriptors: together they are 3,000 who stay.
    support::shared_page page;
    std::vector<support::child> silent;
    for (int i = 0; i != 5; ++i)
        silent.emplace_back([&] {
            for (int n = 0; n != 600; ++n) {
                int s = -1;
                while ((s = reach(where, type_of<S>)) < 0)
                    std::this_thread::yield();
                page->done.fetch_add(1);
            }
            ::pause();
        });
    while (page->done.load() != 3000) {
        BOOST_TEST((door.try_accept().error() == errc::empty));
        BOOST_TEST(support::open_descriptors() <= before + 66);
    }
    BOOST_TEST(is_served<S>(door, where));
    BOOST_TEST(door.turned_away() >= 2900U);
}

TYPED_CASE(garbage_is_turned_away, S, host_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    acceptor_of<S> door{where};
    std::mt19937_64 random(7);
    auto const good = greeting<S>();
    for (int i = 0; i != support::rounds(60); ++i) {
        int const s = reach(where, type_of<S>);
        BOOST_REQUIRE(s >= 0);
        std::vector<std::byte> said(sizeof good);
        std::memcpy(said.data(), &good, sizeof good);
        if (i % 3 == 0)
            for (auto& b : said)
                b = static_cast<std::byte>(random());
        else if (i % 3 == 1)
            said[random() % 56] ^= std::byte{0x10};  // the last 8 bytes mean nothing
        else
            said.resize(random() % 63);  // and gone in the middle
        if (!said.empty())
            BOOST_TEST(::send(s, said.data(), said.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(said.size()));
        if (random() % 2 == 0 || i % 3 == 2)
            ::close(s);
        auto const come = door.try_accept();
        BOOST_TEST((come.error() == errc::empty || come));  // four bytes of a greeting are unused, too
        if (i % 3 != 2)
            ::close(s);
    }
    BOOST_TEST(is_served<S>(door, where));
}

TYPED_CASE(clients_killed_at_any_moment_of_joining_leave_nothing, S, subjects)
{
    clean_host const clean;
    auto const where = S::where();
    acceptor_of<S> door{where};
    std::mt19937_64 random(11);
    for (int i = 0; i != support::rounds(support::sanitized ? 10 : 60); ++i) {
        support::shared_page page;
        support::child victim([&] {
            page->stage = 1;
            client_of<S> c{where};
            page->stage = 2;
            ::pause();
        });
        notes::await(page->stage, 1);
        auto const until = strait::deadline::now() + static_cast<std::int64_t>(random() % 1'500'000);
        std::vector<typename acceptor_of<S>::connection_type> accepted;
        do {
            if (auto c = door.try_accept())
                accepted.push_back(std::move(*c));
        } while (strait::deadline::now() < until);
        victim.kill();
        while (page->stage == 2 && accepted.empty())  // it had joined, so it is there
            if (auto c = door.try_accept())
                accepted.push_back(std::move(*c));
        for (auto& c : accepted)
            BOOST_TEST(!c.receive());
    }
    BOOST_TEST(is_served<S>(door, where));
}

TYPED_CASE(an_acceptor_killed_while_a_client_joins_is_replaced, S, subjects)
{
    clean_host const clean;
    std::mt19937_64 random(13);
    for (int i = 0; i != support::rounds(support::sanitized ? 4 : 25); ++i) {
        auto const where = S::where();
        support::shared_page page;
        support::child client([&] {
            for (;;) {  // until somebody answers; an acceptor may die behind the welcome
                page->stage = 1;
                auto c = client_of<S>::open(where);
                if (!c)
                    continue;
                if (!c->send_for({1}, 10s))
                    continue;
                auto const answer = c->receive_for(10s);
                if (answer)
                    return *answer == "answer 1" ? 0 : 1;
            }
        });
        notes::await(page->stage, 1);
        {
            support::child victim([&] {
                acceptor_of<S> door{where};
                page->other[0] = 1;
                auto c = door.accept();
                ::pause();
            });
            notes::await(page->other[0], 1);
            ::usleep(static_cast<useconds_t>(random() % 1500));
        }
        acceptor_of<S> door{where};
        answer_one(door);
        BOOST_TEST(client.wait() == 0);
    }
}

BOOST_AUTO_TEST_CASE(both_killed_while_joining_are_swept_up_by_the_next_acceptor)
{
    clean_host const clean;
    auto const where = support::unique_name();
    support::held_directory const held;
    {
        // As two killed ones leave it.
        support::child dead([&] {
            strait::receiver<question, strait::shm_ring<>> in{where + ".0123456789ab.up"};
            strait::sender<question, strait::shm_ring<>> out{where + ".0123456789ab.down"};
            ::raise(SIGKILL);
        });
        dead.wait();
    }
    strait::receiver<question, strait::shm_ring<>> other{where + ".0123456789ab.down2"};  // not of this kind
    BOOST_TEST(support::files_of(where + ".0123456789ab").size() == 3U);
    acceptor_of<ring> const door{where};
    BOOST_TEST(support::files_of(where + ".0123456789ab").size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_client_that_stops_while_joining_keeps_nobody_out)
{
    clean_host const clean;
    auto const where = ring::where();
    acceptor_of<ring> door{where};
    std::vector<int> stopped;
    for (int i = 0; i != 10; ++i) {  // greeted, and not a word more
        stopped.push_back(reach(where));
        auto const g = greeting<ring>();
        BOOST_TEST(::send(stopped.back(), &g, sizeof g, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof g));
    }
    BOOST_TEST(is_served<ring>(door, where));
    for (int const s : stopped)
        ::close(s);
    BOOST_TEST(is_served<ring>(door, where));
    BOOST_TEST(door.turned_away() >= 10U);
}

/// So many greet that all places of those who join are theirs, again and again.
TYPED_CASE(clients_that_greet_and_fall_silent_keep_no_other_out, S, two_channel_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    acceptor_of<S> acceptor{where};
    std::vector<strait::detail::descriptor> silent;
    auto const g = greeting<S>();
    for (int round = 1; round != 4; ++round) {
        for (int i = 0; i != 40; ++i) {
            silent.emplace_back(reach(where));
            BOOST_TEST(::send(silent.back().get(), &g, sizeof g, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof g));
        }
        BOOST_TEST(is_served<S>(acceptor, where));
        BOOST_TEST(acceptor.turned_away() >= static_cast<std::uint64_t>(40 * round - 17));
    }
}

/// Who polls the acceptor's descriptor, as a server does, is woken when the time of the silent ones is over.
BOOST_AUTO_TEST_CASE(clients_that_greet_and_fall_silent_keep_no_other_from_an_acceptor_that_is_polled)
{
    clean_host const clean;
    auto const where = ring::where();
    acceptor_of<ring> acceptor{where};
    std::vector<strait::detail::descriptor> silent;
    auto const g = greeting<ring>();
    for (int i = 0; i != 40; ++i) {
        silent.emplace_back(reach(where));
        BOOST_TEST(::send(silent.back().get(), &g, sizeof g, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof g));
    }
    support::child good([&] {
        typename ring::transport::options how;
        how.connect_timeout = 8s;
        client_of<ring> c{where, how};
        c.send({5});
        return c.receive() == "answer 5" ? 0 : 1;
    });
    strait::selector waits;
    waits.add(strait::plain_descriptor{acceptor.native_handle()});
    auto c = acceptor.try_accept();
    while (!c) {
        BOOST_TEST_REQUIRE(waits.wait().has_value());
        c = acceptor.try_accept();
    }
    echo(*c);
    BOOST_TEST(good.wait() == 0);
}

/// Each of these returns, while clients come and go without a pause.
TYPED_CASE(clients_that_come_and_go_hold_no_acceptor, S, host_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    acceptor_of<S> acceptor{where};
    support::shared_page page;
    std::vector<support::child> coming;
    for (int i = 0; i != 3; ++i)
        coming.emplace_back([&] {
            for (page->done.fetch_add(1);;)
                if (int const s = reach(where, type_of<S>); s >= 0)
                    ::close(s);
        });
    notes::await(page->done, 3);
    for (int i = 0; i != 30; ++i)
        for (auto const& until : {strait::deadline::poll(), strait::deadline::after(0s), strait::deadline::after(1ms)})
            BOOST_TEST(!acceptor.accept_until(until));
    coming.clear();
    BOOST_TEST(is_served<S>(acceptor, where));
}

BOOST_AUTO_TEST_CASE(an_acceptor_that_is_assigned_takes_along_who_has_joined)
{
    clean_host const clean;
    auto const where = ring::where();
    acceptor_of<ring> door{where};
    joined_at_once two(door, where);
    BOOST_TEST_REQUIRE(two.accepted.has_value());
    acceptor_of<ring> other{ring::where()};
    other = std::move(door);
    auto second = other.try_accept();
    BOOST_TEST_REQUIRE(second.has_value());
    two.clients[0].out->send({1});
    two.clients[1].out->send({2});
    BOOST_TEST(two.accepted->receive()->number + second->receive()->number == 3U);
}

BOOST_AUTO_TEST_CASE(who_has_joined_an_acceptor_that_closes_sees_the_end)
{
    clean_host const clean;
    auto const where = ring::where();
    acceptor_of<ring> door{where};
    joined_at_once two(door, where);
    two.accepted.value().send("welcome");
    BOOST_TEST(door.close().has_value());
    int welcomed = 0;
    int ended = 0;
    for (slow_client& c : two.clients) {
        auto const told = c.in->receive_for(10s);
        welcomed += told.has_value();
        ended += told.error() == errc::closed;
    }
    BOOST_TEST(welcomed == 1);
    BOOST_TEST(ended == 1);
}

BOOST_AUTO_TEST_CASE(a_plain_receiver_is_no_acceptor)
{
    clean_host const clean;
    {
        auto const where = stream::where();
        strait::receiver<question, strait::unix_stream> in{where};
        BOOST_TEST((client_of<stream>::open(where).error() == errc::transport_mismatch));
        BOOST_TEST((acceptor_of<stream>::open(where).error() == errc::transport_mismatch));
    }
    using tcp = by_address<strait::tcp, AF_INET>;
    auto const where = tcp::where();
    strait::receiver<question, strait::tcp> in{where};
    support::child client([&] { return client_of<tcp>::open(where).error() == errc::type_mismatch ? 0 : 1; });
    while (in.stats().dropped == 0)
        (void)in.receive_for(10ms);
    BOOST_TEST(client.wait() == 0);
}

}  // namespace connection_hostile
