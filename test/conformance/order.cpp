// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace conformance {

BOOST_AUTO_TEST_SUITE(order)

CONFORMANCE_CASE(a_long_stream_arrives_whole_and_in_order, x, reliable)
{
    auto const where = x.where();
    std::uint64_t const count = 5000;
    std::thread producing([&] {
        text_sender out{x, where};
        for (std::uint64_t i = 0; i != count; ++i)
            out.send(support::make_text(i));
    });
    text_receiver in{x, where};
    support::sequence_checker seen;
    bool right = true;
    for (auto const& text : in)
        right = seen.see(text) && right;
    producing.join();
    BOOST_CHECK(right);
    BOOST_CHECK_EQUAL(seen.count(), count);
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
}

CONFORMANCE_CASE(what_was_sent_before_leaving_is_read_before_the_end, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    std::uint64_t count = 0;
    {
        sender out{x, where};
        exchange_one(out, in, count++);
        while (count != 8 && out.try_send(make_probe(count)))
            ++count;
    }
    for (std::uint64_t i = 1; i != count; ++i)
        BOOST_CHECK(in.receive() == make_probe(i));
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
}

CONFORMANCE_CASE(the_stream_goes_on_when_another_sender_joins, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    for (std::uint64_t life = 0; life != 4; ++life) {
        {
            sender out{x, where};
            for (std::uint64_t i = 0; i != 3; ++i)
                out.send(make_probe(i, life));
        }
        for (std::uint64_t i = 0; i != 3; ++i)
            BOOST_CHECK(in.receive() == make_probe(i, life));
        BOOST_CHECK(!in.receive());
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
    }
}

CONFORMANCE_CASE(a_receiver_may_leave_and_another_goes_on, x, reliable_named)
{
    auto const where = x.where();
    std::optional<receiver> in{std::in_place, x, where};
    sender out{x, where};
    exchange_one(out, *in, 0);
    exchange_one(out, *in, 1);
    in.reset();
    if (x.retains_for_the_next()) {
        out.send(make_probe(2));
        out.send(make_probe(3));
        in.emplace(x, where);
        std::jthread const sending([&] { (void)out.flush_for(strait::infinite); });  // who keeps messages sends them when it is called
        BOOST_CHECK(in->receive() == make_probe(2));
        BOOST_CHECK(in->receive() == make_probe(3));
    } else {
        // A stream may take some messages before it learns that nobody is there.
        strait::error_code told;
        for (std::uint64_t i = 2; !told; ++i)
            told = code(out.send_for(make_probe(i), 10s));
        BOOST_CHECK_EQUAL(told, errc::no_receiver);
        in.emplace(x, where);
    }
    std::uint64_t const first = 1'000'000;
    strait::error_code sent = errc::no_receiver;
    while (sent == errc::no_receiver)
        sent = code(out.send_for(make_probe(first), 10s));
    BOOST_CHECK_EQUAL(sent, strait::error_code());
    BOOST_CHECK(in->receive() == make_probe(first));
    exchange_one(out, *in, first + 1);
}

CONFORMANCE_CASE(a_sender_without_a_receiver_waits_for_one, x, reliable_named)
{
    auto const where = x.where();
    if (!x.guarantees.retained) {
        auto brief = x.options;
        brief.connect_timeout = 20ms;
        sender impatient{x, where, brief};
        auto const polled = code(impatient.try_send(make_probe(0)));
        BOOST_CHECK(polled == errc::full || polled == errc::no_receiver);
        BOOST_CHECK_EQUAL(thrown_by([&] { impatient.send(make_probe(0)); }), errc::no_receiver);
        BOOST_CHECK_EQUAL(code(impatient.try_send(make_probe(0))), errc::no_receiver);
    }
    sender out{x, where};
    if (!x.guarantees.retained) {
        auto const polled = code(out.try_send(make_probe(0)));
        BOOST_CHECK(polled == errc::full || polled == errc::no_receiver);
        BOOST_CHECK_EQUAL(code(out.send_for(make_probe(0), 1ms)), errc::timed_out);
    }
    std::thread consuming([&] {
        receiver in{x, where};
        if (in.receive() != make_probe(5))
            std::abort();
        (void)in.receive();
    });
    out.send(make_probe(5));
    BOOST_CHECK(out.close());
    consuming.join();
}

