// Distributed under the Boost Software License, Version 1.0.
// A sender whose receiver is hostile, and another user where the test runs as root.
#include "place.hpp"

namespace sealed_memory_hostile_receivers {

namespace {

using namespace std::chrono_literals;
using strait::errc;
using strait::sealed_memory;
using support::code;

using raw::number;

/// A directory of another user where the test runs as root, in which the hostile receiver listens.
struct foreign_place : raw::place {
    foreign_place() : place(0777) { how.capacity = 4096; }

    /// A receiver of another user that calls body(receiver) when a sender has come, and lives until it is killed.
    template <class Body>
    support::child peer(Body body)
    {
        page->stage = 0;
        return support::child([&, body] {
            raw::become_another_user();
            raw::hostile_receiver r(socket(), 0666);
            page->stage = 1;
            r.accept();
            body(r);
            page->stage = 2;
            for (;;)
                ::pause();
        });
    }

    /// A sender that fills its ring: what the first operation says that cannot send.
    strait::error_code filled(number::sender& out)
    {
        for (std::uint64_t i = 0; i != 4096; ++i)
            if (auto const sent = out.try_send(i); !sent)
                return sent.error();
        return {};
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(hostile_receivers, foreign_place)

BOOST_AUTO_TEST_CASE(each_lie_of_a_receiver_is_found_when_the_sender_needs_room)
{
    using lie = std::function<void(raw::hostile_receiver&)>;
    std::map<std::string, lie> const lies{
        {"more is consumed than was sent", [](auto& r) { r.own().words().position.store(1 << 20); }},
        {"more than all numbers but a few", [](auto& r) { r.own().words().position.store(~std::uint64_t{7}); }},
        {"half of a record is consumed", [](auto& r) { r.own().words().position.store(15); }},
    };
    for (auto const& l : lies)
        BOOST_TEST_CONTEXT(l.first)
        {
            auto const liar = peer([&](raw::hostile_receiver& r) {
                r.answer();
                l.second(r);
            });
            support::notes::await(page->stage, 1);
            number::sender out{where, how};
            support::notes::await(page->stage, 2);
            BOOST_CHECK_EQUAL(filled(out), errc::peer_corrupt);
        }
}

BOOST_AUTO_TEST_CASE(a_receiver_that_takes_back_what_it_has_consumed_has_lied)
{
    auto const liar = peer([&](raw::hostile_receiver& r) {
        r.answer();
        support::notes::await(page->proceed, 1);
        r.own().words().position.store(1600);
        page->stage = 3;
        support::notes::await(page->proceed, 2);
        r.own().words().position.store(1584);
    });
    support::notes::await(page->stage, 1);
    number::sender out{where, how};
    BOOST_CHECK_EQUAL(filled(out), errc::full);
    page->proceed = 1;
    support::notes::await(page->stage, 3);
    BOOST_CHECK_EQUAL(filled(out), errc::full);
    BOOST_CHECK_EQUAL(out.stats().messages, 256U + 100U);
    page->stage = 0;
    page->proceed = 2;
    support::notes::await(page->stage, 2);
    BOOST_CHECK_EQUAL(code(out.try_send(1)), errc::peer_corrupt);
    BOOST_CHECK_EQUAL(out.stats().messages, 256U + 100U);
}

BOOST_AUTO_TEST_CASE(whatever_is_handed_over_instead_of_sealed_memory_is_a_lie)
{
    using hand = std::function<void(raw::hostile_receiver&)>;
    std::map<std::string, hand> const all{
        {"nothing", [](auto& r) { r.answer(std::vector<int>()); }},
        {"two descriptors", [](auto& r) { r.answer({r.own().fd(), r.own().fd()}); }},
        {"another answer", [](auto& r) { r.answer({r.own().fd()}, {.magic = 1}); }},
        {"memory that is not sealed", [](auto& r) { r.answer({raw::memory(4096, 0).fd()}); }},
        {"memory of nothing", [](auto& r) { r.answer({raw::memory(0).fd()}); }},
        {"too much memory", [](auto& r) { r.answer({raw::memory(8192).fd()}); }},
        {"the sender's own memory", [](auto& r) { r.answer({r.theirs()}); }},
        {"a socket", [](auto& r) { r.answer({r.socket()}); }},
        {"a few bytes", [](auto& r) { raw::send_all(r.socket(), std::as_bytes(std::span("few")), {r.own().fd()}); }},
        {"a doorbell", [](auto& r) { r.ring(1); }},
        {"a doorbell without end", [](auto& r) { r.ring(100'000); }},
    };
    for (auto const& [what, give] : all)
        BOOST_TEST_CONTEXT(what)
        {
            auto const liar = peer(give);
            support::notes::await(page->stage, 1);
            number::sender out{where, how};
            support::notes::await(page->stage, 2);
            BOOST_CHECK_EQUAL(code(out.try_send(1)), errc::peer_corrupt);
        }
}

BOOST_AUTO_TEST_CASE(a_receiver_that_answers_nothing_stops_or_takes_nothing_holds_up_a_sender_to_its_deadline)
{
    for (bool const answers : {false, true})
        for (bool const stops : {false, true}) {
            auto const idle = peer([&](raw::hostile_receiver& r) {
                if (answers)
                    r.answer();
            });
            support::notes::await(page->stage, 1);
            number::sender out{where, how};
            support::notes::await(page->stage, 2);
            if (stops)
                idle.signal(SIGSTOP);
            BOOST_CHECK_EQUAL(filled(out), errc::full);
            BOOST_CHECK_EQUAL(code(out.send_for(1, 1ms)), errc::timed_out);
            BOOST_CHECK_EQUAL(code(out.send_for(1, 60ms)), errc::timed_out);
            BOOST_CHECK_EQUAL(code(out.close()), strait::error_code());
        }
}

BOOST_AUTO_TEST_CASE(a_receiver_that_rings_more_often_than_the_sender_sleeps_has_lied)
{
    auto const flood = peer([](raw::hostile_receiver& r) {
        r.answer();
        for (;;) {
            r.ring(64);
            ::pollfd p{r.socket(), POLLOUT, 0};
            if (::poll(&p, 1, 10'000) != 1 || (p.revents & (POLLHUP | POLLERR)) != 0)
                break;
        }
    });
    support::notes::await(page->stage, 1);
    number::sender out{where, how};
    strait::error_code e;
    while (!e)
        e = code(out.send_for(1, 10s));
    BOOST_CHECK_EQUAL(e, errc::peer_corrupt);
}

BOOST_AUTO_TEST_CASE(a_receiver_that_pretends_to_sleep_and_to_wake_costs_one_call_a_message)
{
    auto const restless = peer([&](raw::hostile_receiver& r) {
        r.answer();
        page->stage = 2;
        for (std::uint32_t i = 1;; ++i)
            r.own().words().sleeps.store(i);
    });
    support::notes::await(page->stage, 1);
    number::sender out{where, how};
    support::notes::await(page->stage, 2);
    BOOST_CHECK_EQUAL(filled(out), errc::full);
    BOOST_CHECK_EQUAL(out.stats().messages, 256U);
}

BOOST_AUTO_TEST_CASE(a_receiver_that_dies_at_any_step_is_noticed)
{
    for (int step = 0; step != 4; ++step)
        BOOST_TEST_CONTEXT("step " << step)
        {
            auto victim = peer([&](raw::hostile_receiver& r) {
                if (step >= 1)
                    r.answer();
                if (step >= 2)
                    r.own().words().sleeps.store(1);
                if (step >= 3)
                    support::notes::await(page->proceed, 1);
                ::kill(::getpid(), SIGKILL);
            });
            support::notes::await(page->stage, 1);
            number::sender out{where, how};
            if (step == 3) {
                BOOST_CHECK_EQUAL(filled(out), errc::full);
                page->proceed = 1;
            }
            victim.wait();
            strait::error_code e;
            for (int i = 0; !e && i != 1'000'000; ++i)
                e = code(out.send_for(1, 10s));
            BOOST_CHECK_EQUAL(e, errc::no_receiver);
            ::unlink((where + ".sock").c_str());
        }
}

BOOST_AUTO_TEST_CASE(a_receiver_of_another_user_is_not_reached_unless_access_says_so)
{
    if (::geteuid() != 0)
        return;
    auto const foreign = peer([](raw::hostile_receiver& r) { r.answer(); });
    support::notes::await(page->stage, 1);
    how.access = strait::access_mode::owner;
    ::chmod(directory.c_str(), 0755);
    BOOST_CHECK_EQUAL(code(number::sender::open(where, how)), errc::untrusted_object);
    how.access = strait::access_mode::everyone;
    how.accept = [](strait::peer_identity const& who) { return who.uid == 0; };
    BOOST_CHECK_EQUAL(code(number::sender::open(where, how)), errc::refused);
    how.accept = [](strait::peer_identity const& who) { return who.uid == 65534; };
    number::sender out{where, how};
    BOOST_CHECK_EQUAL(out.peer().value().uid, 65534U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace sealed_memory_hostile_receivers
