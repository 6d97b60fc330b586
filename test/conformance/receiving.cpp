// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <array>
#include <stop_token>
#include <string>
#include <thread>

namespace conformance {

BOOST_AUTO_TEST_SUITE(receiving)

CONFORMANCE_CASE(an_empty_channel_says_so, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    sender out{x, where};
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
    BOOST_CHECK_EQUAL(code(in.receive_for(-1h)), errc::timed_out);
    BOOST_CHECK_EQUAL(code(in.receive_until(std::chrono::steady_clock::now() + 1ms)), errc::timed_out);
    BOOST_CHECK_EQUAL(code(in.receive_until(std::chrono::system_clock::now() + 1ms)), errc::timed_out);
    BOOST_CHECK_EQUAL(code(in.try_borrow()), errc::empty);
    BOOST_CHECK_EQUAL(code(in.borrow_for(1ms)), errc::timed_out);
    BOOST_CHECK_EQUAL(code(in.borrow_until(std::chrono::system_clock::now() + 1ms)), errc::timed_out);
    BOOST_CHECK(in.end_reason() == strait::end_reason::none);
    exchange_one(out, in);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
}

CONFORMANCE_CASE(every_form_of_receiving_receives, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    std::uint64_t n = 0;
    auto const sent = [&] {
        out.send(make_probe(n));
        return make_probe(n++);
    };
    auto const is = [](auto&& got, probe const& wanted) {
        BOOST_REQUIRE(got);
        BOOST_CHECK(*got == wanted);
    };
    probe wanted = sent();
    is(in.receive(), wanted);
    wanted = sent();
    probe reused{};
    BOOST_CHECK(in.receive(reused));
    BOOST_CHECK(reused == wanted);
    wanted = sent();
    is(in.receive(std::stop_token()), wanted);
    wanted = sent();
    BOOST_CHECK(in.receive(reused, std::stop_token()));
    BOOST_CHECK(reused == wanted);
    wanted = sent();
    is(in.receive_for(10s), wanted);
    wanted = sent();
    is(in.receive_for(strait::infinite), wanted);
    wanted = sent();
    is(in.receive_until(std::chrono::steady_clock::now() + 10s), wanted);
    wanted = sent();
    is(in.receive_until(std::chrono::system_clock::now() + 10s), wanted);
}

CONFORMANCE_CASE(what_is_there_is_taken_without_waiting, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    out.send(make_probe(1));
    auto const polled = in.try_receive();
    BOOST_REQUIRE(polled);
    BOOST_CHECK(*polled == make_probe(1));
    out.send(make_probe(2));
    auto const late = in.receive_for(-1h);
    BOOST_REQUIRE(late);
    BOOST_CHECK(*late == make_probe(2));
}

CONFORMANCE_CASE(the_range_ends_when_the_sender_has_left, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    {
        sender out{x, where};
        for (std::uint64_t i = 0; i != 3; ++i)
            out.send(make_probe(i));
    }
    std::uint64_t n = 0;
    in.for_each([&](probe const& m) { BOOST_CHECK(m == make_probe(n++)); });
    BOOST_CHECK_EQUAL(n, 3U);
    BOOST_CHECK(in.end_reason() == strait::end_reason::left);
}

CONFORMANCE_CASE(the_end_is_told_by_every_form, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    {
        sender out{x, where};
        out.send(make_probe(0));
    }
    BOOST_CHECK(in.receive() == make_probe(0));
    BOOST_CHECK(!in.receive());
    probe reused = make_probe(7);
    BOOST_CHECK(!in.receive(reused));
    BOOST_CHECK(!in.receive(std::stop_token()));
    BOOST_CHECK(!in.receive(reused, std::stop_token()));
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::closed);
    BOOST_CHECK_EQUAL(code(in.receive_for(10s)), errc::closed);
    BOOST_CHECK_EQUAL(code(in.receive_until(std::chrono::system_clock::now() + 10s)), errc::closed);
    BOOST_CHECK(!in.borrow());
    BOOST_CHECK_EQUAL(code(in.try_borrow()), errc::closed);
    BOOST_CHECK_EQUAL(code(in.borrow_for(10s)), errc::closed);
    std::array<probe, 4> batch{};
    BOOST_CHECK_EQUAL(in.receive_batch(batch), 0U);
    BOOST_CHECK_EQUAL(code(in.try_receive_batch(batch)), errc::closed);
    BOOST_CHECK_EQUAL(code(in.receive_batch_for(batch, 10s)), errc::closed);
    BOOST_CHECK(in.range_is_over());
    BOOST_CHECK(in.end_reason() == strait::end_reason::left);
}

CONFORMANCE_CASE_ON(clean_host_with_stops, a_stop_ends_a_waiting_receive, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    std::stop_source stop;
    std::thread stopping([&] { stop.request_stop(); });
    BOOST_CHECK(!in.receive(stop.get_token()));
    stopping.join();
    probe reused{};
    BOOST_CHECK(!in.receive(reused, stop.get_token()));
    BOOST_CHECK(in.end_reason() == strait::end_reason::none);
    exchange_one(out, in, 1);
}

CONFORMANCE_CASE(receiving_into_a_string_reuses_its_memory, x, any_size)
{
    auto const where = x.where();
    text_receiver in{x, where};
    text_sender out{x, where};
    std::string text(3000, '-');
    char const* const memory = text.data();
    for (std::uint64_t i = 0; i != 20; ++i) {
        out.send(support::make_text(i));
        BOOST_REQUIRE(in.receive(text));
        BOOST_CHECK_EQUAL(text, support::make_text(i));
        if (x.between_processes)
            BOOST_CHECK(text.data() == memory);
    }
}

CONFORMANCE_CASE(a_waiting_receiver_sees_a_message_that_comes_later, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    for (std::uint64_t i = 1; i != 50; ++i) {
        std::thread producing([&] { out.send(make_probe(i)); });
        BOOST_CHECK(in.receive() == make_probe(i));
        producing.join();
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
