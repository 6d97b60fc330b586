// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

BOOST_AUTO_TEST_SUITE(in_place)

CONFORMANCE_CASE(a_claimed_message_is_sent_by_commit, x, any_size)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    auto c = out.claim();
    *c = make_probe(3);
    c->sequence = 4;
    c->filling = make_probe(4).filling;
    c.commit();
    BOOST_CHECK(in.receive() == make_probe(4));
    auto moved = [&] {
        auto polled = out.try_claim();
        *polled.value() = make_probe(5);
        return std::move(*polled);
    }();
    BOOST_CHECK(moved.try_commit());
    BOOST_CHECK_EQUAL(code(moved.try_commit()), errc::not_open);  // it has gone
    BOOST_CHECK(in.receive() == make_probe(5));
}

CONFORMANCE_CASE(a_claim_that_is_dropped_sends_nothing, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    *out.claim() = make_probe(1);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    exchange_one(out, in, 2);
    *out.claim() = make_probe(3);
    out.flush();
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    out.close().value();
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(out.stats().messages, 1U);
}

CONFORMANCE_CASE(elements_can_be_claimed_and_shrunk, x, any_size)
{
    auto const where = x.where();
    text_receiver in{x, where};
    text_sender out{x, where};
    auto c = out.claim(500);
    BOOST_REQUIRE_EQUAL(c.size(), 500U);
    std::string const text = support::make_text(9, 0, 300);
    std::ranges::copy(text, (*c).begin());
    c.commit(text.size());
    BOOST_CHECK(in.receive() == text);
    auto whole = out.try_claim(7);
    BOOST_REQUIRE(whole);
    std::ranges::fill(**whole, 'x');
    whole->commit();
    BOOST_CHECK(in.receive() == std::string(7, 'x'));
    out.claim(100).commit(0);
    BOOST_CHECK(in.receive() == std::string());
    auto surplus = out.claim(3);
    BOOST_CHECK_EQUAL(thrown_by([&] { surplus.commit(4); }), errc::message_too_large);
}

CONFORMANCE_CASE(a_commit_refused_for_lack_of_room_can_be_repeated, x, bounded_named)
{
    auto const where = x.where();
    auto small = x.options;
    small.capacity = 4;
    receiver in{x, where, small};
    sender out{x, where, small};
    exchange_one(out, in);
    std::uint64_t next = 1;
    std::optional<support::any_claimed<probe>> held;
    for (;; ++next) {
        auto c = out.try_claim();
        if (!c) {
            BOOST_REQUIRE_EQUAL(c.error(), errc::full);
            break;
        }
        **c = make_probe(next);
        if (auto const r = c->try_commit(); !r) {
            BOOST_REQUIRE_EQUAL(r.error(), errc::full);
            held.emplace(std::move(*c));
            break;
        }
    }
    for (std::uint64_t i = 1; i != next; ++i)
        BOOST_REQUIRE(in.receive() == make_probe(i));
    if (held) {
        BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
        BOOST_CHECK(held->try_commit());
        BOOST_CHECK(in.receive() == make_probe(next++));
    }
    exchange_one(out, in, next);
}

CONFORMANCE_CASE(a_borrowed_message_lies_still_until_it_is_released, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    for (std::uint64_t i = 0; i != 3; ++i)
        out.send(make_probe(i));
    {
        auto first = in.borrow();
        BOOST_REQUIRE(first);
        BOOST_CHECK(*first == make_probe(0));
        BOOST_CHECK_EQUAL(first->sequence, 0U);
        auto const* const place = &*first;
        out.send(make_probe(3));
        auto moved = std::move(first);
        BOOST_CHECK(!first);
        BOOST_CHECK(*moved == make_probe(0));
        if (x.guarantees.zero_copy)
            BOOST_CHECK(place == &*moved);  // no copy of ours that moves along
    }
    auto second = in.try_borrow();
    BOOST_REQUIRE(second);
    BOOST_CHECK(**second == make_probe(1));
    second->release();
    second->release();
    BOOST_CHECK(!*second);
    {
        auto third = in.borrow_for(10s);
        BOOST_CHECK(**third == make_probe(2));
    }
    {
        auto fourth = in.borrow_until(std::chrono::system_clock::now() + 10s);
        BOOST_CHECK(**fourth == make_probe(3));
    }
    BOOST_CHECK_EQUAL(code(in.try_borrow()), errc::empty);
}

CONFORMANCE_CASE(a_borrowed_string_is_a_view, x, any_size)
{
    auto const where = x.where();
    text_receiver in{x, where};
    text_sender out{x, where};
    for (std::uint64_t i = 0; i != 200; ++i) {
        out.send(support::make_text(i));
        auto b = in.borrow();
        BOOST_REQUIRE(b);
        BOOST_REQUIRE_EQUAL(std::string_view(*b), support::make_text(i));
    }
    out.close().value();
    BOOST_CHECK(!in.borrow());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
