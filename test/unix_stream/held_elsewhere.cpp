// Distributed under the Boost Software License, Version 1.0.

// A death is seen although another process holds copies of the dead one's sockets, which it has passed along, or which a child
// has inherited: the kernel then reports no end of a connection.

#include <strait/acceptor.hpp>
#include <strait/channel.hpp>
#include <strait/connection.hpp>
#include <strait/select.hpp>
#include <strait/transport/acknowledged.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/unix_datagram.hpp>
#include <strait/transport/unix_seqpacket.hpp>
#include <strait/transport/unix_stream.hpp>
#include <strait/unique_fd.hpp>

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/shared_page.hpp>
#include <support/typed_case.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <thread>
#include <tuple>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace unix_stream_held_elsewhere {

using namespace std::chrono_literals;
using strait::errc;
using support::notes;

namespace {

using by_connection = std::tuple<strait::unix_stream, strait::unix_seqpacket, strait::tcp, strait::acknowledged<strait::tcp>>;
using with_senders_that_wait =
    std::tuple<strait::unix_stream, strait::unix_seqpacket, strait::unix_datagram, strait::tcp, strait::acknowledged<strait::tcp>,
               strait::named_pipe>;
using two_way = std::tuple<strait::unix_stream, strait::unix_seqpacket>;

/// Leaves copies of all sockets and pipes of this process to a new one, and is killed.
[[noreturn]] void die_and_leave_copies(support::shared_page const& page)
{
    for (int fd = 3; fd != 100; ++fd) {
        struct ::stat s{};
        if (::fstat(fd, &s) == 0 && (S_ISSOCK(s.st_mode) || S_ISFIFO(s.st_mode)))
            (void)!::fcntl(fd, F_DUPFD, 100);  // what the library has open is closed in a child, but no copy of it
    }
    pid_t const holder = ::fork();
    if (holder == 0) {
        ::prctl(PR_SET_PDEATHSIG, 0);
        ::alarm(100);
        page->stage = 1;
        for (;;)
            ::pause();
    }
    page->other[0] = static_cast<std::uint64_t>(holder);
    notes::await(page->stage, 1);
    ::raise(SIGKILL);
    ::_exit(1);
}

/// The process that has the copies, which is killed at the end.
struct held_copies {
    ~held_copies()
    {
        if (auto const holder = static_cast<pid_t>(page->other[0].load()); holder > 0)
            ::kill(holder, SIGKILL);
    }
    support::shared_page page;
};

/// What a receiver sees behind its last message, in each form of waiting.
template <class In>
void ends_by_death(In& in, int form)
{
    if (form == 0) {
        BOOST_TEST(!in.receive());
    } else if (form == 1) {
        auto r = in.try_receive();
        while (!r && r.error() == errc::empty)
            r = in.try_receive();
        BOOST_TEST((r.error() == errc::closed));
    } else {
        strait::result<strait::selection> chosen = errc::empty;
        std::thread([&] { chosen = strait::select(strait::deadline::never(), in); }).join();  // its watcher goes with it
        BOOST_TEST((chosen && chosen->error == errc::closed));
    }
    BOOST_TEST((in.end_reason() == strait::end_reason::died));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(held_elsewhere, support::clean_host)

TYPED_CASE(a_dead_sender_is_seen, X, by_connection)
{
    for (int form = 0; form != 3; ++form) {
        held_copies copies;
        strait::receiver<std::uint64_t, X> in{name};
        support::child dead([&] {
            strait::sender<std::uint64_t, X> out{name};
            out.send(7);
            die_and_leave_copies(copies.page);
        });
        BOOST_TEST(in.receive().value_or(0) == 7U);
        ends_by_death(in, form);
    }
}

TYPED_CASE(a_dead_receiver_is_seen, X, with_senders_that_wait)
{
    for (bool const waits : {false, true}) {
        held_copies copies;
        support::child dead([&] {
            strait::receiver<std::uint64_t, X> in{name};
            (void)in.receive();
            die_and_leave_copies(copies.page);
        });
        typename X::options how;
        how.connect_timeout = 2s;
        how.linger = 0s;
        strait::sender<std::uint64_t, X> out{name, how};
        out.send(1);
        BOOST_TEST(dead.wait() == -SIGKILL);
        auto const send = [&] { return waits ? out.send_for(2, 60s) : out.try_send(2); };
        auto sent = send();
        while (sent || sent.error() == errc::full)
            sent = send();
        BOOST_TEST((sent.error() == errc::no_receiver), sent.error().message());
    }
    (void)strait::channel<std::uint64_t, X>::remove(name);
}

/// The next receiver is found, and not taken for the dead one.
TYPED_CASE(a_successor_of_the_dead_receiver_is_found, X, by_connection)
{
    held_copies copies;
    support::child dead([&] {
        strait::receiver<std::uint64_t, X> in{name};
        (void)in.receive();
        die_and_leave_copies(copies.page);
    });
    typename X::options how;
    how.linger = 0s;
    strait::sender<std::uint64_t, X> out{name, how};
    out.send(1);
    BOOST_TEST(dead.wait() == -SIGKILL);
    strait::receiver<std::uint64_t, X> next{name};
    std::optional<std::uint64_t> got;
    for (std::uint64_t i = 2; !got; ++i) {
        (void)out.send_for(i, 20ms);
        if (auto const r = next.try_receive())
            got = *r;
    }
    BOOST_TEST(*got >= 2U);
}

TYPED_CASE(a_dead_client_of_a_connection_is_seen, X, two_way)
{
    for (int form = 0; form != 3; ++form) {
        held_copies copies;
        strait::acceptor<std::uint64_t, std::uint64_t, X> acceptor{name};
        support::child dead([&] {
            strait::connection<std::uint64_t, std::uint64_t, X> c{name};
            c.send(7);
            die_and_leave_copies(copies.page);
        });
        auto c = acceptor.accept();
        BOOST_TEST(c.receive().value_or(0) == 7U);
        ends_by_death(c.in(), form);
        auto sent = c.send_for(2, 60s);
        while (sent)
            sent = c.send_for(2, 60s);
        BOOST_TEST((sent.error() == errc::no_receiver), sent.error().message());
    }
}

TYPED_CASE(a_dead_server_of_a_connection_is_seen, X, two_way)
{
    held_copies copies;
    support::child dead([&] {
        strait::acceptor<std::uint64_t, std::uint64_t, X> acceptor{name};
        auto c = acceptor.accept();
        c.send(7);
        die_and_leave_copies(copies.page);
    });
    strait::connection<std::uint64_t, std::uint64_t, X> c{name};
    BOOST_TEST(c.receive().value_or(0) == 7U);
    ends_by_death(c.in(), 0);
    (void)c.close();
    strait::acceptor<std::uint64_t, std::uint64_t, X> const next{name};  // leaves nothing of the dead one
}

/// It sends the socket to the very receiver that waits for it.
TYPED_CASE(a_sender_that_passes_its_own_socket_to_its_receiver_is_seen_to_die, X, two_way)
{
    strait::receiver<strait::unique_fd, X> in{name};
    support::child dead([&] {
        strait::sender<strait::unique_fd, X> out{name};
        out.send(strait::unique_fd(::dup(0)));  // it is connected now
        out.send(strait::unique_fd(::dup(out.native_handle())));
        ::raise(SIGKILL);
    });
    auto const first = in.receive();
    auto const second = in.receive();
    BOOST_TEST_REQUIRE(second.has_value());
    ends_by_death(in, 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace unix_stream_held_elsewhere
