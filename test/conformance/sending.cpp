// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <stop_token>
#include <thread>

namespace conformance {

BOOST_AUTO_TEST_SUITE(sending)

CONFORMANCE_CASE(what_is_sent_arrives, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    for (std::uint64_t i = 0; i != 5; ++i) {
        out.send(make_probe(i));
        BOOST_CHECK(in.receive() == make_probe(i));
    }
}

CONFORMANCE_CASE(the_sender_may_come_first, x, any_named)
{
    auto const where = x.where();
    sender out{x, where};
    receiver in{x, where};
    exchange_one(out, in);
}

CONFORMANCE_CASE(a_full_channel_refuses_and_loses_nothing, x, bounded_named)
{
    auto const where = x.where();
    auto small = x.options;
    small.capacity = 8;
    receiver in{x, where, small};
    sender out{x, where, small};
    exchange_one(out, in);
    auto end = fill(out, 1);
    BOOST_CHECK_GT(end, 1U);
    // Between two kernels' buffers bytes may still move on and make room: then it is full a little later.
    auto const refuses = [&](errc wanted, auto attempt) {
        auto r = attempt();
        for (; r; r = attempt())
            ++end;
        BOOST_CHECK_EQUAL(r.error(), wanted);
    };
    using std::chrono::steady_clock;
    using std::chrono::system_clock;
    refuses(errc::timed_out, [&] { return out.send_for(make_probe(end), 1ms); });
    refuses(errc::timed_out, [&] { return out.send_for(make_probe(end), -1h); });
    refuses(errc::timed_out, [&] { return out.send_until(make_probe(end), steady_clock::now() + 1ms); });
    refuses(errc::timed_out, [&] { return out.send_until(make_probe(end), system_clock::now() + 1ms); });
    refuses(errc::full, [&] { return out.try_send(make_probe(end)); });
    std::uint64_t next = 1;
    for (; next != end; ++next) {
        auto const got = in.try_receive();
        BOOST_REQUIRE_EQUAL(code(got), strait::error_code());
        BOOST_REQUIRE(*got == make_probe(next));
        // The rest of a message that a byte stream has accepted in part goes first in the next operation.
        if (next % 16 == 1)
            BOOST_REQUIRE(hand_over(x, out));
    }
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    exchange_one(out, in, end);
}

CONFORMANCE_CASE(every_form_of_sending_sends, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in, 0);
    BOOST_CHECK(out.try_send(make_probe(1)));
    BOOST_CHECK(out.send_for(make_probe(2), 10s));
    BOOST_CHECK(out.send_for(make_probe(3), -1s));  // what can be done at once is done
    BOOST_CHECK(out.send_until(make_probe(4), std::chrono::steady_clock::now() + 10s));
    BOOST_CHECK(out.send_until(make_probe(5), std::chrono::system_clock::now() + 10s));
    BOOST_CHECK(out.send_until(make_probe(6), std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()) - 1h));
    BOOST_CHECK(out.send(make_probe(7), std::stop_token()));
    BOOST_CHECK(out.send_for(make_probe(8), strait::infinite));
    BOOST_CHECK(hand_over(x, out));
    for (std::uint64_t i = 1; i != 9; ++i)
        BOOST_CHECK(in.receive() == make_probe(i));
}

CONFORMANCE_CASE(a_waiting_sender_goes_on_when_there_is_room, x, reliable_named)
{
    auto const where = x.where();
    auto small = x.options;
    small.capacity = 4;
    receiver in{x, where, small};
    sender out{x, where, small};
    std::uint64_t const count = 3000;
    std::thread producing([&] {
        for (std::uint64_t i = 0; i != count; ++i)
            out.send(make_probe(i));
        out.close().value();
    });
    support::sequence_checker order;
    bool right = true;
    for (auto const& m : in)
        right = order.see(m) && right;
    producing.join();
    BOOST_CHECK(right);
    BOOST_CHECK_EQUAL(order.count(), count);
}

CONFORMANCE_CASE_ON(clean_host_with_stops, a_stop_ends_a_waiting_send, x, bounded_named)
{
    auto const where = x.where();
    auto small = x.options;
    small.capacity = 4;
    receiver in{x, where, small};
    sender out{x, where, small};
    exchange_one(out, in);
    auto end = fill(out);
    std::stop_source stop;
    std::thread stopping([&] { stop.request_stop(); });
    while (out.send(make_probe(end), stop.get_token()))
        ++end;
    stopping.join();
    BOOST_CHECK(!out.send(make_probe(end), stop.get_token()));
    for (std::uint64_t i = 0; i != end; ++i)
        BOOST_REQUIRE(in.receive() == make_probe(i));
    exchange_one(out, in, end + 1);  // the refused message was not sent
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
