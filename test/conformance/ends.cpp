// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <optional>
#include <stop_token>
#include <type_traits>

#include <poll.h>

namespace conformance {

BOOST_AUTO_TEST_SUITE(ends)

BOOST_FIXTURE_TEST_CASE_TEMPLATE(ends_are_move_only, S, word_subjects, clean_host)
{
    static_assert(!std::is_copy_constructible_v<sender_of<S>> && std::is_move_constructible_v<sender_of<S>>);
    static_assert(!std::is_copy_constructible_v<receiver_of<S>> && std::is_move_constructible_v<receiver_of<S>>);
    static_assert(std::is_move_assignable_v<sender_of<S>> && std::is_move_assignable_v<receiver_of<S>>);
    static_assert(std::same_as<typename channel_of<S>::sender, sender_of<S>>);
    static_assert(std::same_as<typename channel_of<S>::receiver, receiver_of<S>>);
    static_assert(std::same_as<typename channel_of<S>::value_type, probe_of<S>>);
    auto const where = S::where();
    receiver_of<S> first{where};
    sender_of<S> out{where};
    out.send(make_probe(0));
    receiver_of<S> in = std::move(first);
    sender_of<S> moved = std::move(out);
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

BOOST_FIXTURE_TEST_CASE_TEMPLATE(assigning_over_an_end_leaves_its_channel, S, word_subjects, clean_host)
{
    auto const one = S::where();
    auto const other = S::where();
    receiver_of<S> in{one};
    sender_of<S> out{one};
    exchange_one<S>(out, in);
    out = sender_of<S>{other};
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
    in = receiver_of<S>{other};
    exchange_one<S>(out, in);
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(close_is_idempotent_and_final, S, word_subjects, clean_host)
{
    auto const where = S::where();
    receiver_of<S> in{where};
    sender_of<S> out{where};
    exchange_one<S>(out, in);
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

BOOST_FIXTURE_TEST_CASE_TEMPLATE(stats_count, S, word_subjects, clean_host)
{
    auto const where = S::where();
    receiver_of<S> in{where};
    sender_of<S> out{where};
    for (std::uint64_t i = 0; i != 6; ++i)
        out.send(make_probe(i));
    for (std::uint64_t i = 0; i != 4; ++i)
        (void)in.receive();
    BOOST_CHECK_EQUAL(out.stats().messages, 6U);
    BOOST_CHECK_EQUAL(in.stats().messages, 4U);
    BOOST_CHECK_EQUAL(out.stats().dropped, 0U);
    BOOST_CHECK_EQUAL(in.stats().dropped, 0U);
    if constexpr (between_processes<S>) {
        BOOST_CHECK_EQUAL(out.stats().bytes, 6 * sizeof(probe_of<S>));
        BOOST_CHECK_EQUAL(in.stats().bytes, 4 * sizeof(probe_of<S>));
    }
    (void)in.receive();
    (void)in.receive();
    auto const before = in.stats().waits;
    BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
    BOOST_CHECK_EQUAL(in.stats().waits, before + 1);
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_pollable_end_wakes_poll, S, word_subjects, clean_host)
{
    if constexpr (guarantees_of<S>.pollable) {
        auto const where = S::where();
        receiver_of<S> in{where};
        sender_of<S> out{where};
        exchange_one<S>(out, in);
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

BOOST_FIXTURE_TEST_CASE_TEMPLATE(options_of_any_end_are_accepted, S, word_subjects, clean_host)
{
    auto const where = S::where();
    options_of<S> how;
    how.capacity = 3;
    how.max_message_size = 256;
    how.connect_timeout = 10s;
    how.linger = 1s;
    auto in = receiver_of<S>::open(where, how);
    BOOST_REQUIRE_EQUAL(code(in), strait::error_code());
    auto out = sender_of<S>::open(where);  // who comes later takes what is there
    BOOST_REQUIRE_EQUAL(code(out), strait::error_code());
    exchange_one<S>(*out, *in);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
