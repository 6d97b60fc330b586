// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

BOOST_AUTO_TEST_SUITE(in_place)

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_claimed_message_is_sent_by_commit, S, subjects, clean_host)
{
    auto const where = S::where();
    receiver_of<S> in{where};
    sender_of<S> out{where};
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

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_claim_that_is_dropped_sends_nothing, S, word_subjects, clean_host)
{
    auto const where = S::where();
    receiver_of<S> in{where};
    sender_of<S> out{where};
    *out.claim() = make_probe(1);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    exchange_one<S>(out, in, 2);
    *out.claim() = make_probe(3);
    out.flush();
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    out.close().value();
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(out.stats().messages, 1U);
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(elements_can_be_claimed_and_shrunk, S, subjects, clean_host)
{
    auto const where = S::where();
    receiver_of<S, std::string> in{where};
    sender_of<S, std::string> out{where};
    auto c = out.claim(500);
    BOOST_REQUIRE_EQUAL(c->size(), 500U);
    std::string const text = support::make_text(9, 0, 300);
    std::ranges::copy(text, c->begin());
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

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_commit_refused_for_lack_of_room_can_be_repeated, S, bounded_word_subjects, clean_host)
{
    auto const where = S::where();
    options_of<S> small;
    small.capacity = 4;
    receiver_of<S> in{where, small};
    sender_of<S> out{where, small};
    exchange_one<S>(out, in);
    std::uint64_t next = 1;
    std::optional<strait::claimed<probe_of<S>, typename S::transport>> held;
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
    exchange_one<S>(out, in, next);
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_borrowed_message_lies_still_until_it_is_released, S, word_subjects, clean_host)
{
    auto const where = S::where();
    receiver_of<S> in{where};
    sender_of<S> out{where};
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
        if constexpr (guarantees_of<S>.zero_copy)
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

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_borrowed_string_is_a_view, S, subjects, clean_host)
{
    auto const where = S::where();
    receiver_of<S, std::string> in{where};
    sender_of<S, std::string> out{where};
    for (std::uint64_t i = 0; i != 200; ++i) {
        out.send(support::make_text(i));
        auto b = in.borrow();
        BOOST_REQUIRE(b);
        BOOST_REQUIRE_EQUAL(std::string_view(*b), support::make_text(i));
        if constexpr (between_processes<S>)
            static_assert(std::same_as<typename strait::borrowed<std::string, typename S::transport>::view_type, std::string_view>);
    }
    out.close().value();
    BOOST_CHECK(!in.borrow());
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(claims_and_borrows_run_around_the_channel_many_times, S, subjects, clean_host)
{
    auto const where = S::where();
    options_of<S> small;
    small.capacity = guarantees_of<S>.max_message_size == 0 ? 4096 : 8;
    receiver_of<S, std::vector<std::uint32_t>> in{where, small};
    sender_of<S, std::vector<std::uint32_t>> out{where, small};
    for (std::uint32_t i = 0; i != 2000; ++i) {
        std::size_t const n = support::mixed(i) % 90;
        auto c = out.claim(n + 5);
        for (std::size_t k = 0; k != n; ++k)
            (*c)[k] = i + static_cast<std::uint32_t>(k);
        c.commit(n);
        auto b = in.borrow();
        BOOST_REQUIRE(b);
        BOOST_REQUIRE_EQUAL(b->size(), n);
        for (std::size_t k = 0; k != n; ++k)
            BOOST_REQUIRE_EQUAL((*b)[k], i + static_cast<std::uint32_t>(k));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
