// Distributed under the Boost Software License, Version 1.0.
// A channel that is removed, or whose files are deleted, under its living ends: they are told, whatever they wait for.

#include <conformance/fixture.hpp>

#include <thread>

namespace conformance {
namespace {

// Calls wait(), which waits until the channel has gone, and takes the channel away at any moment of that.
template <class Wait>
strait::error_code outcome_of(subject const& x, strait::endpoint const& where, Wait wait)
{
    std::thread taking([&] { take_away(x, where); });
    auto const outcome = thrown_by(wait);
    taking.join();
    return outcome;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(removal)

CONFORMANCE_CASE(a_receiver_with_a_living_sender_is_told, x, removable)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    BOOST_CHECK_EQUAL(outcome_of(x, where, [&] { (void)in.receive(); }), errc::removed);
    BOOST_CHECK_EQUAL(code(in.receive_for(1h)), errc::removed);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::removed);
}

CONFORMANCE_CASE(a_receiver_that_waits_for_its_first_sender_is_told, x, removable)
{
    auto const where = x.where();
    receiver in{x, where};
    BOOST_CHECK_EQUAL(outcome_of(x, where, [&] { (void)in.receive(); }), errc::removed);
}

CONFORMANCE_CASE(a_receiver_that_polls_is_told, x, removable)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    take_away(x, where);
    strait::error_code found = errc::empty;
    while (found == errc::empty)
        found = code(in.try_receive());
    BOOST_CHECK_EQUAL(found, errc::removed);
}

CONFORMANCE_CASE(what_was_sent_before_is_received_before, x, removable)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    out.send(make_probe(1));
    take_away(x, where);
    BOOST_CHECK(in.receive() == make_probe(1));
    BOOST_CHECK_EQUAL(thrown_by([&] { (void)in.receive(); }), errc::removed);
}

CONFORMANCE_CASE(a_sender_that_waits_for_room_is_told, x, removable_bounded)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    (void)fill(out, 1);
    BOOST_CHECK_EQUAL(outcome_of(x, where,
                                 [&] {
                                     for (;;)
                                         out.send(make_probe(0));
                                 }),
                      errc::removed);
}

CONFORMANCE_CASE(a_sender_that_waits_for_its_first_receiver_is_told, x, removable_bounded)
{
    auto const where = x.where();
    sender out{x, where};
    BOOST_CHECK_EQUAL(outcome_of(x, where,
                                 [&] {
                                     for (;;)
                                         out.send(make_probe(0));
                                 }),
                      errc::removed);
}

// A sender of a channel that was removed, whose receiver has been told and has left.
sender with_a_receiver_that_was_told(subject const& x, strait::endpoint const& where)
{
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    take_away(x, where);
    BOOST_CHECK_EQUAL(thrown_by([&] { (void)in.receive(); }), errc::removed);
    in.close().value();
    return out;
}

// The receiver opens anew, which makes a second channel; its sender must not go on filling the first.
CONFORMANCE_CASE(a_sender_is_told_when_its_receiver_has_been, x, removable)
{
    auto const where = x.where();
    sender out = with_a_receiver_that_was_told(x, where);
    receiver anew{x, where};
    strait::error_code found;
    while (!found || found == errc::no_receiver || found == errc::timed_out)
        found = code(out.send_for(make_probe(1), 1ms));
    BOOST_CHECK_EQUAL(found, errc::removed);
    (void)out.close();
    sender again{x, where};
    exchange_one(again, anew);
}

bool ring_of_each_to_one(subject const& x)
{
    return removable_bounded(x) && x.guarantees.zero_copy && x.guarantees.delivery != strait::delivery_mode::each_to_all;
}

// A ring takes messages without a system call, and would take a whole ring of them.
CONFORMANCE_CASE(a_ring_sender_is_told_although_it_has_room, x, ring_of_each_to_one)
{
    auto const where = x.where();
    sender out = with_a_receiver_that_was_told(x, where);
    (void)out.try_send(make_probe(1));
    BOOST_CHECK_EQUAL(code(out.try_send(make_probe(2))), errc::removed);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
