// Distributed under the Boost Software License, Version 1.0.
// Channels without a name: also of transports that have no others.

#include <conformance/fixture.hpp>
#include <support/child.hpp>
#include <support/shared_page.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>

namespace conformance {
namespace {

using support::child;
using support::notes;
using support::shared_page;

}  // namespace

BOOST_AUTO_TEST_SUITE(pairs)

CONFORMANCE_CASE(a_pair_is_a_channel_without_a_name, x, has_pairs)
{
    auto [out, in] = make_pair(x).split();
    for (std::uint64_t i = 0; i != 5; ++i) {
        out.send(make_probe(i));
        BOOST_CHECK(in.receive() == make_probe(i));
    }
    out.close().value();
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
}

CONFORMANCE_CASE(a_pair_that_is_dropped_leaves_nothing, x, has_pairs)
{
    auto pair = make_pair(x);
    auto moved = std::move(pair);
    BOOST_CHECK_EQUAL(thrown_by([&] { (void)std::move(pair).sender(); }), errc::not_open);
}

CONFORMANCE_CASE(whoever_takes_one_end_of_a_pair_gives_up_the_other, x, has_pairs)
{
    auto in = make_pair(x).receiver();
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::died);  // nobody can join any more
    auto out = make_pair(x).sender();
    if (!x.guarantees.retained && x.guarantees.reliable)
        BOOST_CHECK_EQUAL(thrown_by([&] { out.send(make_probe(0)); }), errc::no_receiver);
}

CONFORMANCE_CASE(every_form_of_sending_and_receiving_works_over_a_pair, x, has_pairs)
{
    auto [out, in] = make_pair(x).split();
    std::vector<probe> all;
    for (std::uint64_t i = 0; i != 6; ++i)
        all.push_back(make_probe(i));
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
    BOOST_CHECK(out.try_send(all[0]));
    BOOST_CHECK(out.send_for(all[1], 10s));
    auto c = out.claim();
    *c = all[2];
    c.commit();
    BOOST_CHECK_EQUAL(out.send_batch(std::span(all).subspan(3)), 3U);
    BOOST_CHECK(*in.try_receive() == all[0]);
    BOOST_CHECK(*in.receive_for(10s) == all[1]);
    {
        auto const b = in.borrow();
        BOOST_CHECK(*b == all[2]);
    }
    std::vector<probe> got(3);
    for (std::size_t n = 0; n != 3;)
        n += in.receive_batch(std::span(got).subspan(n));
    BOOST_CHECK(std::equal(got.begin(), got.end(), all.begin() + 3));
    BOOST_CHECK_EQUAL(out.stats().messages, 6U);
    BOOST_CHECK_EQUAL(in.stats().messages, 6U);
    if (x.guarantees.pollable) {
        pollfd readable{in.native_handle(), POLLIN, 0};
        BOOST_CHECK_EQUAL(::poll(&readable, 1, 0), 0);
        out.send(all[0]);
        BOOST_CHECK_EQUAL(::poll(&readable, 1, -1), 1);
        BOOST_CHECK(*in.try_receive() == all[0]);
    }
    auto moved = std::move(out);
    BOOST_CHECK_EQUAL(code(out.try_send(all[0])), errc::not_open);
    moved.send(all[1]);
    BOOST_CHECK(moved.close());
    BOOST_CHECK_EQUAL(code(moved.try_send(all[0])), errc::not_open);
    BOOST_CHECK(in.receive() == all[1]);
    BOOST_CHECK(!in.receive());
    BOOST_CHECK(in.close());
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::not_open);
}

CONFORMANCE_CASE(texts_and_batches_keep_their_order_over_a_pair, x, reliable_for_fork)
{
    auto small = x.options;
    small.capacity = 4096;
    auto pair = make_text_pair(x, small);
    constexpr std::uint64_t count = 3000;
    child producer([&] {
        auto out = std::move(pair).sender();
        std::vector<std::string> some;
        for (std::uint64_t i = 0; i != count;) {
            some.clear();
            for (std::uint64_t n = i % 37 + 1; n != 0 && i != count; --n)
                some.push_back(support::make_text(i++));
            if (out.send_batch(some) != some.size())
                return 1;
        }
        return 0;
    });
    auto in = std::move(pair).receiver();
    support::sequence_checker seen;
    bool right = true;
    while (auto const text = in.receive())
        right = seen.see(*text) && right;
    BOOST_CHECK(right);
    BOOST_CHECK_EQUAL(seen.count(), count);
    BOOST_CHECK_EQUAL(producer.wait(), 0);
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
}

CONFORMANCE_CASE(a_full_pair_says_so, x, bounded_for_fork)
{
    auto small = x.options;
    small.capacity = 4;
    auto [out, in] = make_pair(x, small).split();
    out.send(make_probe(0));
    BOOST_CHECK(in.receive() == make_probe(0));
    std::uint64_t n = 0;
    while (out.send_for(make_probe(n), 10ms))
        ++n;
    BOOST_CHECK_EQUAL(code(out.try_send(make_probe(n))), errc::full);
    for (std::uint64_t i = 0; i != n; ++i)
        BOOST_REQUIRE(in.receive() == make_probe(i));
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
}