CONFORMANCE_CASE(one_of_a_kind_is_refused_while_the_first_lives, x, any_named)
{
    auto const where = x.where();
    std::optional<receiver> in{std::in_place, x, where};
    std::optional<sender> out{std::in_place, x, where};
    exchange_one(*out, *in);
    if (x.guarantees.receivers == strait::multiplicity::one) {
        BOOST_CHECK_EQUAL(code(receiver::open(x, where)), errc::busy);
        exchange_one(*out, *in, 1);
        in.reset();
        auto next = receiver::open(x, where);
        BOOST_REQUIRE_EQUAL(code(next), strait::error_code());
        in.emplace(std::move(*next));
    }
    if (x.guarantees.senders == strait::multiplicity::one) {
        auto second = sender::open(x, where);
        // By an address the other host tells, at the first operations.
        BOOST_CHECK_EQUAL(second ? code(second->send_for(make_probe(0), 10s)) : second.error(), errc::busy);
    }
    out.reset();
    auto next = sender::open(x, where);
    BOOST_CHECK_EQUAL(code(next), strait::error_code());
}

CONFORMANCE_CASE(many_senders_keep_their_own_order, x, reliable)
{
    if (x.guarantees.senders == strait::multiplicity::many) {
        auto const where = x.where();
        constexpr std::uint64_t senders = 4;
        constexpr std::uint64_t each = 1500;
        text_receiver in{x, where};
        std::vector<text_sender> outs;
        for (std::uint64_t s = 0; s != senders; ++s)
            outs.emplace_back(x, where);
        std::vector<std::thread> producing;
        for (std::uint64_t s = 0; s != senders; ++s)
            producing.emplace_back([&, s] {
                for (std::uint64_t i = 0; i != each; ++i)
                    outs[s].send(support::make_text(i, s));
                outs[s].close().value();
            });
        support::sequence_checker seen;
        bool right = true;
        for (auto const& text : in)
            right = seen.see(text) && right;
        for (auto& t : producing)
            t.join();
        BOOST_CHECK(right);
        BOOST_CHECK_EQUAL(seen.count(), senders * each);
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
    }
}

CONFORMANCE_CASE(many_receivers_share_the_messages, x, any_size)
{
    if (x.guarantees.receivers == strait::multiplicity::many &&
                  x.guarantees.delivery == strait::delivery_mode::each_to_one) {
        auto const where = x.where();
        receiver a{x, where};
        receiver b{x, where};
        sender out{x, where};
        for (std::uint64_t i = 0; i != 4; ++i)
            out.send(make_probe(i));
        BOOST_CHECK(a.receive() == make_probe(0));
        BOOST_CHECK(b.receive() == make_probe(1));
        BOOST_CHECK(a.receive() == make_probe(2));
        BOOST_CHECK(b.receive() == make_probe(3));
        out.close().value();
        BOOST_CHECK(!a.receive());
        BOOST_CHECK(!b.receive());
    }
}

CONFORMANCE_CASE(every_receiver_gets_every_message_from_when_it_joined, x, any_size)
{
    if (x.guarantees.delivery == strait::delivery_mode::each_to_all) {
        auto const where = x.where();
        receiver a{x, where};
        receiver b{x, where};
        sender out{x, where};
        for (std::uint64_t i = 0; i != 4; ++i)
            out.send(make_probe(i));
        receiver late{x, where};
        for (std::uint64_t i = 4; i != 8; ++i)
            out.send(make_probe(i));
        out.close().value();
        for (auto* in : {&a, &b, &late}) {
            for (std::uint64_t i = in == &late ? 4 : 0; i != 8; ++i)
                BOOST_CHECK(in->receive() == make_probe(i));
            BOOST_CHECK(!in->receive());
            BOOST_CHECK_EQUAL(in->end_reason(), strait::end_reason::left);
            BOOST_CHECK_EQUAL(in->stats().dropped, 0U);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
