// Distributed under the Boost Software License, Version 1.0.
// The sentences of doc/guide.md ("Waiting, and what full means", "The end of a stream") that say how an operation turns out
// when the other side is not there.

#include <conformance/fixture.hpp>
#include <support/child.hpp>
#include <support/failing_call.hpp>
#include <support/shared_page.hpp>

#include <optional>
#include <thread>

#include <unistd.h>

namespace conformance {
namespace {

using support::child;
using support::notes;
using support::shared_page;

// Those whose senders need a receiver.
bool needs_receiver(subject const& x)
{
    bool const overwrites = x.guarantees.delivery == strait::delivery_mode::each_to_all && !x.guarantees.bounded;
    return any_named(x) && !x.retains_for_the_next() && !overwrites;
}

// ... and whose control file says who comes and goes, also before a sender has connected.
bool needs_receiver_by_name(subject const& x) { return needs_receiver(x) && !x.by_address; }

// What the sender's operations report in the end, from the first on: a socket may take some messages before it learns that
// its peer has gone.
strait::error_code first_error(sender& out)
{
    strait::error_code found;
    for (std::uint64_t i = 0; !found; ++i)
        found = thrown_by([&] { out.send(make_probe(i)); });
    return found;
}

// Another receiver comes, and the sender goes on with it.
void check_that_another_receiver_is_found(subject const& x, strait::endpoint const& where, sender& out)
{
    receiver in{x, where};
    strait::error_code sent = errc::no_receiver;
    while (sent == errc::no_receiver)
        sent = code(out.send_for(make_probe(7), 1h));
    BOOST_CHECK_EQUAL(sent, strait::error_code());
    BOOST_CHECK(in.receive() == make_probe(7));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(outcomes)

CONFORMANCE_CASE(a_receiver_that_leaves_before_the_first_message_is_missed, x, needs_receiver)
{
    auto const where = x.where();
    std::optional<receiver> in{std::in_place, x, where};
    sender out{x, where};
    in.reset();
    BOOST_CHECK_EQUAL(first_error(out), errc::no_receiver);
    BOOST_CHECK_EQUAL(code(out.try_send(make_probe(0))), errc::no_receiver);
    BOOST_CHECK_EQUAL(code(out.send_for(make_probe(0), 1h)), errc::no_receiver);
    check_that_another_receiver_is_found(x, where, out);
}

CONFORMANCE_CASE(a_receiver_that_comes_and_leaves_before_the_first_message_is_missed, x, needs_receiver_by_name)
{
    auto const where = x.where();
    sender out{x, where};
    BOOST_CHECK_EQUAL(code(out.send_for(make_probe(0), 1ms)), errc::timed_out);
    {
        receiver const in{x, where};
    }
    BOOST_CHECK_EQUAL(first_error(out), errc::no_receiver);
    check_that_another_receiver_is_found(x, where, out);
}

CONFORMANCE_CASE(a_receiver_that_dies_before_the_first_message_is_missed, x, needs_receiver)
{
    if (x.between_processes) {
        auto const where = x.where();
        shared_page page;
        child reader([&] {
            receiver const in{x, where};
            page->stage = 1;
            ::pause();
        });
        notes::await(page->stage, 1);
        sender out{x, where};
        reader.kill();
        BOOST_CHECK_EQUAL(first_error(out), errc::no_receiver);
        check_that_another_receiver_is_found(x, where, out);
    }
}

// A receiver that fails after it has found the channel.
CONFORMANCE_CASE(a_receiver_whose_opening_fails_was_never_there, x, needs_receiver_by_name)
{
    for (auto const& call : support::calls_of_opening_receivers)
        BOOST_TEST_CONTEXT(call.name)
        {
            auto const where = x.where();
            sender out{x, where};
            child failing([&] {
                if (!support::make_fail(call))
                    return 2;
                auto const in = receiver::open(x, where);
                if (in)
                    ::_exit(0);
                return 1;
            });
            if (failing.wait() == 1)
                BOOST_CHECK_EQUAL(code(out.send_for(make_probe(0), 1ms)), errc::timed_out);
        }
}

CONFORMANCE_CASE(without_a_receiver_messages_are_retained_until_the_channel_is_full, x, bounded_named)
{
    if (x.retains_for_the_next()) {
        auto const where = x.where();
        std::optional<receiver> in{std::in_place, x, where};
        sender out{x, where};
        in.reset();
        std::uint64_t const sent = fill(out);
        BOOST_CHECK_GT(sent, 0U);
        in.emplace(x, where);
        std::thread sending([&] { (void)out.flush_for(strait::infinite); });  // a sender that retains sends when it is called
        for (std::uint64_t i = 0; i != sent; ++i)
            BOOST_CHECK(in->receive() == make_probe(i));
        sending.join();
    }
}

CONFORMANCE_CASE(a_stream_without_a_sender_has_no_end, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::none);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