CONFORMANCE_CASE(a_pair_joins_parent_and_child, x, reliable_for_fork)
{
    auto pair = make_pair(x);
    child producer([&] {
        auto out = std::move(pair).sender();
        for (std::uint64_t i = 0; i != 500; ++i)
            out.send(make_probe(i));
    });
    auto in = std::move(pair).receiver();
    std::uint64_t n = 0;
    for (auto const& m : in)
        BOOST_REQUIRE(m == make_probe(n++));
    BOOST_CHECK_EQUAL(n, 500U);
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
    BOOST_CHECK_EQUAL(producer.wait(), 0);
}

CONFORMANCE_CASE(a_pair_joins_two_children_when_the_parent_gives_it_up, x, reliable_for_fork)
{
    std::optional pair(make_pair(x));
    child producer([&] {
        auto out = std::move(*pair).sender();
        for (std::uint64_t i = 0; i != 200; ++i)
            out.send(make_probe(i));
    });
    child consumer([&] {
        auto in = std::move(*pair).receiver();
        std::uint64_t n = 0;
        for (auto const& m : in)
            if (m != make_probe(n++))
                return 1;
        return n == 200 && in.end_reason() == strait::end_reason::left ? 0 : 2;
    });
    pair.reset();
    BOOST_CHECK_EQUAL(producer.wait(), 0);
    BOOST_CHECK_EQUAL(consumer.wait(), 0);
}

CONFORMANCE_CASE(a_sender_of_a_pair_that_is_killed_has_died, x, reliable_for_fork)
{
    for (bool const joined : {false, true}) {
        auto pair = make_pair(x);
        shared_page page;
        child producer([&] {
            std::optional<sender> out;
            if (joined) {
                out.emplace(std::move(pair).sender());
                out->send(make_probe(0));
            }
            page->stage = 1;
            ::pause();
        });
        auto in = std::move(pair).receiver();
        notes::await(page->stage, 1);
        if (joined)
            BOOST_CHECK(in.receive() == make_probe(0));
        BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
        producer.kill();
        BOOST_CHECK(!in.receive());
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::died);
    }
}

CONFORMANCE_CASE(a_receiver_of_a_pair_that_is_killed_is_missed, x, bounded_for_fork)
{
    for (bool const joined : {false, true}) {
        auto small = x.options;
        small.capacity = 4;
        auto pair = make_pair(x, small);
        shared_page page;
        child consumer([&] {
            std::optional<receiver> in;
            if (joined) {
                in.emplace(std::move(pair).receiver());
                (void)in->receive();
            }
            page->stage = 1;
            ::pause();
        });
        auto out = std::move(pair).sender();
        if (joined)
            out.send(make_probe(0));
        notes::await(page->stage, 1);
        consumer.kill();
        // Nobody can ever join a pair again, so that also a transport which retains messages says so when it is full.
        strait::error_code told;
        for (std::uint64_t i = 1; !told; ++i)
            told = code(out.send_for(make_probe(i), 200ms));
        BOOST_CHECK_EQUAL(told, errc::no_receiver);
    }
}

// What was sent before the kill arrives, untorn, and then the death.
CONFORMANCE_CASE(what_a_killed_sender_of_a_pair_committed_arrives, x, reliable_for_fork)
{
    for (int round = 0; round != support::rounds(12); ++round) {
        auto pair = make_text_pair(x);
        shared_page page;
        child producer([&] {
            auto out = std::move(pair).sender();
            for (std::uint64_t i = 0;; ++i) {
                out.send(support::make_text(i));
                page->done.store(i + 1, std::memory_order_release);
            }
        });
        auto in = std::move(pair).receiver();
        std::uint64_t const enough = support::mixed(static_cast<std::uint64_t>(round)) % 500 + 1;
        support::sequence_checker seen;
        bool right = true;
        while (auto const text = in.receive()) {
            right = seen.see(*text) && right;
            if (seen.count() == enough)
                producer.kill();
        }
        BOOST_CHECK(right);
        BOOST_CHECK_GE(seen.count(), page->done.load());
        BOOST_CHECK_LE(seen.count(), page->done.load() + 1);
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::died);
    }
}

CONFORMANCE_CASE(inherited_ends_of_a_pair_say_so_and_keep_nobody_alive, x, reliable_for_fork)
{
    auto both = make_pair(x).split();
    auto& out = both.first;
    auto& in = both.second;
    out.send(make_probe(0));
    BOOST_CHECK(in.receive() == make_probe(0));
    shared_page page;
    child copied([&] {
        int wrong = code(out.try_send(make_probe(9))) != errc::inherited_handle;
        wrong += code(in.try_receive()) != errc::inherited_handle;
        (void)out.close();
        (void)in.close();
        page->stage = 1;
        page->await(page->proceed, 1);
        return wrong;
    });
    notes::await(page->stage, 1);
    out.send(make_probe(1));
    BOOST_CHECK(in.receive() == make_probe(1));
    BOOST_CHECK(out.close());
    BOOST_CHECK(!in.receive());  // while the child lives
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
    page->proceed = 1;
    BOOST_CHECK_EQUAL(copied.wait(), 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
