// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace conformance {

BOOST_AUTO_TEST_SUITE(order)

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_long_stream_arrives_whole_and_in_order, S, reliable_subjects, clean_host)
{
    auto const where = S::where();
    std::uint64_t const count = 5000;
    std::thread producing([&] {
        sender_of<S, std::string> out{where};
        for (std::uint64_t i = 0; i != count; ++i)
            out.send(support::make_text(i));
    });
    receiver_of<S, std::string> in{where};
    support::sequence_checker seen;
    bool right = true;
    for (auto const& text : in)
        right = seen.see(text) && right;
    producing.join();
    BOOST_CHECK(right);
    BOOST_CHECK_EQUAL(seen.count(), count);
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(what_was_sent_before_leaving_is_read_before_the_end, S, word_subjects, clean_host)
{
    auto const where = S::where();
    receiver_of<S> in{where};
    std::uint64_t count = 0;
    {
        sender_of<S> out{where};
        exchange_one<S>(out, in, count++);
        while (count != 8 && out.try_send(make_probe(count)))
            ++count;
    }
    for (std::uint64_t i = 1; i != count; ++i)
        BOOST_CHECK(in.receive() == make_probe(i));
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(the_stream_goes_on_when_another_sender_joins, S, word_subjects, clean_host)
{
    auto const where = S::where();
    receiver_of<S> in{where};
    for (std::uint64_t life = 0; life != 4; ++life) {
        {
            sender_of<S> out{where};
            for (std::uint64_t i = 0; i != 3; ++i)
                out.send(make_probe(i, life));
        }
        for (std::uint64_t i = 0; i != 3; ++i)
            BOOST_CHECK(in.receive() == make_probe(i, life));
        BOOST_CHECK(!in.receive());
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
    }
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_receiver_may_leave_and_another_goes_on, S, reliable_word_subjects, clean_host)
{
    auto const where = S::where();
    std::optional<receiver_of<S>> in{std::in_place, where};
    sender_of<S> out{where};
    exchange_one<S>(out, *in, 0);
    exchange_one<S>(out, *in, 1);
    in.reset();
    if constexpr (kept_for_the_next<S>) {
        out.send(make_probe(2));
        out.send(make_probe(3));
        in.emplace(where);
        std::jthread const sending([&] { (void)out.flush_for(strait::infinite); });  // who keeps messages sends them when it is called
        BOOST_CHECK(in->receive() == make_probe(2));
        BOOST_CHECK(in->receive() == make_probe(3));
    } else {
        // A stream may take some messages before it learns that nobody is there.
        strait::error_code told;
        for (std::uint64_t i = 2; !told; ++i)
            told = code(out.send_for(make_probe(i), 10s));
        BOOST_CHECK_EQUAL(told, errc::no_receiver);
        in.emplace(where);
    }
    std::uint64_t const first = 1'000'000;
    strait::error_code sent = errc::no_receiver;
    while (sent == errc::no_receiver)
        sent = code(out.send_for(make_probe(first), 10s));
    BOOST_CHECK_EQUAL(sent, strait::error_code());
    BOOST_CHECK(in->receive() == make_probe(first));
    exchange_one<S>(out, *in, first + 1);
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_sender_without_a_receiver_waits_for_one, S, reliable_word_subjects, clean_host)
{
    auto const where = S::where();
    if constexpr (!guarantees_of<S>.retained) {
        options_of<S> brief;
        brief.connect_timeout = 20ms;
        sender_of<S> impatient{where, brief};
        auto const polled = code(impatient.try_send(make_probe(0)));
        BOOST_CHECK(polled == errc::full || polled == errc::no_receiver);
        BOOST_CHECK_EQUAL(thrown_by([&] { impatient.send(make_probe(0)); }), errc::no_receiver);
        BOOST_CHECK_EQUAL(code(impatient.try_send(make_probe(0))), errc::no_receiver);
    }
    sender_of<S> out{where};
    if constexpr (!guarantees_of<S>.retained) {
        auto const polled = code(out.try_send(make_probe(0)));
        BOOST_CHECK(polled == errc::full || polled == errc::no_receiver);
        BOOST_CHECK_EQUAL(code(out.send_for(make_probe(0), 1ms)), errc::timed_out);
    }
    std::thread consuming([&] {
        receiver_of<S> in{where};
        if (in.receive() != make_probe(5))
            std::abort();
        (void)in.receive();
    });
    out.send(make_probe(5));
    BOOST_CHECK(out.close());
    consuming.join();
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(one_of_a_kind_is_refused_while_the_first_lives, S, word_subjects, clean_host)
{
    auto const where = S::where();
    std::optional<receiver_of<S>> in{std::in_place, where};
    std::optional<sender_of<S>> out{std::in_place, where};
    exchange_one<S>(*out, *in);
    if constexpr (guarantees_of<S>.receivers == strait::multiplicity::one) {
        BOOST_CHECK_EQUAL(code(receiver_of<S>::open(where)), errc::busy);
        exchange_one<S>(*out, *in, 1);
        in.reset();
        auto next = receiver_of<S>::open(where);
        BOOST_REQUIRE_EQUAL(code(next), strait::error_code());
        in.emplace(std::move(*next));
    }
    if constexpr (guarantees_of<S>.senders == strait::multiplicity::one) {
        auto second = sender_of<S>::open(where);
        // By an address the other host tells, at the first operations.
        BOOST_CHECK_EQUAL(second ? code(second->send_for(make_probe(0), 10s)) : second.error(), errc::busy);
    }
    out.reset();
    auto next = sender_of<S>::open(where);
    BOOST_CHECK_EQUAL(code(next), strait::error_code());
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(many_senders_keep_their_own_order, S, reliable_subjects, clean_host)
{
    if constexpr (guarantees_of<S>.senders == strait::multiplicity::many) {
        auto const where = S::where();
        constexpr std::uint64_t senders = 4;
        constexpr std::uint64_t each = 1500;
        receiver_of<S, std::string> in{where};
        std::vector<sender_of<S, std::string>> outs;
        for (std::uint64_t s = 0; s != senders; ++s)
            outs.emplace_back(where);
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

BOOST_FIXTURE_TEST_CASE_TEMPLATE(many_receivers_share_the_messages, S, subjects, clean_host)
{
    if constexpr (guarantees_of<S>.receivers == strait::multiplicity::many &&
                  guarantees_of<S>.delivery == strait::delivery_mode::each_to_one) {
        auto const where = S::where();
        receiver_of<S> a{where};
        receiver_of<S> b{where};
        sender_of<S> out{where};
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

BOOST_FIXTURE_TEST_CASE_TEMPLATE(every_receiver_gets_every_message_from_when_it_joined, S, subjects, clean_host)
{
    if constexpr (guarantees_of<S>.delivery == strait::delivery_mode::each_to_all) {
        auto const where = S::where();
        receiver_of<S> a{where};
        receiver_of<S> b{where};
        sender_of<S> out{where};
        for (std::uint64_t i = 0; i != 4; ++i)
            out.send(make_probe(i));
        receiver_of<S> late{where};
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
