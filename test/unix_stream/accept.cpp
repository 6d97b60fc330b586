// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/sealed_memory.hpp>
#include <strait/transport/unix_seqpacket.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/code.hpp>
#include <support/print.hpp>
#include <support/shared_page.hpp>
#include <support/typed_case.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <tuple>

#include <unistd.h>

namespace unix_stream_accept {

namespace {

using namespace std::chrono_literals;
using strait::errc;
using strait::peer_identity;
using support::code;

using transports = std::tuple<strait::unix_stream, strait::unix_seqpacket, strait::sealed_memory>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(accepting, support::clean_host)

TYPED_CASE(a_sender_that_is_not_accepted_learns_it_and_others_notice_nothing, X, transports)
{
    support::shared_page page;
    std::atomic<int> asked{0};
    typename X::options how;
    how.accept = [&](peer_identity const& who) {
        ++asked;
        BOOST_CHECK_EQUAL(who.uid, ::geteuid());
        BOOST_CHECK_EQUAL(who.gid, ::getegid());
        return who.pid != static_cast<std::int64_t>(page->other[0]);
    };
    strait::receiver<int, X> in{name, how};
    strait::sender<int, X> good{name};
    support::child refused([&] {
        page->other[0] = static_cast<std::uint64_t>(::getpid());
        strait::sender<int, X> out{name};
        strait::error_code told;
        for (int i = 0; !told; ++i)  // the receiver has to look first
            told = code(out.send_for(-1, 10s));
        page->stage = 1;
        return told == errc::refused ? 0 : 1;
    });
    for (int i = 0; page->stage == 0; ++i) {
        good.send(i);
        BOOST_CHECK(in.receive() == i);
    }
    BOOST_CHECK_EQUAL(refused.wait(), 0);
    BOOST_CHECK_GE(in.stats().dropped, 1u);
    BOOST_CHECK_GE(asked, 2);
    good.send(7);
    BOOST_CHECK(in.receive() == 7);
    BOOST_CHECK(in.peer().value().pid == ::getpid());
    good.close().value();
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);  // who was refused was no sender, and no death
}

TYPED_CASE(a_sender_that_is_refused_and_leaves_learns_it_when_it_closes, X, transports)
{
    typename X::options how;
    how.accept = [](peer_identity const&) { return false; };
    strait::receiver<int, X> in{name, how};
    strait::sender<int, X> out{name};
    out.send(1);  // into the socket
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    BOOST_CHECK_EQUAL(code(out.try_send(2)), errc::refused);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    BOOST_CHECK_EQUAL(in.stats().messages, 0u);
    strait::sender<int, X> other{name};
    other.send(1);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    BOOST_CHECK_EQUAL(code(other.close()), errc::refused);
    BOOST_CHECK_EQUAL(in.stats().dropped, 2u);
}

TYPED_CASE(a_sender_does_not_send_to_a_receiver_that_it_does_not_accept, X, transports)
{
    typename X::options how;
    how.accept = [](peer_identity const& who) { return who.pid == ::getpid(); };
    {
        strait::receiver<int, X> in{name};
        strait::sender<int, X> out{name, how};
        out.send(1);
        BOOST_CHECK(in.receive() == 1);
    }
    how.accept = [](peer_identity const& who) { return who.pid != ::getpid(); };
    strait::sender<int, X> early{name, how};
    strait::receiver<int, X> in{name};
    BOOST_CHECK_EQUAL(code(strait::sender<int, X>::open(name, how)), errc::refused);
    BOOST_CHECK_EQUAL(code(early.send_for(1, 10s)), errc::refused);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
}

TYPED_CASE(what_a_predicate_throws_comes_out_and_the_channel_goes_on, X, transports)
{
    bool angry = true;
    typename X::options how;
    how.accept = [&](peer_identity const&) { return angry ? throw std::runtime_error("no") : true; };
    strait::receiver<int, X> in{name, how};
    strait::sender<int, X> unlucky{name};
    auto const before = support::open_descriptors();
    BOOST_CHECK_THROW((void)in.receive(), std::runtime_error);
    BOOST_CHECK_EQUAL(support::open_descriptors(), before);
    angry = false;
    strait::sender<int, X> out{name};
    out.send(3);
    BOOST_CHECK(in.receive() == 3);
}

BOOST_AUTO_TEST_CASE(another_user_is_refused_before_the_predicate_is_asked)
{
    int asked = 0;
    auto const any = [&](peer_identity const&) { return ++asked != 0; };
    peer_identity other;
    other.uid = ::geteuid() + 1;
    BOOST_CHECK(!strait::detail::unix_peer_allowed(other, strait::access_mode::owner, any));
    BOOST_CHECK(!strait::detail::unix_peer_allowed(other, strait::access_mode::owner, {}));
    BOOST_CHECK_EQUAL(asked, 0);
    BOOST_CHECK(strait::detail::unix_peer_allowed(other, strait::access_mode::everyone, any));
    other.uid = ::geteuid();
    BOOST_CHECK(strait::detail::unix_peer_allowed(other, strait::access_mode::owner, any));
    BOOST_CHECK_EQUAL(asked, 2);
}

TYPED_CASE(access_is_asked_first, X, transports)
{
    if (::geteuid() != 0)
        return;
    char path[] = "/tmp/strait-test-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(path));
    ::chmod(path, 0777);
    typename X::options how;
    how.access = strait::access_mode::everyone;
    how.accept = [](peer_identity const& who) { return who.uid == 54323; };
    std::string const where = std::string(path) + "/channel";
    {
        strait::receiver<int, X> in{where, how};
        auto const as = [&](::uid_t user) {
            return [&, user] {
                if (::setgid(user) != 0 || ::setuid(user) != 0)
                    return 1;
                typename X::options open;
                open.access = strait::access_mode::everyone;
                strait::sender<int, X> out{where, open};
                (void)out.send_for(static_cast<int>(user), 10s);
                ::pause();
                return 0;
            };
        };
        support::child const stranger(as(54324));
        while (in.stats().dropped == 0)
            BOOST_REQUIRE_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
        support::child const accepted(as(54323));
        BOOST_CHECK(in.receive() == 54323);
    }
    (void)strait::channel<int, X>::remove(where);
    ::rmdir(path);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace unix_stream_accept
