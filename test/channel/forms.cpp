// Distributed under the Boost Software License, Version 1.0.
// The forms of each verb, and what a claim remembers of its own.

#include <strait/channel.hpp>
#include <strait/transport/in_process.hpp>
#include <strait/transport/shm_ring.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <support/code.hpp>
#include <support/watchdog.hpp>

#include <algorithm>
#include <thread>
#include <tuple>

#include <boost/test/unit_test.hpp>

namespace {

using namespace std::chrono_literals;
using strait::deadline;
using strait::errc;
using support::code;

struct order {
    std::uint64_t id = 0;
    std::string text;

    friend bool operator==(order const&, order const&) = default;
};

using ring = strait::shm_ring<>;
using rings = std::tuple<ring, strait::shm_ring<strait::mpmc>>;

struct fixture {
    support::watchdog watch;

    static auto past() { return std::chrono::system_clock::now() - 1h; }
};

template <class Operation>
strait::error_code thrown_by(Operation operation)
{
    try {
        operation();
        return {};
    } catch (boost::system::system_error const& e) {
        return e.code();
    }
}

// A channel of two ends that has no room.
template <class T, class X>
auto full_channel(T const& message)
{
    auto ends = strait::channel<T, X>::make_pair({.capacity = X::guarantees.zero_copy ? 4096U : 4U}).split();
    while (ends.first.try_send(message)) {}
    return ends;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(forms, fixture)

BOOST_AUTO_TEST_CASE(each_verb_of_a_sender_takes_a_deadline_a_moment_and_a_duration)
{
    auto [out, in] = strait::channel<std::uint64_t, ring>::make_pair({.capacity = 8}).split();
    std::vector<std::uint64_t> const one{1};
    BOOST_TEST(out.send_until(1, deadline::never()).has_value());
    BOOST_TEST((out.send_batch_until(one, deadline::poll()).value() == 1U));
    for (auto make : {+[](strait::sender<std::uint64_t, ring>& s) { return s.claim_until(deadline::never()); },
                      +[](strait::sender<std::uint64_t, ring>& s) { return s.claim_until(fixture::past()); },
                      +[](strait::sender<std::uint64_t, ring>& s) { return s.claim_for(1s); }}) {
        auto c = make(out);
        **c = 1;
        BOOST_TEST(c->commit_until(deadline::never()).has_value());
    }
    BOOST_TEST(out.flush_until(deadline::never()).has_value());
    BOOST_TEST(out.try_flush().has_value());
    std::vector<std::uint64_t> got(1);
    BOOST_TEST((in.receive_until(deadline::never()).value() == 1U));
    BOOST_TEST((in.receive_batch_until(got, deadline::never()).value() == 1U));
    for (int i = 0; i != 2; ++i)
        BOOST_TEST((*in.borrow_until(deadline::never()).value() == 1U));
    BOOST_TEST((in.receive(std::stop_token()) == 1U));
    BOOST_TEST((code(in.receive_until(deadline::poll())) == errc::empty));
    BOOST_TEST((code(in.borrow_until(deadline::after(1ms))) == errc::timed_out));
    BOOST_TEST((code(in.receive_batch_until(got, deadline::at({}))) == errc::timed_out));
}

BOOST_AUTO_TEST_CASE(elements_are_claimed_in_each_form)
{
    auto [out, in] = strait::channel<std::string, ring>::make_pair().split();
    auto const send = [](auto c) {
        std::ranges::fill(**c, 'x');
        c->commit();
    };
    send(out.try_claim(3));
    send(out.claim_for(3, 1s));
    send(out.claim_until(3, deadline::never()));
    send(out.claim_until(3, fixture::past()));
    send(out.claim(3, std::stop_token()));
    for (int i = 0; i != 5; ++i)
        BOOST_TEST((in.receive() == "xxx"));
}

BOOST_AUTO_TEST_CASE(an_object_that_can_only_be_moved_is_sent_in_each_form)
{
    using box = std::unique_ptr<int>;
    auto [out, in] = strait::channel<box, strait::in_process>::make_pair({.capacity = 5}).split();
    out.send(std::make_unique<int>(0));
    BOOST_TEST(out.send(std::make_unique<int>(1), std::stop_token()));
    BOOST_TEST(out.send_for(std::make_unique<int>(2), 1s).has_value());
    BOOST_TEST(out.send_until(std::make_unique<int>(3), deadline::never()).has_value());
    BOOST_TEST(out.send_until(std::make_unique<int>(4), fixture::past()).has_value());
    auto left = std::make_unique<int>(5);
    std::stop_source source;
    std::jthread const stopping([&] { source.request_stop(); });
    BOOST_TEST(!out.send(std::move(left), source.get_token()));
    BOOST_TEST((code(out.try_send(std::move(left))) == errc::full));
    BOOST_TEST((code(out.send_for(std::move(left), 1ms)) == errc::timed_out));
    BOOST_TEST((code(out.send_until(std::move(left), deadline::after(1ms))) == errc::timed_out));
    BOOST_TEST((code(out.send_until(std::move(left), fixture::past())) == errc::timed_out));
    BOOST_TEST_REQUIRE(left.get());
    BOOST_TEST(*left == 5);  // what was not sent is still here
    for (int i = 0; i != 5; ++i)
        BOOST_TEST((*in.receive().value() == i));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_claim_of_an_encoded_type_says_that_there_is_no_room, X, rings)
{
    auto [out, in] = full_channel<order, X>({1, "text"});
    BOOST_TEST((code(out.try_claim()) == errc::full));
    BOOST_TEST((code(out.claim_for(1ms)) == errc::timed_out));
    BOOST_TEST((code(out.claim_until(fixture::past())) == errc::timed_out));
}

BOOST_AUTO_TEST_CASE(a_claim_of_an_object_says_that_there_is_no_room)
{
    auto [out, in] = full_channel<order, strait::in_process>({1, "text"});
    BOOST_TEST((code(out.try_claim()) == errc::full));
    BOOST_TEST((code(out.claim_for(1ms)) == errc::timed_out));
    BOOST_TEST((in.receive() == order{1, "text"}));
    BOOST_TEST(out.try_claim().has_value());
}

// Room for the least message is not room for every one.
BOOST_AUTO_TEST_CASE(a_commit_waits_no_longer_than_its_claim_may)
{
    auto [out, in] = strait::channel<order, ring>::make_pair({.capacity = 4096}).split();
    std::uint64_t sent = 0;
    while (out.try_send({sent, std::string(600, 'x')}))
        ++sent;
    auto polled = out.try_claim();
    BOOST_TEST_REQUIRE(polled.has_value());
    **polled = {sent, std::string(600, 'x')};
    BOOST_TEST((thrown_by([&] { polled->commit(); }) == errc::full));
    BOOST_TEST((code(polled->try_commit()) == errc::full));
    BOOST_TEST((code(polled->commit_for(1ms)) == errc::timed_out));
    BOOST_TEST((in.receive() == order{0, std::string(600, 'x')}));
    BOOST_TEST((in.receive() == order{1, std::string(600, 'x')}));
    polled->commit();  // it was still there
    BOOST_TEST((code(polled->try_commit()) == errc::not_open));
    while (out.try_send({++sent, std::string(600, 'x')})) {}
    auto timed = out.claim_for(1ms);
    BOOST_TEST_REQUIRE(timed.has_value());
    **timed = {sent, std::string(600, 'x')};
    BOOST_TEST((thrown_by([&] { timed->commit(); }) == errc::timed_out));
    for (std::uint64_t i = 2; i != sent; ++i)
        BOOST_TEST((in.receive() == order{i, std::string(600, 'x')}));
    timed->commit();
    BOOST_TEST((in.receive() == order{sent, std::string(600, 'x')}));
}

BOOST_AUTO_TEST_SUITE_END()
