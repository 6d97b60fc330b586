// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <optional>
#include <stop_token>

#include <poll.h>

namespace conformance {

BOOST_AUTO_TEST_SUITE(ends)

CONFORMANCE_CASE(ends_move, x, any_named)
{
    auto const where = x.where();
    receiver first{x, where};
    sender out{x, where};
    out.send(make_probe(0));
    receiver in = std::move(first);
    sender moved = std::move(out);
    moved.send(make_probe(1));
    BOOST_CHECK(in.receive() == make_probe(0));
    BOOST_CHECK(in.receive() == make_probe(1));
    BOOST_CHECK_EQUAL(code(out.try_send(make_probe(2))), errc::not_open);
    BOOST_CHECK_EQUAL(code(first.try_receive()), errc::not_open);
    BOOST_CHECK_EQUAL(thrown_by([&] { out.send(make_probe(2)); }), errc::not_open);
    BOOST_CHECK_EQUAL(thrown_by([&] { (void)first.receive(); }), errc::not_open);
    BOOST_CHECK(out.close());
    BOOST_CHECK(first.close());
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);  // moved-from ends leave nothing
    out = std::move(moved);
    out.send(make_probe(2));
    BOOST_CHECK(in.receive() == make_probe(2));
}

CONFORMANCE_CASE(assigning_over_an_end_leaves_its_channel, x, any_named)
{
    auto const one = x.where();
    auto const other = x.where();
    receiver in{x, one};
    sender out{x, one};
    exchange_one(out, in);
    out = sender{x, other};
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
    in = receiver{x, other};
    exchange_one(out, in);
}

CONFORMANCE_CASE(close_is_idempotent_and_final, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    BOOST_CHECK(out.close());
    BOOST_CHECK(out.close());
    BOOST_CHECK_EQUAL(code(out.try_send(make_probe(1))), errc::not_open);
    auto late = out.try_claim();  // one that is not filled in place learns it at commit
    BOOST_CHECK_EQUAL(late ? code(late->try_commit()) : late.error(), errc::not_open);
    BOOST_CHECK_EQUAL(thrown_by([&] { (void)out.send(make_probe(1), std::stop_token()); }), errc::not_open);
    BOOST_CHECK(!in.receive());
    BOOST_CHECK(in.close());
    BOOST_CHECK(in.close());
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::not_open);
    BOOST_CHECK_EQUAL(code(in.try_borrow()), errc::not_open);
    BOOST_CHECK_EQUAL(thrown_by([&] { (void)in.receive(std::stop_token()); }), errc::not_open);
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
}

CONFORMANCE_CASE(stats_count, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    for (std::uint64_t i = 0; i != 6; ++i)
        out.send(make_probe(i));
    for (std::uint64_t i = 0; i != 4; ++i)
        (void)in.receive();
    BOOST_CHECK_EQUAL(out.stats().messages, 6U);
    BOOST_CHECK_EQUAL(in.stats().messages, 4U);
    BOOST_CHECK_EQUAL(out.stats().dropped, 0U);
    BOOST_CHECK_EQUAL(in.stats().dropped, 0U);
    if (x.between_processes) {
        std::size_t const size = x.one_word ? 8 : sizeof(probe);
        BOOST_CHECK_EQUAL(out.stats().bytes, 6 * size);
        BOOST_CHECK_EQUAL(in.stats().bytes, 4 * size);
    }
    (void)in.receive();
    (void)in.receive();
    auto const before = in.stats().waits;
    BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
    BOOST_CHECK_EQUAL(in.stats().waits, before + 1);
}

CONFORMANCE_CASE(a_pollable_end_wakes_poll, x, any_named)
{
    if (x.guarantees.pollable) {
        auto const where = x.where();
        receiver in{x, where};
        sender out{x, where};
        exchange_one(out, in);
        BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
        pollfd readable{in.native_handle(), POLLIN, 0};
        BOOST_CHECK_EQUAL(::poll(&readable, 1, 0), 0);
        out.send(make_probe(1));
        BOOST_CHECK_EQUAL(::poll(&readable, 1, -1), 1);
        BOOST_CHECK(*in.try_receive() == make_probe(1));
        pollfd writable{out.native_handle(), POLLOUT, 0};
        BOOST_CHECK_EQUAL(::poll(&writable, 1, -1), 1);
    }
}

CONFORMANCE_CASE(options_of_any_end_are_accepted, x, any_named)
{
    auto const where = x.where();
    auto how = x.options;
    how.capacity = 3;
    how.max_message_size = 256;
    how.connect_timeout = 10s;
    how.linger = 1s;
    auto in = receiver::open(x, where, how);
    BOOST_REQUIRE_EQUAL(code(in), strait::error_code());
    auto out = sender::open(x, where);  // who comes later takes what is there
    BOOST_REQUIRE_EQUAL(code(out), strait::error_code());
    exchange_one(*out, *in);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
